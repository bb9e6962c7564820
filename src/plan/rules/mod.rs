//! The rules that a plan is checked against, one file each.
//!
//! A rule reads and reports; it changes nothing and knows no other rule. One invariant: each has a code
//! of its own, an explanation, and a plan among the tests that breaks it.

mod agent_twice;
mod byte_order_mark;
mod depends_cycle;
mod depends_later;
mod depends_unknown;
mod duplicate_name;
mod duplicate_number;
mod duplicate_section;
mod empty_branch;
mod empty_name;
mod empty_thread;
mod heading_colon;
mod heading_level;
mod heading_nested;
mod heading_no_space;
mod heading_setext;
mod heading_unknown;
mod label_in_line;
mod label_twice;
mod late_section;
mod no_stages_heading;
mod no_threads;
mod no_title;
mod nul_bytes;
mod number_order;
mod number_range;
mod open_question;
mod outside_parent;
mod path_overlap;
mod placeholder;
mod question_box;
mod registry;
mod shared_file;
mod stage_too_early;
mod stray_text;
mod summary_details;
#[cfg(test)]
mod tests;
mod unclosed;
mod unlabelled;

pub use placeholder::CODE as PLACEHOLDER;
pub(super) use registry::{Facts, check};
pub use registry::{codes, explain};

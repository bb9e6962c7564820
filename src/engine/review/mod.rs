//! What changed in PLAN.md since it was approved, part by part.
//!
//! Whether something changed is decided by the hashes in the state; what changed is read from the copy of
//! the approved plan, or from git, where one of them has it. One invariant: a text is called the approved
//! one only when its hash says so.

mod compare;
mod diff;
mod source;

pub use compare::{Change, Part, PartChange, Review, ReviewKind, TextChange, review, texts_changed};
pub use diff::Line;
pub use source::Basis;

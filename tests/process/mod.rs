//! Tests with real processes: many at once, killed, and cut off.

mod git;
mod jobs_file;
mod ref_calls;
mod speed;
mod store;
mod store_calls;
mod supervisor;
mod tmux;
mod updates;

//! Other programs that `work` uses as they are: git, tmux, and what shows notifications.
//!
//! Knows how to ask them, and what their answers mean; never decides what to do about it. One
//! invariant: they get argv, and no name or path of a user's is ever read by a shell.

pub mod desktop;
pub mod git;
pub mod tmux;

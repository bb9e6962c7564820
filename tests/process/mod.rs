//! Tests with real processes.

mod git;
mod tmux;

//! Tests with real processes: kills, crashes, and many at once.

mod git;
mod store;
mod tmux;

//! What threads change: the marks of their snapshots, and what may be done with a change.
//!
//! The decisions are tables over facts; whoever asks gathers the facts. One invariant: what is allowed here
//! loses nothing that a person has not seen kept.

mod mark;
mod outside;
mod removal;
mod touch;

pub use mark::{Mark, ObjectId, TurnMark};
pub use outside::OutsidePaths;
pub use removal::{Hindrance, WorktreeFacts};
pub use touch::{Obstacle, PathFacts};

//! Everything that a person sees.
//!
//! Draws what the engine says; decides nothing, reads no file and starts nothing. One invariant: nothing
//! is said by colour alone.

pub mod diagnostics;

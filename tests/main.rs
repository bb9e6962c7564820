//! The one integration binary.

mod agents;
mod cli;
mod fakes;
mod meta;
mod process;
mod support;

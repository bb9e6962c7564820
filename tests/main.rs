//! The one integration binary.

mod agents;
mod changes;
mod cli;
mod fakes;
mod meta;
mod process;
mod support;

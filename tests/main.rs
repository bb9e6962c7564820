//! The one integration binary.

mod agents;
mod fakes;
mod meta;
mod process;
mod support;

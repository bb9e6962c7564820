//! The one integration binary.

mod fakes;
mod meta;
mod process;
mod support;

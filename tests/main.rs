//! The one integration binary.

mod meta;
mod process;

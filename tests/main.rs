//! The one integration binary.

mod fakes;
mod meta;

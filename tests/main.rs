//! The one integration binary.

mod meta;

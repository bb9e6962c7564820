//! What the tests stand on.

pub(crate) mod env;
pub(crate) mod wait;

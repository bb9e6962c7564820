//! Tests about the code itself.

mod layers;

//! Tests about the code itself.

mod faults;
mod layers;
mod schemas;

//! Tests about the code itself, and about what is told of it.

mod command_lines;
mod examples;
mod faults;
mod files;
mod layers;
mod readme;
mod schemas;
pub(crate) mod text;

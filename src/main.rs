//! The entrance. All logic is in the library.

fn main() {}

//! The entrance. All logic is in the library.

use work::commands::{Exit, main as run};

fn main() -> Exit {
    run(std::env::args_os().collect())
}

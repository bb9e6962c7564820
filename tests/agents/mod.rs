//! The real agents, against the scripted model server. They are installed with
//! `npm ci --prefix tests/agents`; where they are not, these tests fail and say so.

mod broken_stream;
mod contract;
mod degrade;
mod execute;
mod execute_failures;
mod fake_opencode;
mod health;
mod kills;
mod multi;
mod opencode_backend;
mod opencode_failures;
mod permissions;
mod questions;
mod quickstart;
mod records;
mod repair;
mod repair_by_hand;
mod rig;
mod server_health;
mod soak;

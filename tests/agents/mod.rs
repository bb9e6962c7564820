//! The real agents, against the scripted model server. They are installed with
//! `npm install --no-save --prefix tests/agents`; where they are not, these tests fail and say so.

mod acp_backend;
mod acp_failures;
mod acp_opencode;
mod acp_qwen;
mod acp_swap;
mod acp_threads;
mod acp_window;
mod broken_stream;
mod contract;
mod degrade;
mod execute;
mod execute_failures;
mod fake_opencode;
mod health;
mod jobs;
mod kills;
mod launcher;
mod multi;
mod notify;
mod opencode_backend;
mod opencode_failures;
mod paths;
mod permissions;
mod primary;
mod questions;
mod quickstart;
mod records;
mod remote;
mod repair;
mod repair_by_hand;
mod rig;
mod server_health;
mod soak;
mod worktrees;

//! `work` plans software work, gives its threads to coding agents, and keeps a true record of what
//! every agent did.
//!
//! # The house
//!
//! Every module is a room on a floor, and imports only from the floors below its own. The table
//! stands in `tests/meta/layers.rs`, and a test holds it.
//!
//! | floor | room | what lives there |
//! |---|---|---|
//! | 0 | [`model`] | the domain as types: ids, tasks, threads, session records, statuses; pure |
//! | 0 | [`diag`] | diagnostics as data |
//! | 0 | [`sys`] | the operating system: clock, environment, files, locks, processes |
//! | 1 | [`plan`] | `PLAN.md`: parse, check, edit by byte span; pure |
//! | 1 | [`config`] | `agents.yaml` and `config.yaml` |
//! | 2 | [`store`] | `tasks.json` and the journals: formats, transactions, migration |
//! | 2 | [`adapters`] | other programs: git, tmux |
//! | 2 | [`agent`] | backends: how we talk to coding agents |
//! | 2 | [`ipc`] | the protocol between a command and the supervisor, and its client |
//! | 3 | [`engine`] | use cases, synchronous: approve, status, prompt, sessions, recovery |
//! | 4 | [`runtime`] | turns, the pool of agent processes; asynchronous |
//! | 5 | [`supervisor`] | the process that hosts the runtime behind a socket |
//! | 6 | [`ui`] | everything a person sees |
//! | 7 | [`commands`] | the command line, one file a command |
//!
//! A command reads the state through `engine`, and changes it only inside `store::transact`. A turn
//! runs in `runtime`, hosted by the supervisor or, with `--no-supervisor`, by the command itself.

pub mod adapters;
pub mod agent;
pub mod commands;
pub mod config;
pub mod diag;
pub mod engine;
pub mod ipc;
pub mod model;
pub mod plan;
pub mod runtime;
pub mod store;
pub mod supervisor;
pub mod sys;
pub mod ui;

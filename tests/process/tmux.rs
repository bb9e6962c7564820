//! `adapters::tmux` against the real tmux, on private sockets.
//!
//! The adapter runs in this process, so it is given a tmux program that runs the real one in the
//! environment of the test ([`TestEnv::tmux_program`]).

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod exact;
mod life;
mod names;
mod start;
mod surroundings;

use std::ffi::OsString;
use std::time::Duration;

use work::adapters::tmux::{Program, Server, SessionName, Title, Window, WindowSpec};

use crate::support::env::TestEnv;
use crate::support::wait::wait_until;

/// Waits for something that tmux or a program in it will do.
#[track_caller]
fn eventually(what: &str, is_true: impl FnMut() -> bool) {
    wait_until(what, Duration::from_secs(20), is_true);
}

fn program(env: &TestEnv) -> Program {
    Program::find(Some(&env.tmux_program())).unwrap()
}

fn private(env: &TestEnv) -> Server {
    Server::private(&program(env), &env.runtime_dir().join("work/tmux")).unwrap()
}

/// A window that stays.
fn sleeper(env: &TestEnv, session: &str, title: &str) -> WindowSpec {
    WindowSpec {
        session: SessionName::new(session),
        title: Title::new(title),
        directory: env.root().to_owned(),
        argv: ["sleep", "1000"].map(OsString::from).to_vec(),
        environment: Vec::new(),
        tags: vec![("work_thread", title.to_owned())],
    }
}

fn list(server: &Server) -> Vec<Window> {
    server.list_windows(None, &["work_thread", "work_stream"]).unwrap()
}

/// The user's own server, with their configuration, and a pane that we run in.
fn users_server(env: &TestEnv) -> (OsString, String) {
    env.tmux(["new-session", "-d", "-s", "mine", "-x", "100", "-y", "30", "--", "sleep", "1000"]).ok();
    let print = |format| env.tmux(["display-message", "-p", "-t", "=mine:", format]).ok().stdout;
    let tmux = print("#{socket_path},#{pid},0");
    (tmux.trim().into(), print("#{pane_id}").trim().to_owned())
}

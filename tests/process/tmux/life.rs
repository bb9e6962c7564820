//! The life of a server and its windows.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use work::adapters::tmux::{Server, SessionName};

use super::{eventually, list, private, program, sleeper, users_server};
use crate::support::env::TestEnv;

/// Mutants: any window is closed; every pane counts as ours; targets without `=`.
#[test]
fn windows_are_closed_and_chosen_by_id() {
    let env = TestEnv::new();
    let server = private(&env);
    let session = SessionName::new("s");
    assert_eq!(list(&server), []);
    assert!(!server.session_exists(&session).unwrap());
    let [one, two] = ["one", "two"].map(|name| server.open_window(&sleeper(&env, "s", name)).unwrap());
    assert!(server.session_exists(&session).unwrap());
    assert!(!server.session_exists(&SessionName::new("")).unwrap(), "`work`, which is another");
    server.open_window(&sleeper(&env, "s-longer", "three")).unwrap();
    assert_eq!(server.list_windows(Some(&session), &[]).unwrap().len(), 2);
    let start = SessionName::new("s-long");
    assert!(!server.session_exists(&start).unwrap(), "the start of a name is not the name");
    assert_eq!(server.list_windows(Some(&start), &[]).unwrap(), []);

    let current =
        || env.tmux_on(server.socket(), ["display-message", "-p", "-t", "=s:", "#{window_id}"]).stdout;
    assert_eq!(current().trim(), one.window.to_string(), "opened in the background");
    server.select_window(two.window).unwrap();
    assert_eq!(current().trim(), two.window.to_string());

    // A window of somebody else's is left alone, and our pane is told from others beside it.
    env.tmux_on(
        server.socket(),
        ["split-window", "-b", "-t", &two.window.to_string(), "--", "sleep", "1000"],
    )
    .ok();
    let panes = || list(&server).iter().filter(|w| w.id == two.window).map(|w| w.pane).collect::<Vec<_>>();
    assert_eq!(panes(), [two.pane]);
    let other = env.tmux_on(
        server.socket(),
        ["new-window", "-d", "-P", "-F", "#{window_id}", "-t", "=s:", "--", "sleep", "1000"],
    );
    let count = || env.tmux_on(server.socket(), ["list-windows", "-a"]).stdout.lines().count();
    assert_eq!((list(&server).len(), count()), (3, 4));
    let of_others =
        env.tmux_on(server.socket(), ["set-option", "-w", "-t", &one.window.to_string(), "-u", "@work_pane"]);
    assert_eq!(of_others.code, 0);
    server.kill_window(one.window).unwrap();
    assert_eq!(count(), 4, "without our mark it is not ours: {}", other.stdout);
    server.kill_window(two.window).unwrap();
    assert_eq!(count(), 3);
    server.kill_window(two.window).unwrap();
    assert_eq!(count(), 3, "closed twice is closed once");
    assert!(server.select_window(two.window).is_err());
    env.tmux_on(server.socket(), ["kill-server"]).ok();
    server.kill_window(one.window).unwrap();
    assert!(!server.session_exists(&session).unwrap());
}

/// Mutant: no `start-server` from `/`.
#[cfg(target_os = "linux")]
#[test]
fn a_server_holds_on_to_no_worktree() {
    let env = TestEnv::new();
    let server = private(&env);
    server.open_window(&sleeper(&env, "s", "one")).unwrap();
    let pid = env.tmux_on(server.socket(), ["display-message", "-p", "#{pid}"]).ok().stdout;
    let cwd = fs::read_link(format!("/proc/{}/cwd", pid.trim())).unwrap();
    assert_eq!(cwd, Path::new("/"));
}

/// A race that is lost seldom on an idle machine. Mutant: no second try (the next test sees it always).
#[test]
fn a_window_opens_while_the_old_server_is_ending() {
    let env = TestEnv::new();
    let server = private(&env);
    for round in 0..20 {
        server.open_window(&sleeper(&env, "s", "one")).unwrap();
        assert_eq!(list(&server).len(), 1, "round {round}");
        env.tmux_on(server.socket(), ["kill-server"]).ok();
    }
}

/// Mutants: a duplicate session is an error; no second try.
#[test]
fn sixteen_first_windows_at_once_make_one_session() {
    let env = TestEnv::new();
    let server = private(&env);
    std::thread::scope(|scope| {
        for i in 0..16 {
            let (env, server) = (&env, &server);
            scope.spawn(move || server.open_window(&sleeper(env, "s", &format!("{i}"))).unwrap());
        }
    });
    assert_eq!(list(&server).len(), 16);
    let sessions = env.tmux_on(server.socket(), ["list-windows", "-a", "-F", "#{session_name}"]).stdout;
    assert_eq!(sessions, "s\n".repeat(16), "no empty window is left over");
}

/// The user's terminal is played by a window of another server. Mutant: `detach-on-destroy` left on.
#[test]
fn the_users_terminal_is_brought_to_the_session() {
    let env = TestEnv::new();
    let (tmux, pane) = users_server(&env);
    let inside = Server::inside(&program(&env), &tmux, Some(&pane)).unwrap();
    inside.open_window(&sleeper(&env, "ours", "one")).unwrap();
    let session = SessionName::new("ours");
    assert!(inside.switch_client(&session).is_err(), "nobody looks");

    let terminal = env.runtime_dir().join("terminal.tmux");
    let run = |words: &[&OsStr]| {
        let mut args: Vec<&OsStr> =
            ["-f", "/dev/null", "new-session", "-d", "--", "env", "-u", "TMUX"].map(OsStr::new).to_vec();
        args.extend(words);
        env.tmux_on(&terminal, args).ok();
    };
    let socket = env.tmux_socket();
    run(&[
        "tmux".as_ref(),
        "-S".as_ref(),
        socket.as_os_str(),
        "attach-session".as_ref(),
        "-t".as_ref(),
        "=mine:".as_ref(),
    ]);
    let looking_at = || env.tmux(["list-clients", "-F", "#{client_session}"]).stdout;
    eventually("the user looks at their session", || looking_at().trim() == "mine");
    inside.switch_client(&session).unwrap();
    assert_eq!(looking_at().trim(), "ours");
    // When our last window ends, they are back at their own.
    for window in list(&inside) {
        inside.kill_window(window.id).unwrap();
    }
    eventually("the user is back", || looking_at().trim() == "mine");

    // And from a terminal without tmux to our own server.
    let server = private(&env);
    server.open_window(&sleeper(&env, "ours", "one")).unwrap();
    let attach = server.attach(&session);
    let words: Vec<&OsStr> = std::iter::once(OsStr::new("tmux")).chain(attach.get_args()).collect();
    run(&words);
    let clients = || env.tmux_on(server.socket(), ["list-clients", "-F", "#{client_session}"]).stdout;
    eventually("a look at our session", || clients().trim() == "ours");
}

//! T5: hostile surroundings.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use work::adapters::tmux::{Program, Server, TmuxError, WindowSpec};

use super::{eventually, list, private, program, sleeper, users_server};
use crate::support::env::TestEnv;

const HOSTILE_CONFIGURATION: &str = "\
set -g destroy-unattached on
set -g default-shell /bin/false
set -g default-command 'touch CANARY'
set -g base-index 5
set -g renumber-windows on
setw -g allow-rename on
setw -g automatic-rename on
setw -g remain-on-exit on
setw -g automatic-rename-format 'stolen'
set -g exit-empty on
run-shell 'touch LOADED'
";

/// T5, our own server. Mutant: `-f` left out of `address` (`LOADED` appears).
#[test]
fn t5_a_private_server_knows_nothing_of_the_users_configuration() {
    let env = TestEnv::new();
    let (canary, loaded) = (env.root().join("canary"), env.root().join("loaded"));
    let text = HOSTILE_CONFIGURATION
        .replace("CANARY", canary.to_str().unwrap())
        .replace("LOADED", loaded.to_str().unwrap());
    env.write("home/.tmux.conf", &text);
    env.write("home/.config/tmux/tmux.conf", &text);
    let server = private(&env);
    let opened = server.open_window(&sleeper(&env, "s", "one")).unwrap();
    server.open_window(&sleeper(&env, "s", "two")).unwrap();
    let ends = WindowSpec { argv: vec!["true".into()], ..sleeper(&env, "s", "three") };
    server.open_window(&ends).unwrap();
    eventually("the end of the third", || list(&server).len() == 2);
    assert_eq!(list(&server)[0].id, opened.window);
    let show = |name| env.tmux_on(server.socket(), ["show-options", "-gv", name]).ok().stdout;
    assert_eq!((show("base-index").as_str(), show("mouse").as_str()), ("1\n", "on\n"));
    assert_eq!(env.tmux_on(server.socket(), ["show-options", "-sv", "exit-empty"]).stdout, "on\n");
    assert!(!loaded.exists() && !canary.exists());
}

/// T5, the user's server: our windows live by our options, and theirs stay as they were. Mutants:
/// `destroy-unattached` not set on our session; an option set with `-g`; `remain-on-exit` or
/// `allow-rename` left as it is; the environment of the first window left in the session.
#[test]
fn t5_inside_a_hostile_server_our_windows_live_and_nothing_global_changes() {
    let env = TestEnv::new();
    let (canary, loaded) = (env.root().join("canary"), env.root().join("loaded"));
    let text = HOSTILE_CONFIGURATION
        .replace("set -g destroy-unattached on\n", "")
        .replace("CANARY", canary.to_str().unwrap())
        .replace("LOADED", loaded.to_str().unwrap());
    env.write("home/.tmux.conf", &text);
    let (tmux, pane) = users_server(&env);
    assert!(loaded.exists(), "the configuration is read");
    // Now that the user's session is there; it would have ended with the command that made it.
    env.tmux([
        "set-option",
        "-t",
        "=mine:",
        "destroy-unattached",
        "off",
        ";",
        "set-option",
        "-g",
        "destroy-unattached",
        "on",
    ])
    .ok();
    let options = || {
        let show = |scope| env.tmux(["show-options", scope]).ok().stdout;
        let own = env.tmux(["show-options", "-t", "=mine:"]).ok().stdout;
        [show("-s"), show("-g"), show("-gw"), own, env.tmux(["show-environment", "-g"]).ok().stdout]
    };
    let before = options();
    let server = Server::inside(&program(&env), &tmux, Some(&pane)).unwrap();
    assert!(!server.is_private());
    let mut spec = sleeper(&env, "s", "one");
    spec.environment = vec![("WORK_THREAD".into(), "one".into())];
    spec.argv = ["sh", "-c", r"printf '\033kstolen\033\134'; exec sleep 1000"].map(OsString::from).to_vec();
    server.open_window(&spec).unwrap();
    server.open_window(&sleeper(&env, "s", "two")).unwrap();
    server.open_window(&WindowSpec { argv: vec!["true".into()], ..sleeper(&env, "s", "three") }).unwrap();
    eventually("the end of the third", || list(&server).len() == 2);
    let windows = list(&server);
    assert_eq!(windows.iter().map(|w| w.title.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert!(windows.iter().all(|window| window.session == "s" && !window.dead));
    assert_eq!(options(), before);
    // What the first window was given is not for the second, nor for what the user opens there.
    let environment = env.tmux(["show-environment", "-t", "=s:"]).ok().stdout;
    assert!(
        !environment.lines().any(|line| line.trim_start_matches('-').starts_with("WORK_")),
        "{environment}"
    );
    // Theirs is not ours to close, nor to list.
    let users = env.tmux(["list-windows", "-t", "=mine:", "-F", "#{window_id}"]).stdout;
    assert!(!windows.iter().any(|window| window.id.to_string() == users.trim()));
    assert!(!canary.exists());
}

/// T5: `$TMUX` leads nowhere, to another server, or is nonsense. Mutant: the pid not compared.
#[test]
fn t5_a_dead_tmux_variable_is_seen() {
    let env = TestEnv::new();
    let program = program(&env);
    let (tmux, _) = users_server(&env);
    assert!(Server::inside(&program, &tmux, None).is_some());
    let socket = env.tmux_socket();
    for value in [
        format!("{},1,0", socket.display()),
        "/nowhere/tmux,1,0".into(),
        String::new(),
        ",,".into(),
        "x".into(),
    ] {
        assert!(Server::inside(&program, OsStr::new(&value), None).is_none(), "{value}");
    }
    env.tmux(["kill-server"]).ok();
    assert!(Server::inside(&program, &tmux, None).is_none());
}

/// T5: no tmux, other versions, and what is no tmux at all. Mutant: every 1.0 will do.
#[test]
fn t5_a_tmux_that_will_not_do_gives_one_clear_line() {
    let env = TestEnv::new();
    let missing = Program::find(Some(&env.root().join("missing"))).unwrap_err();
    assert_eq!(missing.to_string(), "tmux was not found; install the package `tmux`");
    let answering = |text: &str| {
        Program::find(Some(&env.script("fake/tmux", &format!("#!/bin/sh\nprintf '%s\\n' '{text}'\n"))))
    };
    for good in [
        "tmux 3.2",
        "tmux 3.2a",
        "tmux 3.3a",
        "tmux next-3.5",
        "tmux 10.0",
        "tmux master",
        "tmux openbsd-7.4",
    ] {
        answering(good).unwrap();
    }
    let fake = env.root().join("fake/tmux");
    for old in ["2.6", "3.0a", "3.1c", "next-3.1"] {
        let error = answering(&format!("tmux {old}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{}` is tmux {old}, and 3.2 or newer is needed", fake.display())
        );
        assert!(error.hint().is_some());
    }
    for odd in ["", "GNU screen 4.9", "tmux"] {
        assert!(matches!(answering(odd), Err(TmuxError::Unknown { .. })), "{odd}");
    }
}

#[test]
fn a_socket_has_a_short_path_in_a_folder_of_its_own() {
    let env = TestEnv::new();
    let program = program(&env);
    let server = private(&env);
    let folder = server.socket().parent().unwrap();
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    let long = env.root().join("x".repeat(100)).join("tmux");
    assert!(matches!(Server::private(&program, &long), Err(TmuxError::SocketPath { .. })));
    assert!(!long.parent().unwrap().exists());
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let open = Server::private(&program, server.socket()).unwrap_err();
    assert!(matches!(open, TmuxError::SocketFolder { .. }), "{open}");
}

//! T2: hostile names.

use std::fs;

use work::adapters::tmux::{Opened, Server, SessionName, Title, WindowSpec};

use super::{eventually, private, program, sleeper, users_server};
use crate::support::env::TestEnv;

/// Names that do something when anything expands or splits them; `CANARY` is a path.
const HOSTILE: &[&str] = &[
    "#(touch CANARY)",
    "##(touch CANARY)",
    "###(touch CANARY)",
    "#{E:#(touch CANARY)}",
    "#[fg=red]#(touch CANARY)",
    "#{?1,#(touch CANARY),}",
    "#S",
    "#{pid}",
    "%H:%M",
    "$(touch CANARY)",
    "`touch CANARY`",
    "; touch CANARY",
    "x; run-shell 'touch CANARY' ;",
    r"x\; run-shell 'touch CANARY' \;",
    "' ; touch CANARY ; '",
    "\" ; touch CANARY ; \"",
    "a\nrun-shell 'touch CANARY'\n",
    "-t",
    "--",
    "-n x",
    "",
    " ",
    "=",
    "@0",
    "%0",
    "$0",
    "{last}",
    ":",
    "a.b:c",
    "!",
    "+",
    "🦀 🏳️‍🌈 👩‍👩‍👧‍👧",
    "e\u{301}\u{301}\u{301}",
    "\u{202e}abc",
    "\x1b]2;x\x07\x1b[2J",
    "\0x",
    "~",
    "*",
    "end;",
    "end#",
    r"back\",
    "|",
    "'",
];

/// T2. Mutants: `#` in titles neither escaped nor followed by a space (the canary appears); only
/// not escaped (`#S` shows another title); only not followed by a space; names of sessions as they
/// are; tags not encoded.
#[test]
fn t2_no_name_is_ever_expanded_split_or_run() {
    let env = TestEnv::new();
    let canary = env.root().join("canary");
    let control = env.root().join("control");
    let long = "#(touch CANARY)".repeat(20) + &"🦀".repeat(300);
    let names: Vec<String> = HOSTILE
        .iter()
        .copied()
        .chain([long.as_str()])
        .map(|name| name.replace("CANARY", canary.to_str().unwrap()))
        .collect();
    let (tmux, pane) = users_server(&env);
    let inside = Server::inside(&program(&env), &tmux, Some(&pane)).unwrap();
    for server in [private(&env), inside] {
        let mut opened: Vec<(Opened, Title, &String)> = Vec::new();
        for name in &names {
            let spec = sleeper(&env, "hostile", name);
            opened.push((server.open_window(&spec).unwrap(), spec.title.clone(), name));
            // As the name of a session, too.
            server.open_window(&WindowSpec { session: SessionName::new(name), ..spec }).unwrap();
        }
        let listed = server.list_windows(Some(&SessionName::new("hostile")), &["work_thread"]).unwrap();
        assert_eq!(listed.len(), opened.len());
        for (window, (opened, _, name)) in listed.iter().zip(&opened) {
            assert_eq!((window.id, window.pane, window.pid), (opened.window, opened.pane, opened.pid));
            assert_eq!(&window.tags["work_thread"], *name);
        }
        // Now somebody looks at it, in the status line and in the list of windows.
        let mut attach = env.command("tmux");
        let seen = server.attach(&SessionName::new("hostile"));
        let viewer = env.runtime_dir().join("viewer.tmux");
        attach.args(["-f", "/dev/null", "-S"]).arg(&viewer);
        attach.args(["new-session", "-d", "-x", "200", "-y", "50", "--", "env", "-u", "TMUX"]);
        attach.arg("tmux").args(seen.get_args());
        assert!(attach.status().unwrap().success());
        let shown = || env.tmux_on(&viewer, ["capture-pane", "-p"]).stdout;
        eventually("the status line", || shown().contains("hostile") || shown().contains("end"));
        env.tmux_on(&viewer, ["kill-server"]).ok();
        // What tmux does run leaves its trace: had there been anything, it would have, too.
        let _ = fs::remove_file(&control);
        let format = format!("#(touch {})", control.display());
        eventually("the control", || {
            // tmux ends such a command with the client that asked, so it may take more than one.
            env.tmux_on(server.socket(), ["display-message", "-p", &format]).ok();
            control.exists()
        });
        assert!(!canary.exists());
        for (window, (_, title, name)) in listed.iter().zip(&opened) {
            // tmux keeps some characters only in its own spelling.
            if title.as_str().is_ascii() {
                assert_eq!(window.title, title.as_str(), "{name:?}");
            }
        }
    }
}

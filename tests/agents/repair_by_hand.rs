//! Repair by a person at a terminal: keys are pressed in a real tmux.

use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::wait::{PATIENCE, wait_until};

const LAZY: &str = "@text I looked around.";

fn open<'a>(project: &'a Project, line: &str) -> Terminal<'a> {
    Terminal::open(&project.env, &project.repo(), (120, 40), line)
}

/// `work fix` asks which thread, what, and whether to go; Escape, Ctrl-C and a no change nothing.
///
/// Mutant: `confirm` takes every answer for a yes (the no runs the thread).
#[test]
fn a_person_chooses_what_is_done() {
    let project = Project::new(&[LAZY, LAZY]);
    assert_eq!((project.execute(1, &[]).code, project.execute(2, &[]).code), (1, 1));
    let before = project.state();
    for (keys, code) in [(&["Escape"][..], 130), (&["C-c"][..], 130)] {
        let terminal = open(&project, "work fix");
        terminal.shows("which thread");
        terminal.press(keys);
        let text = terminal.ends_with(code);
        assert!(text.contains("nothing was changed"), "{text}");
    }
    {
        let terminal = open(&project, "work fix --thread 1.1.1");
        terminal.shows("Resume: go on in session");
        terminal.press(&["Enter"]);
        terminal.shows("go? [y/N]");
        terminal.press(&["n", "Enter"]);
        terminal.ends_with(130);
    }
    assert_eq!(project.state(), before, "nothing was changed");

    let terminal = open(&project, "work fix --mode plain");
    terminal.shows("which thread");
    terminal.press(&["Down", "Enter"]);
    terminal.shows("Retry: a new session");
    terminal.press(&["Down", "Enter"]);
    terminal.shows("would run 01.01.02");
    terminal.press(&["y", "Enter"]);
    terminal.ends_with(1);
    let (first, second) = (project.attempts(1), project.attempts(2));
    assert_eq!((first.len(), second.len()), (1, 2));
    assert_ne!(second[0]["sessionId"], second[1]["sessionId"], "a retry is a new conversation");
    drop(terminal);

    let terminal = open(&project, "work continue");
    terminal.shows("2 incomplete threads from the previous run");
    terminal.shows("Fix first");
    terminal.press(&["Down", "Enter"]);
    terminal.ends_with(1);
}

/// A turn is cancelled from another terminal, and a session is looked at in the agent's own UI.
///
/// Mutant: a cancel is answered when it is asked for, not when the turn is over (the thread still runs).
#[test]
fn a_session_is_cancelled_and_opened_from_elsewhere() {
    let project = Project::new(&["@text Begun by hand.\n@hang"]);
    let client = project.start(1, &[]);
    wait_until("its words", PATIENCE, || project.work(["logs", "1.1.1"]).stdout.contains("Begun by hand."));
    let cancelled = project.work(["session", "cancel", "1.1.1"]).ok();
    assert!(cancelled.stdout.contains("fix --thread 01.01.01 --resume"), "{cancelled:#?}");
    assert_eq!(project.thread_status(1), "interrupted", "it is so when the command says so");
    assert_eq!(client.output().code, 130);
    assert_eq!(project.attempt(1)["interruptedBy"], "cancelled by a person");
    let again = project.work(["session", "cancel", "1.1.1"]);
    assert_eq!(again.code, 1, "{again:#?}");

    let terminal = open(&project, "work session attach 1.1.1");
    terminal.shows("Begun by hand.");
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
    let exported = project.work(["session", "export", "1.1.1"]).ok().stdout;
    assert!(exported.contains("Begun by hand.") && exported.contains("### The prompt"), "{exported}");
    project.assert_records_are_whole();
}

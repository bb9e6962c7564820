//! Turns of ACP agents before a person: a window that shows them as text, takes answers, and goes on in the
//! session.

use serde_json::Value;

use crate::support::acp_project::{count, project, received};
use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::wait::{PATIENCE, wait_for, wait_until};

const TURN: &str = "@text I begin.\n@permission rm -r build\n@diff src/pump.rs stuck loose\n@text So far.";

fn windows(project: &Project) -> Vec<String> {
    let list = project.tmux(&["list-windows", "-a", "-F", "#{window_id}"]).stdout;
    list.lines().map(str::to_owned).collect()
}

/// The prompts that the agent got, oldest first.
fn prompts(project: &Project) -> Vec<String> {
    let text = |message: &Value| message["params"]["prompt"][0]["text"].as_str().unwrap_or("").to_owned();
    let all = received(project, "default");
    all.iter().filter(|message| message["method"] == "session/prompt").map(text).collect()
}

/// Tried mutants: what is typed is not sent as the answer; the message at the end begins a new session; the
/// window closes at the first turn's end.
#[test]
fn a_window_takes_answers_and_goes_on_in_the_session() {
    let project = project(&[TURN]);
    project.work(["multi", "--batch", "1.1"]).ok();
    let window = wait_for("the window", PATIENCE, || windows(&project).into_iter().next());
    let shown = || project.tmux(&["capture-pane", "-p", "-t", &window]).stdout;
    let shows = |words: &str| wait_for(words, PATIENCE, || Some(shown()).filter(|text| text.contains(words)));
    let press = |keys: &str| drop(project.tmux(&["send-keys", "-t", &window, keys]).ok());
    let line = |words: &str| {
        project.tmux(&["send-keys", "-t", &window, "-l", words]).ok();
        press("Enter");
    };
    shows("I begin.");
    shows("or type here: y (yes, this once)");
    line("maybe");
    wait_until("the keys to be told again", PATIENCE, || shown().matches("or type here").count() == 2);
    assert_eq!(project.thread_status(1), "waiting", "that was no answer");
    line("y");
    let all = shows("press Enter to close");
    for words in ["allowed by a person", "--- src/pump.rs", "-stuck", "+loose", "So far."] {
        assert!(all.contains(words), "{words}: {all}");
    }
    line("Also oil the hinge, please.");
    wait_until("the second turn", PATIENCE, || project.attempts(1).len() == 2);
    wait_until("its end", PATIENCE, || shown().matches("press Enter to close").count() == 2);
    let [first, second] = &project.attempts(1)[..] else { panic!("two attempts") };
    assert_eq!((&second["sessionId"], &second["resumedFrom"]), (&first["sessionId"], &1.into()));
    assert!(prompts(&project)[1].contains("Also oil the hinge, please."), "{:#?}", prompts(&project));
    assert_eq!((count(&project, "default", "initialize"), count(&project, "default", "session/new")), (1, 1));
    press("C-d");
    wait_until("the window to close", PATIENCE, || windows(&project).is_empty());
    project.assert_records_are_whole();
}

/// Within a command, whoever sits there is asked as well, and nothing that was typed before is an answer.
#[test]
fn a_terminal_takes_answers_even_without_a_supervisor() {
    let project = project(&["@sleep 1s\n@permission rm -r build\n@text Thanks."]);
    let line = "work execute --thread 1.1.1 --no-supervisor";
    let terminal = Terminal::open(&project.env, &project.repo(), (110, 30), line);
    terminal.shows("attempt 1");
    terminal.press(&["y", "Enter"]);
    terminal.shows("or type here: y (yes, this once)");
    assert_eq!(project.thread_status(1), "waiting", "that was typed too early to be meant");
    terminal.press(&["n", "Space", "later", "Enter"]);
    let all = terminal.ends_with(1);
    assert!(all.contains("denied by a person: later") && all.contains("Thanks."), "{all}");
    assert_eq!(project.attempt(1)["mode"], "plain");
}

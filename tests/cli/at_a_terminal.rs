//! What a person at a terminal of 80 columns reads and answers: nothing that helps is cut off, and each way out of a
//! question is told.

use snapbox::str;

use super::desk::{Desk, PLAN};
use crate::support::terminal::Terminal;
use crate::support::wait::{PATIENCE, wait_until};

fn open<'a>(desk: &'a Desk, line: &str) -> Terminal<'a> {
    Terminal::open(&desk.env, &desk.path("repo"), (80, 45), line)
}

fn seen(desk: &Desk, line: &str) -> String {
    let terminal = open(desk, line);
    wait_until("its end", PATIENCE, || terminal.has_ended());
    let text = terminal.text();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>().trim_end().to_owned() + "\n"
}

/// Escape and Ctrl-C at a question are no choice: nothing is changed, which is said once, and the code says so.
#[test]
fn a_question_that_is_left_changes_nothing() {
    let desk = Desk::busy();
    for (line, shown) in [("work continue", "what now"), ("work fix", "which thread")] {
        for key in ["Escape", "C-c"] {
            let terminal = open(&desk, line);
            terminal.shows(shown);
            terminal.press(&[key]);
            let text = terminal.ends_with(130);
            assert_eq!(text.matches("nothing was changed").count(), 1, "{line}, {key}: {text}");
        }
    }
    let terminal = open(&desk, "work continue");
    terminal.shows("what now");
    terminal.press(&["Down", "Enter"]);
    terminal.ends_with(1);
}

/// What is left can become a stage from the questions, too; it is offered where it would be made of what was chosen.
#[test]
fn what_is_left_becomes_a_stage_by_hand() {
    let desk = Desk::busy();
    let one = open(&desk, "work fix");
    one.shows("which thread");
    one.press(&["Enter"]);
    assert!(!one.shows("Change agent: ").contains("New stage: "));
    one.press(&["Escape"]);
    one.ends_with(130);
    drop(one);
    let all = open(&desk, "work fix");
    all.shows("which thread");
    all.press(&["Down", "Down", "Enter"]);
    all.shows("New stage: what is left as a stage of its own, to be approved first");
    all.press(&["Down", "Down", "Enter"]);
    all.shows("name of the new stage");
    all.press(&["Leftovers", "Enter"]);
    let text = all.ends_with(0);
    assert!(text.contains("added stage 03 Fix - Leftovers"), "{text}");
    assert!(desk.run("preview").ok().stdout.contains("03 Fix - Leftovers"));
}

/// Evidence and advice go on in the next line; a command in it stays on one line, to be copied.
#[test]
fn advice_is_never_cut() {
    let desk = Desk::busy();
    desk.is(
        &seen(&desk, "work why 1.1.2"),
        str![[r#"
01.01.02 Shell completions and the man page is failed: its last attempt failed (
rate-limit: 429: the quota is used up), and tasks are open

Looked at  When    It says
tasks      6m ago  0 of 1 are done; open: 01.01.02.01 Shell completions and the
                   man page (in_progress, left at: completions/pull.bash is
                   done, zsh comes next)
attempt 1  3m ago  docs-writer with openrouter/openai/gpt-5.2-codex#high:
                   failed: rate-limit: 429: the quota is used up, exit code 1
session            ses_2f0c6b1e8ffeAb4CdEf5GhIj6K of attempt 1 (docs-writer) can
                   go on, if the agent still has it
hint: wait for the provider's limit to reset, or `work fix --thread 01.01.02 --r
etry --model MODEL`
exit 0

"#]],
    );
    desk.is(
        &seen(&desk, "work continue --abort"),
        str![[r#"
2 incomplete threads from the previous run:

Thread    Name                                Status
01.01.02  Shell completions and the man page  failed
          1 session · docs-writer · failed 3m ago (rate-limit) · can be resumed
          rate-limit: 429: the quota is used up
          → wait for the provider's limit to reset, or
            `work fix --thread 01.01.02 --retry --model MODEL`
01.02.01  Help texts                          interrupted
          1 session · default · interrupted 46h ago · can be resumed
          its window or command was closed
          → resume it where it stopped

exit 1

"#]],
    );
}

/// The lists of commands are of our own making, and nobody else breaks their lines.
#[test]
fn the_help_fits() {
    let desk = Desk::busy();
    let text = desk.run("--help").ok().stdout;
    for line in text.lines().skip_while(|line| !line.starts_with("Plan:")).take(9) {
        assert!(line.chars().count() < 80, "{line}");
    }
    let last = text.lines().skip_while(|line| !line.starts_with("To begin:")).take(3);
    last.for_each(|line| assert!(line.chars().count() < 80, "{line}"));
}

/// The names of batches and threads are text of a plan, which anybody may have written.
#[test]
fn names_do_not_drive_the_terminal() {
    let plan = PLAN.replace("Batch 01: The name", "Batch 01: \u{1b}]0;owned\u{7}The name");
    assert_ne!(plan, PLAN);
    let desk = Desk::with_plan(plan.replace("**Agent:** docs-writer", "**Agent:** default"));
    desk.run("approve plan --yes").ok();
    for line in ["multi --dry-run", "continue --dry-run"] {
        let output = desk.run(line);
        assert!(output.stdout.contains("]0;ownedThe name"), "{output:#?}");
        assert!(!format!("{}{}", output.stdout, output.stderr).contains('\u{1b}'), "{line}: {output:#?}");
    }
}

//! `work changes apply`, `drop`, `restore` and `undo`: every screen, and what they refuse.

use std::fs;
use std::path::PathBuf;

use snapbox::{IntoData, str};
use work::config::WorktreeSettings;
use work::engine::Workspace;
use work::engine::changes::Desk as Changes;
use work::model::TurnMark;
use work::sys::clock::Clock;

use super::desk::{Desk, document};

/// Two threads that changed the same line, and files of their own. Nothing is applied.
pub(super) fn changed() -> Desk {
    let desk = Desk::approved();
    desk.write_file("repo/shared.txt", "one\ntwo\nthree\n");
    desk.write_file("repo/.gitignore", "*.log\n");
    desk.env.git(&desk.env.repo_dir(), &["add", "--all"]);
    desk.env.git(&desk.env.repo_dir(), &["commit", "--quiet", "--message=Shared"]);
    turn(&desk, 1, 1, &[("shared.txt", "ONE\ntwo\nthree\n"), ("src/new.rs", "// new\n")]);
    turn(&desk, 1, 2, &[("src/new.rs", "// new\n// newer\n")]);
    turn(&desk, 2, 1, &[("shared.txt", "uno\ntwo\nthree\n")]);
    desk
}

/// A turn of a thread that left these files in its worktree.
pub(super) fn turn(desk: &Desk, thread: u8, turn: u32, files: &[(&str, &str)]) -> PathBuf {
    let workspace = Workspace::find(&desk.env.repo_dir(), None, Clock::System).expect("a workspace");
    let changes = Changes::open_with(&workspace, desk.env.home().join(".local/share")).expect("a desk");
    let (stream, id) =
        ("001-rename-fetch".parse().expect("an id"), format!("01.01.{thread:02}").parse().expect("an id"));
    let settings = WorktreeSettings::default();
    let tree = changes.ensure_worktree(&stream, id, &settings, &mut |_| {}).expect("a worktree");
    for (name, text) in files {
        let path = tree.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        #[expect(clippy::disallowed_methods, reason = "no reader is near")]
        fs::write(path, text).expect("written");
    }
    let mark = TurnMark {
        turn,
        agent: if turn == 1 { "default" } else { "reviewer" }.to_owned(),
        model: "anthropic/claude-sonnet-4-5".to_owned(),
        session: Some("ses_1".to_owned()),
        status: "completed".to_owned(),
        outside: Vec::new(),
    };
    changes.keep_turn(&stream, id, mark).expect("git").expect("kept");
    tree
}

/// What differs from run to run is masked: names of objects, the folder of the worktrees, sizes.
#[track_caller]
pub(super) fn shows(desk: &Desk, line: &str, expected: impl IntoData) {
    let output = desk.run(line);
    let stderr =
        if output.stderr.is_empty() { String::new() } else { format!("--- stderr\n{}", output.stderr) };
    desk.is(
        &masked(desk, &format!("$ work {line}\n{}{stderr}--- exit {}\n", output.stdout, output.code)),
        expected,
    );
}

/// The same with `--json`, which obeys its schema.
#[track_caller]
pub(super) fn shows_json(desk: &Desk, schema: &str, line: &str, expected: impl IntoData) {
    let output = desk.run(&format!("{line} --json"));
    let document = serde_json::to_string_pretty(&document(schema, &output)).expect("JSON");
    desk.is(
        &masked(desk, &format!("$ work {line} --json\n{document}\n--- exit {}\n", output.code)),
        expected,
    );
}

fn masked(desk: &Desk, text: &str) -> String {
    let trees = desk.env.home().join(".local/share/work/worktrees");
    let folder = fs::read_dir(trees).into_iter().flatten().flatten().map(|entry| entry.path()).next();
    let text = folder
        .map_or_else(|| text.to_owned(), |folder| text.replace(&folder.display().to_string(), "[TREES]"));
    let mut masked = String::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            let end = rest[at..].find(|c: char| !c.is_ascii_hexdigit()).map_or(rest.len(), |end| at + end);
            let (word, after) = (&rest[at..end], &rest[end..]);
            masked.push_str(&rest[..at]);
            let size = after.starts_with(" KB") || masked.ends_with("\"bytes\": ");
            masked.push_str(match (word.len(), size) {
                (_, true) => "[SIZE]",
                (40, _) => "[OBJECT]",
                (10, _) => "[COMMIT]",
                _ => word,
            });
            rest = after;
        }
        masked.push_str(rest);
        masked.push('\n');
    }
    masked
}

#[test]
fn a_change_is_applied_refused_and_taken_back() {
    let desk = changed();
    shows(
        &desk,
        "changes apply 1.1.1 --dry-run",
        str![[r#"
$ work changes apply 1.1.1 --dry-run
would apply 01.01.01: 2 files
  shared.txt
  src/new.rs
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes apply 1.1.1",
        str![[r#"
$ work changes apply 1.1.1
applied 01.01.01: 2 files; `work changes undo` takes it back
  shared.txt
  src/new.rs
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes apply 1.1.2",
        str![[r#"
$ work changes apply 1.1.2
--- stderr
error: nothing was applied: `shared.txt` was changed on both sides (thread 01.01.02)
hint: `work fix --thread 01.01.02 --resume` lets its agent bring the two together in its worktree
--- exit 1

"#]],
    );
    shows_json(
        &desk,
        "error",
        "changes apply 1.1.2",
        str![[r#"
$ work changes apply 1.1.2 --json
{
  "error": {
    "kind": "conflict",
    "code": 1,
    "message": "nothing was applied: `shared.txt` was changed on both sides (thread 01.01.02)",
    "causes": [],
    "hints": [
      "`work fix --thread 01.01.02 --resume` lets its agent bring the two together in its worktree"
    ]
  }
}
--- exit 1

"#]],
    );
    shows(
        &desk,
        "changes undo --dry-run",
        str![[r#"
$ work changes undo --dry-run
would take 01.01.01 back: 2 files are as they were
--- exit 0

"#]],
    );
    shows_json(
        &desk,
        "changes-undo",
        "changes undo",
        str![[r#"
$ work changes undo --json
{
  "threads": [
    "01.01.01"
  ],
  "files": [
    "shared.txt",
    "src/new.rs"
  ],
  "dryRun": false
}
--- exit 0

"#]],
    );
    desk.write_file("repo/shared.txt", "mine\ntwo\nthree\n");
    shows(
        &desk,
        "changes apply 1.1.1",
        str![[r#"
$ work changes apply 1.1.1
--- stderr
error: nothing was applied: `shared.txt` was changed on both sides (thread 01.01.01)
hint: `work fix --thread 01.01.01 --resume` lets its agent bring the two together in its worktree
--- exit 1

"#]],
    );
    desk.write_file("repo/shared.txt", "one\ntwo\nthree\nmine\n");
    shows(
        &desk,
        "changes apply 1.1.2",
        str![[r#"
$ work changes apply 1.1.2
--- stderr
error: nothing was applied: `shared.txt` has uncommitted changes that the thread has not seen (thread 01.01.02)
hint: commit these files (or `git stash` them), then apply again
--- exit 1

"#]],
    );
    desk.env.git(&desk.env.repo_dir(), &["checkout", "--quiet", "--", "shared.txt"]);
    shows_json(
        &desk,
        "changes-apply",
        "changes apply 1.1.1",
        str![[r#"
$ work changes apply 1.1.1 --json
{
  "threads": [
    "01.01.01"
  ],
  "files": [
    "shared.txt",
    "src/new.rs"
  ],
  "commit": null,
  "dryRun": false
}
--- exit 0

"#]],
    );
    desk.write_file("repo/shared.txt", "mine\n");
    shows(
        &desk,
        "changes undo",
        str![[r#"
$ work changes undo
--- stderr
error: 1 file was changed since it was applied: `shared.txt`
hint: bring these files back as the apply left them, or undo by hand
--- exit 1

"#]],
    );
}

#[test]
fn a_change_is_applied_as_a_commit() {
    let desk = changed();
    shows(
        &desk,
        "changes apply 1.1.1 --commit 'Rename it'",
        str![[r#"
$ work changes apply 1.1.1 --commit 'Rename it'
applied 01.01.01: 2 files in commit [COMMIT]; `work changes undo` takes it back
  shared.txt
  src/new.rs
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes undo",
        str![[r#"
$ work changes undo
took 01.01.01 back: 2 files are as they were
--- exit 0

"#]],
    );
    turn(&desk, 1, 3, &[("notes.txt", "agent\n")]);
    desk.write_file("repo/.gitignore", "*.log\nnotes.txt\n");
    desk.write_file("repo/notes.txt", "mine\n");
    shows(
        &desk,
        "changes apply 1.1.1",
        str![[r#"
$ work changes apply 1.1.1
--- stderr
error: nothing was applied: `notes.txt` would be overwritten, and is ignored by git (thread 01.01.01)
hint: move these files away, then apply again
--- exit 1

"#]],
    );
}

#[test]
fn a_change_is_dropped_and_restored() {
    let desk = changed();
    let tree = turn(&desk, 1, 3, &[("build.log", "ignored\n")]);
    shows(
        &desk,
        "changes drop 1.1.1",
        str![[r#"
$ work changes drop 1.1.1
--- stderr
error: the worktree of `01.01.01` stays: ignored files in it are in no snapshot: `build.log`
hint: `--ignored` gives the ignored files up; everything else has to be moved away first
--- exit 1

"#]],
    );
    shows(
        &desk,
        "worktree remove 1.1.1",
        str![[r#"
$ work worktree remove 1.1.1
--- stderr
error: the worktree of `01.01.01` stays: ignored files in it are in no snapshot: `build.log`
hint: `--ignored` gives the ignored files up; everything else has to be moved away first
--- exit 1

"#]],
    );
    shows(
        &desk,
        "changes drop 1.1.1 --ignored",
        str![[r#"
$ work changes drop 1.1.1 --ignored
dropped the change of 01.01.01; `work changes restore 01.01.01` brings it back
--- exit 0

"#]],
    );
    assert!(!tree.exists());
    shows(
        &desk,
        "changes drop 1.1.1",
        str![[r#"
$ work changes drop 1.1.1
--- stderr
error: thread `01.01.01` has no pending change
hint: `work changes` lists what is pending
--- exit 1

"#]],
    );
    shows(
        &desk,
        "changes show 1.1.1",
        str![[r#"
$ work changes show 1.1.1
01.01.01: nothing is pending; its turns are kept
turn 1 by default (anthropic/claude-sonnet-4-5): completed
turn 2 by reviewer (anthropic/claude-sonnet-4-5): completed
turn 3 by reviewer (anthropic/claude-sonnet-4-5): completed
dropped: 1; `work changes restore 01.01.01 --dropped N` brings one back
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes restore 1.1.1 --dropped 7",
        str![[r#"
$ work changes restore 1.1.1 --dropped 7
--- stderr
error: thread `01.01.01` has no snapshot `dropped 7`
hint: `work changes show 01.01.01` lists them
--- exit 2

"#]],
    );
    shows(
        &desk,
        "changes restore 1.1.1",
        str![[r#"
$ work changes restore 1.1.1
restored; `work changes show 01.01.01` shows it
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes restore 1.1.1 --turn 1",
        str![[r#"
$ work changes restore 1.1.1 --turn 1
restored; what was pending is kept: `work changes restore 01.01.01 --dropped 2` brings it back
--- exit 0

"#]],
    );
    shows_json(
        &desk,
        "changes-snapshot",
        "changes drop 1.1.1",
        str![[r#"
$ work changes drop 1.1.1 --json
{
  "thread": "01.01.01",
  "dropped": 3
}
--- exit 0

"#]],
    );
}

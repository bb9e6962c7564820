//! `work changes` and `work changes show`, with changes, without any, and outside of git.

use std::fs;

use snapbox::str;

use super::changes::{changed, shows, shows_json};
use super::desk::Desk;

#[test]
fn without_any_change() {
    let desk = Desk::approved();
    shows(
        &desk,
        "changes",
        str![[r#"
$ work changes
no pending changes; threads leave them with `--worktree`
--- exit 0

"#]],
    );
    shows_json(
        &desk,
        "changes",
        "changes",
        str![[r#"
$ work changes --json
[]
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes apply --all",
        str![[r#"
$ work changes apply --all
--- stderr
error: no thread has a pending change
hint: `work changes` lists what is pending
--- exit 1

"#]],
    );
    shows(
        &desk,
        "changes apply 1.1.1",
        str![[r#"
$ work changes apply 1.1.1
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
--- stderr
error: thread `01.01.01` has no pending change
hint: `work changes` lists what is pending
--- exit 1

"#]],
    );
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
        "changes restore 1.1.1",
        str![[r#"
$ work changes restore 1.1.1
--- stderr
error: thread `01.01.01` has no snapshot `dropped`
hint: `work changes show 01.01.01` lists them
--- exit 2

"#]],
    );
    shows(
        &desk,
        "changes undo",
        str![[r#"
$ work changes undo
--- stderr
error: nothing was applied that could be taken back
--- exit 1

"#]],
    );
    shows(
        &desk,
        "worktree",
        str![[r#"
$ work worktree
no worktrees; `--worktree` gives a thread its own
--- exit 0

"#]],
    );
    shows(
        &desk,
        "worktree path 1.1.1",
        str![[r#"
$ work worktree path 1.1.1
--- stderr
error: thread `01.01.01` has no worktree
hint: `work execute --thread 01.01.01 --worktree` makes one, and runs the thread in it
--- exit 1

"#]],
    );
    shows(
        &desk,
        "worktree remove 1.1.1",
        str![[r#"
$ work worktree remove 1.1.1
--- stderr
error: thread `01.01.01` has no worktree
hint: `work execute --thread 01.01.01 --worktree` makes one, and runs the thread in it
--- exit 1

"#]],
    );
    shows(
        &desk,
        "worktree prune",
        str![[r#"
$ work worktree prune
nothing to remove
--- exit 0

"#]],
    );
    shows(
        &desk,
        "gc --dry-run",
        str![[r#"
$ work gc --dry-run
nothing to remove
--- exit 0

"#]],
    );
    desk.refuses("changes show nobody", 2, &["nobody"]);
    desk.refuses("worktree remove nobody", 2, &["nobody"]);
}

#[test]
fn outside_of_git_it_says_what_is_missing() {
    let mut env = crate::support::env::TestEnv::new();
    env.stop_clock(super::desk::NOW);
    fs::create_dir_all(env.repo_dir()).expect("a folder");
    let desk = Desk { env };
    desk.work(["init"]);
    for line in ["changes", "worktree list", "gc --dry-run", "changes undo"] {
        let output = desk.run(line);
        assert!(output.code != 0 && output.stdout.is_empty(), "{line}: {output:#?}");
        assert!(output.stderr.contains("need a git repository"), "{line}: {output:#?}");
    }
}

#[test]
fn pending_changes_are_listed_and_shown() {
    let desk = changed();
    shows(
        &desk,
        "changes",
        str![[r#"
$ work changes
Thread    Name                                Files  Lines  By                 Apply
01.01.01  The command                         2      +3 -1  default, reviewer  not with 01.01.02
          shared.txt: was changed on both sides (01.01.02)
01.01.02  Shell completions and the man page  1      +1 -1  default            not with 01.01.01
          1 file outside its `Paths`: `shared.txt`
          shared.txt: was changed on both sides (01.01.01)
--- exit 0

"#]],
    );
    shows_json(
        &desk,
        "changes",
        "changes",
        str![[r#"
$ work changes --json
[
  {
    "stream": "001-rename-fetch",
    "thread": "01.01.01",
    "name": "The command",
    "base": "[OBJECT]",
    "tip": "[OBJECT]",
    "files": [
      {
        "path": "shared.txt",
        "change": "modified",
        "added": 1,
        "removed": 1
      },
      {
        "path": "src/new.rs",
        "change": "added",
        "added": 2,
        "removed": 0
      }
    ],
    "added": 3,
    "removed": 1,
    "by": [
      "default",
      "reviewer"
    ],
    "turns": [
      {
        "turn": 1,
        "agent": "default",
        "model": "anthropic/claude-sonnet-4-5",
        "session": "ses_1",
        "status": "completed",
        "outside": []
      },
      {
        "turn": 2,
        "agent": "reviewer",
        "model": "anthropic/claude-sonnet-4-5",
        "session": "ses_1",
        "status": "completed",
        "outside": []
      }
    ],
    "clashes": [
      {
        "with": {
          "thread": "01.01.02"
        },
        "obstacle": "conflict",
        "files": [
          "shared.txt"
        ]
      }
    ],
    "running": false
  },
  {
    "stream": "001-rename-fetch",
    "thread": "01.01.02",
    "name": "Shell completions and the man page",
    "base": "[OBJECT]",
    "tip": "[OBJECT]",
    "files": [
      {
        "path": "shared.txt",
        "change": "modified",
        "added": 1,
        "removed": 1,
        "outsidePaths": true
      }
    ],
    "added": 1,
    "removed": 1,
    "by": [
      "default"
    ],
    "turns": [
      {
        "turn": 1,
        "agent": "default",
        "model": "anthropic/claude-sonnet-4-5",
        "session": "ses_1",
        "status": "completed",
        "outside": []
      }
    ],
    "clashes": [
      {
        "with": {
          "thread": "01.01.01"
        },
        "obstacle": "conflict",
        "files": [
          "shared.txt"
        ]
      }
    ],
    "running": false
  }
]
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes show 1.1.1",
        str![[r#"
$ work changes show 1.1.1
01.01.01 The command: changes from default, reviewer
File        Change    Lines
shared.txt  modified  +1 -1
src/new.rs  added     +2 -0
turn 1 by default (anthropic/claude-sonnet-4-5): completed
turn 2 by reviewer (anthropic/claude-sonnet-4-5): completed
shared.txt: was changed on both sides (01.01.02)
diff --git a/shared.txt b/shared.txt
index 4cb29ea..59cb04e 100644
--- a/shared.txt
+++ b/shared.txt
@@ -1,3 +1,3 @@
-one
+ONE
 two
 three
diff --git a/src/new.rs b/src/new.rs
new file mode 100644
index 0000000..91067f9
--- /dev/null
+++ b/src/new.rs
@@ -0,0 +1,2 @@
+// new
+// newer
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes show 1.1.1 --files",
        str![[r#"
$ work changes show 1.1.1 --files
01.01.01 The command: changes from default, reviewer
File        Change    Lines
shared.txt  modified  +1 -1
src/new.rs  added     +2 -0
turn 1 by default (anthropic/claude-sonnet-4-5): completed
turn 2 by reviewer (anthropic/claude-sonnet-4-5): completed
shared.txt: was changed on both sides (01.01.02)
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes show 1.1.1 --turn 2",
        str![[r#"
$ work changes show 1.1.1 --turn 2
diff --git a/src/new.rs b/src/new.rs
index 5966693..91067f9 100644
--- a/src/new.rs
+++ b/src/new.rs
@@ -1 +1,2 @@
 // new
+// newer
--- exit 0

"#]],
    );
    shows(
        &desk,
        "changes show 1.1.1 --turn 9",
        str![[r#"
$ work changes show 1.1.1 --turn 9
--- stderr
error: thread `01.01.01` has no snapshot `turn 9`
hint: `work changes show 01.01.01` lists them
--- exit 2

"#]],
    );
    shows(
        &desk,
        "changes show 1.1.1 --by nobody",
        str![[r#"
$ work changes show 1.1.1 --by nobody
--- stderr
error: thread `01.01.01` has no snapshot `by nobody`
hint: `work changes show 01.01.01` lists them
--- exit 2

"#]],
    );
    shows_json(
        &desk,
        "changes-show",
        "changes show 1.1.2",
        str![[r#"
$ work changes show 1.1.2 --json
{
  "change": {
    "stream": "001-rename-fetch",
    "thread": "01.01.02",
    "name": "Shell completions and the man page",
    "base": "[OBJECT]",
    "tip": "[OBJECT]",
    "files": [
      {
        "path": "shared.txt",
        "change": "modified",
        "added": 1,
        "removed": 1,
        "outsidePaths": true
      }
    ],
    "added": 1,
    "removed": 1,
    "by": [
      "default"
    ],
    "turns": [
      {
        "turn": 1,
        "agent": "default",
        "model": "anthropic/claude-sonnet-4-5",
        "session": "ses_1",
        "status": "completed",
        "outside": []
      }
    ],
    "clashes": [
      {
        "with": {
          "thread": "01.01.01"
        },
        "obstacle": "conflict",
        "files": [
          "shared.txt"
        ]
      }
    ],
    "running": false
  },
  "turns": [
    {
      "commit": "[OBJECT]",
      "turn": 1,
      "agent": "default",
      "model": "anthropic/claude-sonnet-4-5",
      "session": "ses_1",
      "status": "completed",
      "outside": []
    }
  ],
  "dropped": []
}
--- exit 0

"#]],
    );
}

//! `work worktree` and `work gc`.

use std::path::Path;

use snapbox::str;

use super::changes::{changed, shows, shows_json};

#[test]
fn worktrees_are_listed_and_removed() {
    let desk = changed();
    shows(
        &desk,
        "worktree list",
        str![[r#"
$ work worktree list
Thread    Name                                State           Disk   Folder
01.01.01  The command                         pending change  [SIZE] KB  [TREES]/001-rename-fetch/01.01.01
01.01.02  Shell completions and the man page  pending change  [SIZE] KB  [TREES]/001-rename-fetch/01.01.02
--- exit 0

"#]],
    );
    shows_json(
        &desk,
        "worktree-list",
        "worktree",
        str![[r#"
$ work worktree --json
[
  {
    "stream": "001-rename-fetch",
    "thread": "01.01.01",
    "path": "[TREES]/001-rename-fetch/01.01.01",
    "ready": true,
    "name": "The command",
    "bytes": [SIZE],
    "pending": true,
    "running": false
  },
  {
    "stream": "001-rename-fetch",
    "thread": "01.01.02",
    "path": "[TREES]/001-rename-fetch/01.01.02",
    "ready": true,
    "name": "Shell completions and the man page",
    "bytes": [SIZE],
    "pending": true,
    "running": false
  }
]
--- exit 0

"#]],
    );
    shows(
        &desk,
        "worktree path 1.1.1",
        str![[r#"
$ work worktree path 1.1.1
[TREES]/001-rename-fetch/01.01.01
--- exit 0

"#]],
    );
    shows_json(
        &desk,
        "worktree",
        "worktree path 1.1.1",
        str![[r#"
$ work worktree path 1.1.1 --json
{
  "thread": "01.01.01",
  "path": "[TREES]/001-rename-fetch/01.01.01"
}
--- exit 0

"#]],
    );
    shows(
        &desk,
        "worktree prune --dry-run",
        str![[r#"
$ work worktree prune --dry-run
nothing to remove
--- exit 0

"#]],
    );
    shows_json(
        &desk,
        "gc",
        "gc --dry-run",
        str![[r#"
$ work gc --dry-run --json
{
  "dryRun": true,
  "removed": [],
  "stays": []
}
--- exit 0

"#]],
    );
    shows(
        &desk,
        "worktree remove 1.1.1",
        str![[r#"
$ work worktree remove 1.1.1
removed `[TREES]/001-rename-fetch/01.01.01`; what was in it is kept, and is there again when the thread runs
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
    shows(
        &desk,
        "status",
        str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  0/5 tasks

Stage  Name       Progress    Tasks
01     Rename     ░░░░░░░░░░  0/4
01.01  The name   ░░░░░░░░░░  0/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                                Status   Tasks  Sessions  Last agent  Last session  Resume
01.01.01  The command                         pending  0/2    0         default
01.01.02  Shell completions and the man page  pending  0/1    0
01.02.01  Help texts                          pending  0/1    0
02.01.01  Remove the alias                    pending  0/1    0
--- stderr
hint: what 01.01.01, 01.01.02 changed is not applied, and no other thread can see it: `work changes`
--- exit 0

"#]],
    );
    let prompt = desk.run("prompt --thread 1.1.2").ok().stdout;
    let told = "You work in a git worktree of your own";
    assert!(prompt.contains(told) && prompt.contains("you can't see it: 01.01.01"), "{prompt}");
    assert!(!desk.run("prompt --thread 1.2.1").ok().stdout.contains(told));
    assert!(Path::new(desk.run("worktree path 1.1.2").ok().stdout.trim()).is_dir());
}

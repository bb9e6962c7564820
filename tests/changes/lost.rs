//! W3: whatever lies in a worktree can be brought back after a removal, or it stays, and says why.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::fs;
use std::path::Path;

use work::config::WorktreeSettings;
use work::engine::changes::{ChangeError, Source};
use work::model::Hindrance;

use super::rig::{Rig, files, id, put};

/// A state of a worktree, and whether it can be removed.
const STATES: &[(&str, bool)] = &[
    ("tracked", true),
    ("staged", true),
    ("untracked", true),
    ("committed", true),
    ("branch", true),
    ("stash", true),
    ("copied", true),
    ("ignored", false),
    ("unmerged", false),
    ("submodule", false),
    ("nested", false),
    ("inside", false),
];

fn make(rig: &Rig, tree: &Path, state: &str) -> Option<std::process::Child> {
    let git = |args: &[&str]| rig.env.git(tree, args);
    match state {
        "tracked" => put(tree, "a.txt", "precious\n"),
        "staged" => {
            put(tree, "a.txt", "precious\n");
            git(&["add", "a.txt"]);
            put(tree, "a.txt", "and then something else\n");
        }
        "untracked" => put(tree, "deep/new", "precious\n"),
        "committed" | "branch" => {
            if state == "branch" {
                git(&["checkout", "--quiet", "-b", "agents-own"]);
            }
            put(tree, "a.txt", "precious\n");
            git(&["commit", "--quiet", "--all", "--message=agent's"]);
            put(tree, "a.txt", "and then something else\n");
        }
        "stash" => {
            put(tree, "a.txt", "precious\n");
            git(&["stash", "--quiet"]);
        }
        "ignored" => put(tree, "precious.log", "precious\n"),
        "unmerged" => {
            git(&["checkout", "--quiet", "-b", "x"]);
            put(tree, "a.txt", "precious\n");
            git(&["commit", "--quiet", "--all", "--message=x"]);
            git(&["checkout", "--quiet", "--detach", "HEAD^"]);
            put(tree, "a.txt", "other\n");
            git(&["commit", "--quiet", "--all", "--message=y"]);
            let merge = rig.env.run("git", tree, ["merge", "--quiet", "x"]);
            assert_ne!(merge.code, 0);
        }
        "submodule" => {
            let from = rig.repo.to_str().unwrap();
            git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from, "sub"]);
        }
        "nested" => {
            fs::create_dir(tree.join("nested")).unwrap();
            rig.env.git(&tree.join("nested"), &["init", "--quiet"]);
            put(&tree.join("nested"), "precious", "precious\n");
        }
        "inside" => {
            let mut sleeper = rig.env.command("sleep");
            return Some(sleeper.arg("600").current_dir(tree).spawn().unwrap());
        }
        _ => {}
    }
    None
}

/// Whether git still has the precious bytes somewhere that a ref leads to.
fn is_kept(rig: &Rig) -> bool {
    let blob =
        rig.env.run("sh", &rig.repo, ["-c", "printf 'precious\\n' | git hash-object --stdin"]).ok().stdout;
    rig.git(&["gc", "--quiet", "--prune=now"]);
    rig.git(&["rev-list", "--all", "--objects", "--no-object-names"]).lines().any(|line| line == blob.trim())
}

/// Mutants tried: not keeping what is staged; not keeping the commits of a detached HEAD.
#[test]
fn a_removal_loses_nothing_or_is_refused() {
    for (state, removable) in STATES {
        let rig = Rig::new();
        rig.write(".env", "SECRET=1\n");
        let copy = WorktreeSettings { copy: vec![".env".to_owned()], setup: Vec::new() };
        let tree = rig.desk().ensure_worktree(&rig.stream, id(1), &copy, &mut |_| {}).unwrap();
        assert!(tree.join(".env").is_file());
        let child = make(&rig, &tree, state);
        let before = files(&tree);
        let removed = rig.desk().remove_worktree(&rig.stream, id(1), false);
        assert_eq!(removed.is_ok(), *removable, "{state}: {removed:?}");
        if let Some(mut child) = child {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        if *removable {
            assert!(!tree.exists(), "{state}");
            assert!(*state == "copied" || is_kept(&rig), "{state}");
            let again = rig.desk().ensure_worktree(&rig.stream, id(1), &copy, &mut |_| {}).unwrap();
            let mut now = files(&again);
            now.retain(|path, _| path.as_os_str() != ".git");
            let mut before = before;
            before.retain(|path, _| path.as_os_str() != ".git");
            assert_eq!(now, before, "{state}");
        } else {
            assert_eq!(files(&tree), before, "{state}");
            assert!(matches!(removed, Err(ChangeError::Hindered { .. })), "{state}");
        }
    }
}

/// Dropped and restored, any number of times; a turn of long ago, too.
#[test]
fn every_snapshot_can_be_brought_back() {
    let rig = Rig::new();
    let tree = rig.turn(1, &[("a.txt", "first\n")]);
    put(&tree, "a.txt", "second\n");
    rig.keep(1, 2, "back end");
    assert_eq!(rig.desk().drop_change(&rig.stream, id(1), false).unwrap(), 1);
    assert!(!tree.exists() && rig.refs(1).pending().is_none());
    rig.desk().restore_change(&rig.stream, id(1), Source::Turn(1), false).unwrap();
    assert_eq!(fs::read_to_string(rig.worktree(1).join("a.txt")).unwrap(), "first\n");
    put(&rig.worktree(1), "a.txt", "by hand\n");
    let kept = rig.desk().restore_change(&rig.stream, id(1), Source::Dropped(Some(1)), false).unwrap();
    assert_eq!(fs::read_to_string(rig.worktree(1).join("a.txt")).unwrap(), "second\n");
    rig.desk().restore_change(&rig.stream, id(1), Source::Dropped(kept), false).unwrap();
    assert_eq!(fs::read_to_string(rig.worktree(1).join("a.txt")).unwrap(), "by hand\n");
    rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    assert_eq!(rig.read("a.txt"), "by hand\n");
}

/// A folder that somebody deleted or moved loses what was not kept since the last turn, and nothing else.
#[test]
fn a_deleted_folder_is_made_anew_from_the_last_turn() {
    let rig = Rig::new();
    let tree = rig.turn(1, &[("a.txt", "kept\n")]);
    fs::remove_dir_all(&tree).unwrap();
    assert_eq!(fs::read_to_string(rig.worktree(1).join("a.txt")).unwrap(), "kept\n");
    // A folder that git knows nothing of is moved aside.
    rig.desk().drop_change(&rig.stream, id(1), false).unwrap();
    put(&tree, "somebody's", "precious\n");
    rig.worktree(1);
    let beside = tree.with_file_name("01.01.01.lost-1/somebody's");
    assert!(beside.is_file(), "{}", beside.display());
}

/// Mutant tried: no grace.
#[test]
fn gc_takes_only_what_nobody_needs() {
    let rig = Rig::new();
    rig.worktree(1);
    rig.turn(2, &[("a.txt", "pending\n")]);
    let collected = rig.desk().collect(true).unwrap();
    assert_eq!((collected.removed.len(), collected.stays.len()), (0, 2), "{collected:?}");
    assert!(collected.stays[0].why.contains("stays for an hour"), "{collected:?}");
    let later = work::sys::clock::Clock::Fixed("2099-01-01T00:00:00Z".parse().unwrap());
    let workspace = work::engine::Workspace::find(&rig.repo, None, later).unwrap();
    let desk = work::engine::changes::Desk::open_with(&workspace, rig.data()).unwrap();
    assert_eq!(desk.collect(true).unwrap().removed.len(), 1);
    let collected = desk.collect(false).unwrap();
    assert_eq!((collected.removed.len(), collected.stays.len()), (1, 1), "{collected:?}");
    assert!(collected.stays[0].why.contains(&Hindrance::Pending.to_string()), "{collected:?}");
    assert_eq!(rig.desk().worktrees().unwrap().len(), 1);
}

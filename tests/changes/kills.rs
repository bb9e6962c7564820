//! W2: killed at every step, the next command completes it or takes it back.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::fs;

use super::rig::{Files, Rig, files, put};

/// A change with every kind of difference, pending, and the files before it.
fn pending() -> (Rig, Files) {
    let rig = Rig::new();
    rig.write("b.txt", "the user's own\n");
    rig.write(".env", "SECRET=1\n");
    changed(rig)
}

fn changed(rig: Rig) -> (Rig, Files) {
    let tree = rig.worktree(1);
    put(&tree, "a.txt", "changed\n");
    fs::remove_file(tree.join("dir/c.txt")).unwrap();
    put(&tree, "x/y/z", "new\n");
    put(&tree, "b.txt", "both\n");
    rig.keep(1, 1, "back end");
    let before = files(&rig.repo);
    (rig, before)
}

/// Mutant tried: leaving `settle` out.
#[test]
fn an_apply_that_is_killed_is_whole_or_taken_back() {
    let (rig, before) = pending();
    rig.run(1, &["apply"]).ok();
    let after = files(&rig.repo);
    assert_ne!(after, before);
    let points = [
        "changes.kept",
        "apply.begun",
        "place.staged",
        "place.removed",
        "place.placed:1",
        "place.placed:2",
        "place.placed:3",
        "apply.placed",
        "apply.done",
    ];
    for how in ["apply", "commit"] {
        for point in points {
            if how == "commit" && !["place.placed:2", "apply.placed", "apply.done"].contains(&point) {
                continue;
            }
            let (rig, before) = if how == "commit" { committed() } else { pending() };
            let status = rig.git(&["status", "--short"]);
            if !rig.killed_at(1, &[how], point) {
                assert_eq!(point, "changes.kept", "`{point}` was not reached");
                continue;
            }
            // Whatever is asked next.
            let done = rig.desk().list(None).unwrap().is_empty();
            let now = files(&rig.repo);
            if done {
                assert_ne!(now, before, "{how} {point}");
            } else {
                assert_eq!(now, before, "{how} {point}");
                assert_eq!(rig.git(&["status", "--short"]), status, "{how} {point}");
            }
            assert_eq!(done, point == "apply.done", "{how} {point}");
            assert!(rig.git(&["for-each-ref", "refs/work/doing/"]).is_empty());
            if !done {
                rig.run(1, &[how]).ok();
                assert_ne!(files(&rig.repo), before, "{how} {point}");
            }
            rig.run(1, &["undo"]).ok();
            assert_eq!(files(&rig.repo), before, "{how} {point}");
        }
    }
}

/// The same with nothing uncommitted.
fn committed() -> (Rig, Files) {
    changed(Rig::new())
}

#[test]
fn an_undo_that_is_killed_is_completed() {
    for point in ["undo.begun", "place.staged", "place.removed", "place.placed:2", "undo.placed"] {
        let (rig, before) = pending();
        rig.run(1, &["apply"]).ok();
        assert!(rig.killed_at(1, &["undo"], point), "`{point}` was not reached");
        assert_eq!(rig.desk().list(None).unwrap().len(), 1, "{point}");
        assert_eq!(files(&rig.repo), before, "{point}");
        assert!(rig.git(&["for-each-ref", "refs/work/doing/"]).is_empty());
    }
}

/// Mutant tried: setting the mark of a worktree before its files are copied (`.env` is missing for ever).
#[test]
fn a_worktree_that_is_half_made_is_made_anew() {
    for point in ["worktree.based", "worktree.added", "worktree.copied", "worktree.ready"] {
        let rig = Rig::new();
        rig.write(".env", "SECRET=1\n");
        assert!(rig.killed_at(1, &["make", ".env"], point), "`{point}` was not reached");
        let path = rig.run(1, &["make", ".env"]).ok().stdout.trim().to_owned();
        let mut expected = files(&rig.repo);
        expected.retain(|path, _| path.as_os_str() != "work");
        assert_eq!(files(path.as_ref()), expected, "{point}");
        assert_eq!(rig.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count(), 2);
    }
}

/// Mutant tried: leaving the mark in place while the folder is removed (what is left counts as the change).
#[test]
fn a_worktree_that_is_half_removed_loses_nothing() {
    for how in ["remove", "drop"] {
        for point in ["changes.kept", "changes.marked", "worktree.unready", "worktree.gone", "drop.marked"] {
            let rig = Rig::new();
            let tree = rig.turn(1, &[("a.txt", "turn\n")]);
            put(&tree, "later", "after the turn\n");
            if !rig.killed_at(1, &[how], point) {
                assert!(how == "remove" && point == "drop.marked", "{how}: `{point}` was not reached");
                continue;
            }
            if point == "worktree.unready" {
                // As if the kill had come in the middle of it.
                fs::remove_file(tree.join("a.txt")).unwrap();
            }
            if how == "drop" && matches!(point, "drop.marked" | "worktree.unready" | "worktree.gone") {
                rig.run(1, &["restore"]).ok();
            }
            let path = rig.run(1, &["make"]).ok().stdout.trim().to_owned();
            let at = |name: &str| fs::read_to_string(format!("{path}/{name}")).unwrap_or_default();
            assert_eq!(
                (at("a.txt").as_str(), at("later").as_str()),
                ("turn\n", "after the turn\n"),
                "{how} {point}"
            );
        }
    }
}

/// Nothing of either side is lost, no mark of a conflict is there twice, and what is half done never counts as the
/// agent's change. Mutants tried: not taking back what was placed; completing nothing after the refs had moved.
#[test]
fn two_sides_that_are_brought_together_and_killed_are_whole_or_apart() {
    let points = [
        "together.begun",
        "place.staged",
        "place.placed:1",
        "place.placed:2",
        "together.placed",
        "together.moved",
    ];
    for point in points {
        let rig = Rig::new();
        let tree = rig.turn(1, &[("a.txt", "agent\n"), ("b.txt", "agent b\n"), ("new", "agent new\n")]);
        rig.write("a.txt", "user\n");
        rig.write("b.txt", "user b\n");
        rig.write("of-user", "user\n");
        rig.git(&["add", "--all"]);
        rig.git(&["commit", "--quiet", "--message=Theirs"]);
        let (apart, main) = (files(&tree), files(&rig.repo));
        assert!(rig.killed_at(1, &["together"], point), "`{point}` was not reached");
        // Whatever is asked next.
        let rows = rig.desk().list(None).unwrap();
        assert_eq!(rows.len(), 1, "{point}");
        assert!(rig.git(&["for-each-ref", "refs/work/doing/"]).is_empty(), "{point}");
        let moved = point == "together.moved";
        let text = |name: &str| fs::read_to_string(tree.join(name)).unwrap_or_default();
        if moved {
            assert!(text("a.txt").contains("<<<<<<<") && text("of-user") == "user\n", "{point}");
        } else {
            let mut now = files(&tree);
            now.retain(|path, _| path.as_os_str() != ".git");
            let mut before = apart.clone();
            before.retain(|path, _| path.as_os_str() != ".git");
            assert_eq!(now, before, "{point}");
            assert_eq!(rig.run(1, &["together"]).ok().stdout.trim(), "2", "{point}");
        }
        let refs = rig.refs(1);
        let tip = refs.tip.as_ref().unwrap().commit.clone();
        for (name, ours, theirs) in [("a.txt", "user\n", "agent\n"), ("b.txt", "user b\n", "agent b\n")] {
            let both = text(name);
            assert!(both.contains(ours) && both.contains(theirs), "{point}: {both}");
            assert_eq!(both.matches("<<<<<<<").count(), 1, "{point}: {both}");
            assert_eq!(rig.at(&tip, name).as_deref(), Some(both.as_str()), "{point}");
            assert_eq!(rig.at(&refs.base.as_ref().unwrap().commit, name).as_deref(), Some(ours), "{point}");
            assert_eq!(rig.at(&refs.turns[&1].at.commit, name).as_deref(), Some(theirs), "{point}");
        }
        assert_eq!(text("new"), "agent new\n");
        // What its agent sees as changed is its own.
        let own = rig.env.git(&tree, &["status", "--short", "--untracked-files=all"]);
        assert!(!own.contains("of-user") && own.contains("a.txt") && own.contains("new"), "{point}: {own}");
        assert_eq!(files(&rig.repo), main, "{point}");
    }
}

#[test]
fn a_turn_that_is_killed_while_it_is_kept_is_kept_by_the_next() {
    for point in ["changes.kept", "changes.marked"] {
        let rig = Rig::new();
        let tree = rig.worktree(1);
        put(&tree, "a.txt", "turn\n");
        assert!(rig.killed_at(1, &["turn", "1"], point), "`{point}` was not reached");
        let again = rig.run(1, &["turn", "1"]).ok().stdout;
        assert_eq!(again.trim(), if point == "changes.kept" { "true" } else { "false" });
        let refs = rig.refs(1);
        assert_eq!(rig.at(&refs.turns[&1].at.commit, "a.txt").as_deref(), Some("turn\n"));
        assert_eq!(refs.tip.unwrap().commit, refs.turns[&1].at.commit);
    }
}

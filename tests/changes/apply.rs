//! Applying: all of it or nothing, and back byte for byte (W6).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use work::engine::changes::{ChangeError, With};
use work::model::Obstacle;

use super::rig::{Rig, files, id, put};

/// The files that were in the way, and why.
fn blocked(error: ChangeError) -> Vec<(String, Obstacle)> {
    match error {
        ChangeError::Blocked(blocked) => {
            blocked.into_iter().map(|one| (one.path.display().to_string(), one.obstacle)).collect()
        }
        error => panic!("{error}"),
    }
}

/// Mutant tried: not moving the base (the change is still pending).
#[test]
fn a_change_is_applied_and_the_next_one_is_counted_from_it() {
    let rig = Rig::new();
    rig.write("b.txt", "the user's own\n");
    rig.write("notes", "not committed\n");
    let tree = rig.turn(1, &[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n"), ("new/x", "x\n")]);
    assert_eq!(fs::read_to_string(tree.join("b.txt")).unwrap(), "the user's own\n");
    let index = fs::read(rig.repo.join(".git/index")).unwrap();
    let applied = rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    assert_eq!(applied.files.len(), 2);
    assert_eq!(
        (rig.read("a.txt").as_str(), rig.read("new/x").as_str()),
        ("ONE\ntwo\nthree\nfour\nfive\n", "x\n")
    );
    assert_eq!(
        (rig.read("b.txt").as_str(), rig.read("notes").as_str()),
        ("the user's own\n", "not committed\n")
    );
    assert_eq!(fs::read(rig.repo.join(".git/index")).unwrap(), index, "the index is the user's");
    assert!(rig.refs(1).pending().is_none());
    // The next turn changes the same line once more, and that is no conflict.
    put(&tree, "a.txt", "ONE!\ntwo\nthree\nfour\nfive\n");
    rig.keep(1, 2, "front end");
    let rows = rig.desk().list(None).unwrap();
    assert_eq!((rows.len(), rows[0].by.join(" "), rows[0].files.len()), (1, "front end".to_owned(), 1));
    rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    assert_eq!(rig.read("a.txt"), "ONE!\ntwo\nthree\nfour\nfive\n");
}

/// W6. Mutants tried: looking only at what git knows (an ignored file is overwritten); letting the first of
/// two threads through when the second is refused.
#[test]
fn what_is_in_the_way_refuses_all_of_it_and_is_named() {
    let rig = Rig::new();
    rig.turn(1, &[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n"), ("out.txt", "1\n")]);
    let two = rig.turn(2, &[("a.txt", "uno\ntwo\nthree\nfour\nfive\n"), ("b.txt", "2\n")]);
    put(&two, "out/deep", "folder\n");
    put(&two, "target", "a file where a folder is\n");
    put(&two, "kept.log", "forced\n");
    rig.env.git(&two, &["add", "--force", "kept.log"]);
    rig.keep(2, 2, "back end");
    let clashes = &rig.desk().list(None).unwrap()[1].clashes;
    assert_eq!(clashes.len(), 1, "{clashes:?}");
    assert_eq!((clashes[0].with.clone(), clashes[0].obstacle), (With::Thread(id(1)), Obstacle::Conflict));
    let before = files(&rig.repo);
    let error = rig.desk().apply(&rig.threads(&[1, 2]), None).unwrap_err();
    assert_eq!(blocked(error), [("a.txt".to_owned(), Obstacle::Conflict)]);
    assert_eq!(files(&rig.repo), before);
    // What the user has done since.
    rig.write("b.txt", "mine\n");
    rig.write("out/other", "beside it\n");
    let names = blocked(rig.desk().apply(&rig.threads(&[2]), None).unwrap_err());
    assert_eq!(names, [("b.txt".to_owned(), Obstacle::Conflict)]);
    rig.git(&["checkout", "--quiet", "b.txt"]);
    rig.write("kept.log", "ignored, and precious\n");
    rig.write("target/x", "an ignored folder\n");
    let before = files(&rig.repo);
    let error = rig.desk().apply(&rig.threads(&[2]), None).unwrap_err();
    assert_eq!(
        blocked(error),
        [("kept.log".to_owned(), Obstacle::Ignored), ("target".to_owned(), Obstacle::Ignored)]
    );
    assert_eq!(files(&rig.repo), before);
    assert!(rig.refs(2).pending().is_some());
}

/// An edit that the thread has not seen, in a file that it changed elsewhere, is not mixed in; once committed
/// it is.
///
/// Mutant tried: taking every path for seen (the edit is mixed in).
#[test]
fn uncommitted_edits_are_never_mixed_into() {
    let rig = Rig::new();
    rig.turn(1, &[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n")]);
    rig.write("a.txt", "one\ntwo\nthree\nfour\nFIVE\n");
    let error = rig.desk().apply(&rig.threads(&[1]), None).unwrap_err();
    assert_eq!(blocked(error), [("a.txt".to_owned(), Obstacle::Uncommitted)]);
    rig.git(&["commit", "--quiet", "--all", "--message=Five"]);
    rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    assert_eq!(rig.read("a.txt"), "ONE\ntwo\nthree\nfour\nFIVE\n");
}

/// Two threads that touch other lines of one file are applied one after the other, both uncommitted.
///
/// Mutant tried: not asking what earlier applies left (the second is refused as the user's own work).
#[test]
fn what_an_apply_left_is_no_obstacle_to_the_next() {
    let rig = Rig::new();
    rig.turn(1, &[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n")]);
    rig.turn(2, &[("a.txt", "one\ntwo\nthree\nfour\nFIVE\n")]);
    rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    rig.desk().apply(&rig.threads(&[2]), None).unwrap();
    assert_eq!(rig.read("a.txt"), "ONE\ntwo\nthree\nfour\nFIVE\n");
}

/// Mutant tried: not keeping the permissions.
#[test]
fn an_undo_brings_every_byte_back() {
    let rig = Rig::new();
    rig.write(".gitattributes", "*.txt text=auto eol=crlf\n");
    rig.git(&["add", "--all"]);
    rig.git(&["commit", "--quiet", "--message=Attributes"]);
    rig.write("b.txt", "mixed\nline\r\nends\r");
    fs::set_permissions(rig.repo.join("b.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(rig.repo.join("dir/c.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("a.txt", rig.repo.join("link")).unwrap();
    rig.write("odd \n name", [0, 255, 10]);
    let before = files(&rig.repo);
    let tree = rig.worktree(1);
    put(&tree, "b.txt", "all new\n");
    fs::remove_file(tree.join("link")).unwrap();
    put(&tree, "link/now/a/folder", "x\n");
    fs::remove_file(tree.join("dir/c.txt")).unwrap();
    fs::remove_file(tree.join("odd \n name")).unwrap();
    put(&tree, "run.sh", "#!/bin/sh\n");
    fs::set_permissions(tree.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    rig.keep(1, 1, "back end");
    rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    let after = files(&rig.repo);
    assert_eq!(rig.read("b.txt"), "all new\r\n", "with the line ends of this checkout");
    assert_eq!(rig.read("link/now/a/folder"), "x\n");
    assert!(!rig.repo.join("dir").exists() && after != before);
    assert_eq!(fs::metadata(rig.repo.join("run.sh")).unwrap().permissions().mode() & 0o111, 0o111);
    rig.desk().undo(false).unwrap();
    assert_eq!(files(&rig.repo), before);
    assert!(rig.refs(1).pending().is_some(), "it is pending again");
    assert!(matches!(rig.desk().undo(false), Err(ChangeError::NothingApplied)));
    rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    assert_eq!(files(&rig.repo), after);
    rig.write("b.txt", "changed since\n");
    assert!(matches!(rig.desk().undo(false), Err(ChangeError::Edited(paths)) if paths.len() == 1));
}

/// Mutant tried: leaving the index as it was.
#[test]
fn a_committed_apply_holds_the_change_and_nothing_else() {
    let rig = Rig::new();
    rig.write("b.txt", "not to be committed\n");
    rig.write("dir/c.txt", "staged\n");
    rig.git(&["add", "dir/c.txt"]);
    let before = (rig.git(&["rev-parse", "HEAD"]), rig.git(&["status", "--short"]), files(&rig.repo));
    rig.turn(1, &[("a.txt", "ONE\n"), ("new", "x\n")]);
    let applied = rig.desk().apply(&rig.threads(&[1]), Some("Apply it")).unwrap();
    assert_eq!(applied.commit.unwrap().as_str(), rig.git(&["rev-parse", "main"]));
    assert_eq!(rig.git(&["diff", "--name-only", "HEAD^", "HEAD"]), "a.txt\nnew");
    assert_eq!(rig.git(&["status", "--short"]), before.1);
    let told = rig.git(&["log", "-1", "--format=%an|%ae|%s|%(trailers:key=Work-Thread,valueonly)"]);
    assert_eq!(told.trim_end(), "back end|work@localhost|Apply it|001-demo 01.01.01");
    rig.desk().undo(false).unwrap();
    assert_eq!((rig.git(&["rev-parse", "HEAD"]), rig.git(&["status", "--short"]), files(&rig.repo)), before);
    // What is staged or edited would be committed with it.
    rig.turn(2, &[("b.txt", "2\n")]);
    let error = rig.desk().apply(&rig.threads(&[2]), Some("No")).unwrap_err();
    assert_eq!(blocked(error), [("b.txt".to_owned(), Obstacle::Uncommitted)]);
}

/// The folder of the plans lives in the main checkout: an agent's copy of it is never applied.
#[test]
fn the_plans_own_folder_is_never_applied() {
    let rig = Rig::new();
    rig.write("work/001-demo/PLAN.md", "{}\n");
    rig.turn(1, &[("work/001-demo/PLAN.md", "broken\n"), ("b.txt", "2\n")]);
    rig.write("work/001-demo/PLAN.md", "{\"newer\": 1}\n");
    let rows = rig.desk().list(None).unwrap();
    assert_eq!((rows[0].files.len(), rows[0].clashes.len()), (1, 0), "{rows:?}");
    rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    assert_eq!(rig.read("work/001-demo/PLAN.md"), "{\"newer\": 1}\n");
    assert_eq!(rig.read("b.txt"), "2\n");
}

/// A change that conflicts is brought together in its worktree, and can be applied then.
///
/// Mutant tried: leaving the base where it was (the resolved change conflicts again).
#[test]
fn a_conflict_is_resolved_in_the_worktree() {
    let rig = Rig::new();
    let tree = rig.turn(1, &[("a.txt", "uno\ntwo\nthree\nfour\nfive\n"), ("mine", "1\n")]);
    assert!(rig.desk().bring_together(&rig.stream, id(1)).unwrap().is_empty(), "nothing to do yet");
    rig.write("a.txt", "ONE\ntwo\nthree\nfour\nfive\n");
    rig.write("theirs", "2\n");
    rig.git(&["add", "--all"]);
    rig.git(&["commit", "--quiet", "--message=Theirs"]);
    assert_eq!(rig.desk().conflicts(&rig.stream, id(1)).unwrap().len(), 1);
    assert_eq!(rig.desk().bring_together(&rig.stream, id(1)).unwrap().len(), 1);
    let marked = fs::read_to_string(tree.join("a.txt")).unwrap();
    assert!(marked.contains("<<<<<<<") && marked.contains("uno") && marked.contains("ONE"), "{marked}");
    assert_eq!(fs::read_to_string(tree.join("theirs")).unwrap(), "2\n");
    put(&tree, "a.txt", "ONE and uno\ntwo\nthree\nfour\nfive\n");
    rig.keep(1, 2, "back end");
    rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    assert_eq!(rig.read("a.txt"), "ONE and uno\ntwo\nthree\nfour\nfive\n");
    assert_eq!(rig.git(&["status", "--short"]), " M a.txt\n?? mine");
}

//! W1: 32 worktrees made at once, beside fetch, gc and commits.

use std::process::Child;

use super::rig::{Rig, files, put};

#[test]
fn worktrees_are_made_at_once_beside_everything_else() {
    let rig = Rig::new();
    rig.env.git(rig.env.root(), &["clone", "--quiet", "--bare", "repo", "origin.git"]);
    rig.git(&["remote", "add", "origin", "../origin.git"]);
    let beside = "for i in 1 2 3 4 5 6; do git fetch --quiet origin; git gc --quiet; \
                  git commit --quiet --allow-empty --message=x; done";
    let mut noise = rig.env.command("sh");
    let mut noise = noise.args(["-c", beside]).current_dir(&rig.repo).spawn().expect("started");
    let start = |thread: u8| -> Child {
        let mut worker = rig.worker(thread, &["make"]);
        worker.stdout(std::process::Stdio::piped()).spawn().expect("started")
    };
    let children: Vec<Child> = (1..=32).map(start).collect();
    let expected = files(&rig.repo);
    for child in children {
        let output = child.wait_with_output().expect("waited");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
        assert_eq!(files(said.trim().as_ref()), expected, "{said}");
    }
    assert!(noise.wait().expect("waited").success(), "nobody else was disturbed");
    assert_eq!(rig.desk().worktrees().expect("listed").len(), 32);
    rig.git(&["fsck", "--no-dangling"]);
}

/// A `git gc --prune=now` that a user runs beside us takes what no ref holds yet, at whichever step of git's. Mutants
/// tried: not trying again; not looking whether all is there.
#[test]
fn a_gc_beside_a_snapshot_costs_nothing() {
    let git = work::sys::process::find("git").unwrap();
    for (step, what) in [
        ("write-tree", "before"),
        ("commit-tree", "before"),
        ("update-ref", "before"),
        ("update-ref", "a blob"),
    ] {
        let rig = Rig::new();
        let tree = rig.worktree(1);
        put(&tree, "a.txt", "the only copy\n");
        put(&tree, "x/new.txt", "new\n");
        let marker = rig.env.root().join("pruned");
        let object = rig.env.git(&tree, &["hash-object", "x/new.txt"]);
        let object = rig.repo.join(".git/objects").join(&object[..2]).join(object[2..].trim());
        let (git, repo, marker) = (git.display(), rig.repo.display(), marker.display());
        let takes = match what {
            "before" => format!("'{git}' -C '{repo}' prune --expire=now"),
            _ => format!("'{git}' \"$@\"; code=$?; rm '{}'; exit $code", object.display()),
        };
        rig.env.script(
            "gc-bin/git",
            &format!(
                "#!/bin/sh\nfor word; do if [ \"$word\" = {step} ] && [ ! -e '{marker}' ]; then : >'{marker}'\n{takes}\nfi; done\nexec '{git}' \"$@\"\n"
            ),
        );
        let mut path = std::ffi::OsString::from(rig.env.root().join("gc-bin"));
        path.push(":");
        path.push(work::sys::env::raw("PATH").unwrap());
        let kept = rig.worker(1, &["turn", "1"]).env("PATH", path).output().unwrap();
        assert!(kept.status.success(), "{step} {what}: {kept:?}");
        assert!(std::path::Path::new(&marker.to_string()).exists(), "{step} was not reached");
        let commit = rig.refs(1).turns[&1].at.commit.clone();
        assert_eq!(rig.at(&commit, "a.txt").as_deref(), Some("the only copy\n"), "{step} {what}");
        assert_eq!(rig.at(&commit, "x/new.txt").as_deref(), Some("new\n"), "{step} {what}");
        rig.git(&["fsck", "--connectivity-only"]);
    }
}

/// A gc removes the empty folder that git is about to write an object into. It happens between two calls of git's
/// own, so only its words can be had at will. Mutant tried: not trying again.
#[test]
fn a_folder_that_a_gc_removed_is_no_obstacle() {
    let git = work::sys::process::find("git").unwrap();
    let rig = Rig::new();
    let marker = rig.env.root().join("swept");
    rig.env.script(
        "gc-bin/git",
        &format!(
            "#!/bin/sh\nfor word; do if [ \"$word\" = commit-tree ] && [ ! -e '{}' ]; then : >'{}'\n\
             echo 'error: unable to create temporary file: No such file or directory' >&2; exit 128\nfi; done\n\
             exec '{}' \"$@\"\n",
            marker.display(),
            marker.display(),
            git.display()
        ),
    );
    let mut path = std::ffi::OsString::from(rig.env.root().join("gc-bin"));
    path.push(":");
    path.push(work::sys::env::raw("PATH").unwrap());
    let made = rig.worker(1, &["make"]).env("PATH", path).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(marker.exists(), "it was not reached");
}

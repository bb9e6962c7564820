//! W1: 32 worktrees made at once, beside fetch, gc and commits.

use std::process::Child;

use super::rig::{Rig, files};

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

//! W4: a snapshot holds what a person sees, and changes nothing that they can see.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use work::adapters::git::{Git, snapshot};

use super::rig::Rig;

/// Everything about a checkout that somebody could see: its files with their times, the index, and what git says.
type Seen = (Vec<(PathBuf, i64, i64, u64)>, Vec<u8>, String);

fn seen(rig: &Rig) -> Seen {
    let mut found = Vec::new();
    let mut folders = vec![rig.repo.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            if meta.is_dir() && !path.ends_with(".git") {
                folders.push(path.clone());
            }
            if !path.ends_with(".git") {
                found.push((path, meta.mtime(), meta.mtime_nsec(), meta.ino()));
            }
        }
    }
    found.sort();
    let index = fs::read(rig.repo.join(".git/index")).unwrap_or_default();
    let words = ["HEAD", "refs/stash", "logs/HEAD", "MERGE_HEAD", "config"];
    let mut text: String = words.iter().map(|name| rig.read(&format!(".git/{name}"))).collect();
    for args in [&["status", "--porcelain=v2", "--branch", "--ignored"][..], &["for-each-ref"]] {
        let mut git = rig.env.command("git");
        git.args(args).current_dir(&rig.repo).env("GIT_OPTIONAL_LOCKS", "0");
        text.push_str(&String::from_utf8_lossy(&git.output().unwrap().stdout));
    }
    (found, index, text)
}

fn tree(rig: &Rig) -> work::adapters::git::Snapshot {
    let scratch = rig.env.root().join("scratch");
    let _ = fs::create_dir(&scratch);
    let taken = snapshot(&rig.repo, &scratch).unwrap();
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "nothing is left behind");
    taken
}

/// One state: how it is made, and what the tree holds then.
struct State {
    name: &'static str,
    make: fn(&Rig),
    holds: &'static [(&'static str, Option<&'static str>)],
}

const STATES: &[State] = &[
    State { name: "clean", make: |_| {}, holds: &[("b.txt", Some("b\n"))] },
    State {
        name: "changed",
        make: |rig| {
            rig.write("b.txt", "changed\n");
            rig.write("new file", "new\n");
            rig.write("x.log", "ignored\n");
            fs::remove_file(rig.repo.join("dir/c.txt")).unwrap();
        },
        holds: &[
            ("b.txt", Some("changed\n")),
            ("new file", Some("new\n")),
            ("x.log", None),
            ("dir/c.txt", None),
        ],
    },
    State {
        name: "staged, and changed again",
        make: |rig| {
            rig.write("b.txt", "staged\n");
            rig.git(&["add", "b.txt"]);
            rig.write("b.txt", "seen\n");
            rig.write("gone", "x\n");
            rig.git(&["add", "gone"]);
            fs::remove_file(rig.repo.join("gone")).unwrap();
        },
        holds: &[("b.txt", Some("seen\n")), ("gone", None)],
    },
    State {
        name: "intent to add",
        make: |rig| {
            rig.write("new", "new\n");
            rig.git(&["add", "--intent-to-add", "new"]);
        },
        holds: &[("new", Some("new\n"))],
    },
    State {
        name: "hidden from git",
        make: |rig| {
            rig.git(&["update-index", "--assume-unchanged", "b.txt"]);
            rig.git(&["update-index", "--skip-worktree", "a.txt"]);
            rig.write("b.txt", "assumed\n");
            rig.write("a.txt", "skipped\n");
        },
        holds: &[("b.txt", Some("assumed\n")), ("a.txt", Some("skipped\n"))],
    },
    State {
        name: "sparse",
        make: |rig| {
            rig.git(&["sparse-checkout", "set", "--cone", "other"]);
            assert!(!rig.repo.join("dir/c.txt").exists());
            rig.write("dir/beside", "outside of the cone\n");
        },
        holds: &[("dir/c.txt", Some("c\n")), ("dir/beside", Some("outside of the cone\n"))],
    },
    State {
        name: "unmerged",
        make: |rig| {
            rig.git(&["checkout", "--quiet", "-b", "x"]);
            rig.write("b.txt", "x\n");
            rig.git(&["commit", "--quiet", "--all", "--message=x"]);
            rig.git(&["checkout", "--quiet", "main"]);
            rig.write("b.txt", "y\n");
            rig.git(&["commit", "--quiet", "--all", "--message=y"]);
            assert_ne!(rig.env.run("git", &rig.repo, ["merge", "--quiet", "x"]).code, 0);
            rig.write("b.txt", "half resolved\n");
        },
        holds: &[("b.txt", Some("half resolved\n"))],
    },
    State {
        name: "tracked and ignored",
        make: |rig| {
            rig.write("kept.log", "1\n");
            rig.git(&["add", "--force", "kept.log"]);
            rig.write("kept.log", "2\n");
        },
        holds: &[("kept.log", Some("2\n"))],
    },
    State {
        name: "detached, with a stash",
        make: |rig| {
            rig.write("b.txt", "stashed\n");
            rig.git(&["stash", "--quiet"]);
            rig.git(&["checkout", "--quiet", "--detach"]);
            rig.write("b.txt", "now\n");
        },
        holds: &[("b.txt", Some("now\n"))],
    },
    State {
        name: "filters",
        make: |rig| {
            rig.git(&["config", "filter.up.clean", "tr a-z A-Z"]);
            rig.write(".gitattributes", "*.up filter=up\n*.crlf text eol=crlf\n");
            rig.write("x.up", "shout\n");
            rig.write("y.crlf", "line\r\n");
        },
        holds: &[("x.up", Some("SHOUT\n")), ("y.crlf", Some("line\n"))],
    },
    State {
        name: "a file becomes a folder",
        make: |rig| {
            fs::remove_file(rig.repo.join("b.txt")).unwrap();
            rig.write("b.txt/inner", "x\n");
            fs::remove_dir_all(rig.repo.join("dir")).unwrap();
            rig.write("dir", "a file\n");
        },
        holds: &[("b.txt/inner", Some("x\n")), ("dir", Some("a file\n"))],
    },
    State {
        name: "split index",
        make: |rig| {
            rig.git(&["update-index", "--split-index"]);
            rig.write("b.txt", "split\n");
        },
        holds: &[("b.txt", Some("split\n"))],
    },
];

/// W4. Mutants tried: `git add` in the user's own index; taking only what `git add --update` takes; not taking
/// the marks of `see_all` away.
#[test]
fn a_snapshot_holds_what_is_seen_and_changes_nothing() {
    for State { name, make, holds } in STATES {
        let rig = Rig::new();
        make(&rig);
        let before = seen(&rig);
        let taken = tree(&rig);
        for (path, expected) in *holds {
            assert_eq!(rig.at(&taken.tree, path).as_deref(), *expected, "{name}: {path}");
        }
        assert_eq!(seen(&rig), before, "{name}");
        assert_eq!(tree(&rig).tree, taken.tree, "{name}: twice the same");
    }
}

#[test]
fn modes_links_and_submodules_are_in_a_snapshot_and_nested_repositories_are_named() {
    let rig = Rig::new();
    fs::set_permissions(rig.repo.join("b.txt"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("nowhere/at all", rig.repo.join("link")).unwrap();
    let other = rig.env.root().join("other");
    rig.env.git(rig.env.root(), &["clone", "--quiet", "repo", "other"]);
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../other", "sub"];
    rig.git(&add);
    for nested in ["nested/empty", "nested/full"] {
        fs::create_dir_all(rig.repo.join(nested)).unwrap();
        rig.env.git(&rig.repo.join(nested), &["init", "--quiet"]);
    }
    rig.write("nested/full/x", "x\n");
    rig.env.git(&rig.repo.join("nested/full"), &["add", "x"]);
    rig.env.git(&rig.repo.join("nested/full"), &["commit", "--quiet", "--message=x"]);
    let before = seen(&rig);
    let taken = tree(&rig);
    assert_eq!(seen(&rig), before);
    let listed = rig.git(&["ls-tree", "-r", taken.tree.as_str()]);
    for (mode, name) in [("100755", "b.txt"), ("120000", "link"), ("160000", "sub")] {
        assert!(
            listed.lines().any(|line| line.starts_with(mode) && line.ends_with(name)),
            "{name}: {listed}"
        );
    }
    assert_eq!(taken.nested, [Path::new("nested/empty/"), Path::new("nested/full/")]);
    assert!(!listed.contains("nested"), "{listed}");
    drop(other);
}

#[test]
fn a_repository_without_a_commit_has_a_snapshot() {
    let rig = Rig::new();
    fs::remove_dir_all(rig.repo.join(".git")).unwrap();
    rig.git(&["init", "--quiet"]);
    let taken = tree(&rig);
    assert_eq!(rig.at(&taken.tree, "b.txt").as_deref(), Some("b\n"));
    assert!(!rig.repo.join(".git/index").exists());
    let worktree = rig.turn(1, &[("b.txt", "2\n")]);
    assert!(worktree.join("a.txt").is_file());
    rig.desk().apply(&rig.threads(&[1]), None).unwrap();
    assert_eq!(rig.read("b.txt"), "2\n");
}

/// A git that compares whole seconds tells a file of the same second and size apart only by the time of its
/// index. The one here compares nanoseconds, so a copy without that time passes, too.
#[test]
fn an_edit_in_the_same_second_is_seen() {
    for round in 0..20 {
        let rig = Rig::new();
        rig.write("b.txt", "1\n");
        rig.git(&["add", "b.txt"]);
        rig.write("b.txt", "2\n");
        let index = fs::metadata(rig.repo.join(".git/index")).unwrap().mtime();
        if fs::metadata(rig.repo.join("b.txt")).unwrap().mtime() == index {
            assert_eq!(rig.at(tree(&rig).tree, "b.txt").as_deref(), Some("2\n"), "round {round}");
            return;
        }
    }
    panic!("never twice in one second");
}

/// An error is git's own.
#[test]
fn what_cannot_be_read_fails_with_gits_words() {
    let rig = Rig::new();
    rig.git(&["config", "filter.bad.clean", "false"]);
    rig.git(&["config", "filter.bad.required", "true"]);
    rig.write(".gitattributes", "*.bad filter=bad\n");
    rig.write("x.bad", "x\n");
    let scratch = rig.env.root().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let error = snapshot(&rig.repo, &scratch).unwrap_err().to_string();
    assert!(error.contains("update-index") && error.contains("filter"), "{error}");
    assert!(Git::at(&rig.repo).resolve("no-such-ref").unwrap().is_none());
}

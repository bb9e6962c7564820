//! Where one stands: in a subdirectory, a linked worktree, no repository; and folders that can't be
//! written to.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::desk::{Desk, PLAN, document};
use crate::support::running::Output;

const DONE: [&str; 5] = ["update", "--task", "01.01.01.01", "--status", "completed"];

fn completed(desk: &Desk) -> usize {
    let tasks = desk.state_json()["threads"].to_string();
    tasks.matches("\"status\":\"completed\"").count()
}

#[test]
fn a_subdirectory_is_in_the_repository() {
    let desk = Desk::approved();
    let deep = desk.path("repo/src/a b");
    std::fs::create_dir_all(&deep).expect("a folder");
    desk.env.work_in(&deep, DONE).ok();
    assert_eq!(completed(&desk), 1);
    assert!(!deep.join("work").exists());
    // The plan of `create --from` lies where one stands.
    desk.env.write("repo/src/a b/draft.md", PLAN);
    desk.env.work_in(&deep, ["create", "Other", "--from", "draft.md"]).ok();
    assert!(desk.path("repo/work/002-other/PLAN.md").exists());
}

/// The worktree has a copy of `work/` of its own, and nothing of it may be used.
#[test]
fn from_a_linked_worktree_the_main_checkout_is_meant() {
    let desk = Desk::approved();
    let repo = desk.path("repo");
    desk.env.git(&repo, &["add", "work"]);
    desk.env.git(&repo, &["commit", "--quiet", "--message=Plan"]);
    let tree = desk.path("tree");
    desk.env.git(&repo, &["worktree", "add", "--quiet", tree.to_str().expect("text")]);
    let copy = tree.join("work/001-rename-fetch/tasks.json");
    let before = std::fs::read(&copy).expect("a copy");
    std::fs::create_dir(tree.join("src")).expect("a folder");
    desk.env.work_in(&tree.join("src"), DONE).ok();
    assert_eq!(completed(&desk), 1);
    assert_eq!(std::fs::read(&copy).expect("a copy"), before);
    let status = document("status", &desk.env.work_in(&tree, ["status", "--json"]).ok());
    assert_eq!(status["tasks"]["completed"], 1);
}

#[test]
fn without_commits_and_without_git_everything_but_worktrees_works() {
    for git in [true, false] {
        let desk = Desk::bare();
        std::fs::remove_dir_all(desk.path("repo/.git")).expect("gone");
        if git {
            desk.env.git(&desk.path("repo"), &["init", "--quiet"]);
        }
        let told = desk.run("init").ok();
        assert_eq!(told.stderr.contains("no git repository"), !git, "{told:#?}");
        desk.run("create 'Rename fetch'").ok();
        desk.plan(PLAN);
        for line in ["approve plan --yes", "status", "tree", "list", "validate", "multi --dry-run", "use"] {
            desk.run(line).ok();
        }
        let deep = desk.path("repo/a/b");
        std::fs::create_dir_all(&deep).expect("a folder");
        desk.env.work_in(&deep, DONE).ok();
        assert_eq!(completed(&desk), 1);
        assert_eq!(desk.path("repo/work/.local/current").exists(), !git);
        assert_eq!(desk.path("repo/.git/work/current").exists(), git);
    }
}

#[test]
fn a_broken_repository_is_told() {
    let desk = Desk::approved();
    std::fs::remove_dir_all(desk.path("repo/.git")).expect("gone");
    desk.env.write("repo/.git", "gitdir: /nowhere/at/all\n");
    desk.refuses("status", 1, &["/repo/.git`", "hint: name the repository with `--repo DIR`"]);
    let desk = Desk::approved();
    for folder in ["/nowhere/at/all", "README.md"] {
        desk.refuses(
            &format!("--repo {folder} status"),
            2,
            &["is not a folder that can be entered", "hint: "],
        );
    }
}

/// Runs a script as root of a mount namespace of its own; `None` where that is not permitted.
fn in_namespace(desk: &Desk, mount: &str, args: &[&str]) -> Option<Output> {
    let script = format!("set -e\n{mount}\ncd \"$REPO\"\nexec \"$@\"\n");
    let run = |program: &OsStr, args: &[&str]| {
        let mut words: Vec<OsString> =
            ["-m", "--propagation", "private", "sh", "-c", &script, "sh"].map(Into::into).to_vec();
        words.push(program.to_owned());
        words.extend(args.iter().map(OsString::from));
        desk.env.run("unshare", desk.env.root(), words)
    };
    if run(OsStr::new("true"), &[]).code != 0 {
        say_skipped("mount namespaces are not permitted here");
        return None;
    }
    Some(run(OsStr::new(env!("CARGO_BIN_EXE_work")), args))
}

fn say_skipped(why: &str) {
    #[expect(clippy::print_stderr, reason = "the output of a skipped test")]
    {
        eprintln!("skipped: {why}");
    }
}

#[test]
fn a_folder_that_can_not_be_written_to_is_told_and_readers_go_on() {
    let mut desk = Desk::approved();
    let repo = desk.path("repo");
    desk.env.set("REPO", repo);
    let mount = "mount --bind \"$REPO\" \"$REPO\" && mount -o remount,bind,ro \"$REPO\"";
    let before = desk.state_bytes();
    for args in [
        &DONE[..],
        &["create", "Other"],
        &["approve", "plan", "--yes", "--by", "ada"],
        &["use", "1"],
        &["init", "--skills", "agents"],
    ] {
        let Some(output) = in_namespace(&desk, mount, args) else { return };
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{args:?}: {output:#?}");
        assert!(output.stderr.contains("Read-only file system"), "{args:?}: {output:#?}");
        assert!(output.stderr.contains("/repo/"), "the place: {output:#?}");
    }
    for args in [
        &["status"][..],
        &["tree"],
        &["list"],
        &["validate"],
        &["show", "1"],
        &["multi", "--dry-run"],
        &["prompt", "-t", "1.1.1"],
    ] {
        let output = in_namespace(&desk, mount, args).expect("permitted");
        assert_eq!(output.code, 0, "{args:?}: {output:#?}");
    }
    assert_eq!(desk.state_bytes(), before);
    assert!(!desk.path("repo/work/002-other").exists());
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let mut desk = Desk::approved();
    let repo = desk.path("repo");
    desk.env.set("REPO", repo);
    // A small file system with a copy of the repository, filled to the last byte.
    let mount = "BASE=$(dirname \"$REPO\")\nmkdir -p \"$BASE/full\"\n\
                 mount -t tmpfs -o size=2m tmpfs \"$BASE/full\"\n\
                 cp -a \"$REPO\" \"$BASE/full/repo\"\nREPO=\"$BASE/full/repo\"\n\
                 cat /dev/zero > \"$BASE/full/fill\" 2>/dev/null || true\n\
                 trap 'cp \"$REPO/work/001-rename-fetch/tasks.json\" \"$BASE/after.json\"; ls \"$REPO/work\" > \"$BASE/after.list\"' EXIT";
    let script_end = |args: &[&str]| {
        // Not `exec`, so that what is left can be copied out.
        let script = format!("{mount}\ncd \"$REPO\"\n\"$@\"\n");
        let mut words: Vec<OsString> =
            ["-m", "--propagation", "private", "sh", "-c", &script, "sh"].map(Into::into).to_vec();
        words.push(env!("CARGO_BIN_EXE_work").into());
        words.extend(args.iter().map(OsString::from));
        desk.env.run("unshare", desk.env.root(), words)
    };
    if in_namespace(&desk, "true", &["--version"]).is_none() {
        return;
    }
    let report = "x".repeat(20_000);
    let update: Vec<&str> = DONE.into_iter().chain(["--report", &report]).collect();
    for args in [&update[..], &["create", "Other"], &["approve", "plan", "--yes", "--by", "ada"]] {
        let output = script_end(args);
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{args:?}: {output:#?}");
        assert!(output.stderr.contains("No space left on device"), "{args:?}: {output:#?}");
        assert_eq!(desk.bytes("after.json"), desk.state_bytes(), "{args:?}");
        assert_eq!(
            desk.bytes("after.list"),
            b"001-rename-fetch\nagents.yaml\n",
            "{args:?}: nothing half is left"
        );
    }
    let output = script_end(&["status"]);
    assert_eq!(output.code, 0, "{output:#?}");
}

#[test]
fn without_home_and_with_odd_folders_for_sockets_nothing_breaks() {
    let mut desk = Desk::approved();
    let long: PathBuf = desk.path("run").join("long/".repeat(30));
    std::fs::create_dir_all(&long).expect("a folder");
    for runtime in [
        None,
        Some(OsString::from("relative/run")),
        Some("/nowhere".into()),
        Some("".into()),
        Some(long.into()),
        Some(desk.path("repo/README.md").into()),
    ] {
        desk.env.unset("HOME");
        desk.env.unset("XDG_RUNTIME_DIR");
        if let Some(runtime) = &runtime {
            desk.env.set("XDG_RUNTIME_DIR", runtime);
        }
        for line in ["status", "multi --dry-run", "supervisor status", "supervisor stop"] {
            let output = desk.run(line).ok();
            assert_eq!(output.stderr, "", "{runtime:?} {line}");
        }
    }
    assert!(!desk.path("repo/relative").exists());
}

#[test]
fn long_and_odd_paths_are_only_paths() {
    let mut desk = Desk::bare();
    desk.env.set("WORK_OPENCODE", "/bin/true");
    let odd = OsStr::from_bytes(b"not \xff utf-8 \n #{x} $(touch y)");
    let long = "long-".repeat(40);
    for name in [odd, OsStr::new(&long)] {
        let mut folder = desk.path("").join(name);
        if name == OsStr::new(&long) {
            folder = (0..12).fold(folder, |folder, _| folder.join(&long));
        }
        std::fs::create_dir_all(&folder).expect("a folder");
        desk.env.git(&folder, &["init", "--quiet"]);
        let work = |args: &[&str]| desk.env.work_in(&folder, args);
        for args in [
            &["init", "--json"][..],
            &["create", "Odd", "--json"],
            &["status", "--json"],
            &["agents", "--json"],
            &["supervisor", "status", "--json"],
        ] {
            let output = work(args);
            assert_eq!(output.code, 0, "{args:?}: {output:#?}");
            let _: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
        }
        replace_plan(&folder);
        for args in [
            &["approve", "plan", "--yes"][..],
            &["validate", "--json"],
            &["status"],
            &["multi", "--dry-run", "--json"],
            &["execute", "-t", "1.1.1", "--dry-run"],
        ] {
            let output = work(args);
            assert_eq!(output.code, 0, "{args:?}: {output:#?}");
        }
        let by_repo = desk.env.run(
            env!("CARGO_BIN_EXE_work"),
            desk.env.root(),
            [OsStr::new("--repo"), folder.as_os_str(), OsStr::new("status")],
        );
        assert_eq!(by_repo.code, 0, "{by_repo:#?}");
    }
    assert!(!desk.path("y").exists());
}

fn replace_plan(folder: &Path) {
    let path = folder.join("work/001-odd/PLAN.md");
    work::sys::atomic::write_atomic(&path, PLAN.as_bytes()).expect("written");
}

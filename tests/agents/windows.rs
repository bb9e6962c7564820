//! `work multi` with the real opencode and the real tmux, wherever it is called from.

use std::ffi::OsString;

use work::sys::process;

use crate::support::stage::{PATIENCE, Project, Running};
use crate::support::wait::wait_until;

const TASK: &str = "@bash work update --task 01 --status completed\n@text done";

fn multi(project: &Project) -> Running {
    let args = ["multi", "--window", "stream", "--wait", "--json"];
    let mut command = project.command(&args);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    Running::of(&mut command)
}

/// Two at the same moment start each thread once: the second finds nothing to start, and says so.
///
/// Mutant: no lock around the launch (both open windows, and one's are refused).
#[test]
fn two_at_once_start_each_thread_once() {
    let project = Project::new(&["@sleep 2s\n@bash work update --task 01 --status completed\n@text done"; 3]);
    let (one, two) = (multi(&project), multi(&project));
    let (one, two) = (one.output(), two.output());
    let mut codes = [one.code, two.code];
    codes.sort_unstable();
    assert_eq!(codes, [0, 1], "{one:#?} {two:#?}");
    let loser = if one.code == 1 { one } else { two };
    assert!(loser.stdout.contains("nothing-to-do"), "{loser:#?}");
    for thread in 1..=3 {
        assert_eq!(project.thread_status(thread), "completed");
        assert_eq!(project.thread(thread)["sessions"].as_array().map(Vec::len), Some(1));
    }
    project.assert_records_are_whole();
}

/// Inside of tmux it uses that server; where `$TMUX` is dead, as outside, a server of its own, whatever the
/// user's configuration says; without a program it says so, and starts nothing.
#[test]
fn it_finds_the_right_tmux() {
    let mut project = Project::new(&[TASK]);
    project.env.write(
        "home/.tmux.conf",
        "set -g destroy-unattached on\nset -g base-index 7\nset -g default-shell /bin/false\n\
         set -g allow-rename on\nset -g default-command 'exit 1'\n",
    );
    let private = |project: &Project| {
        let folder = project.env.runtime_dir().join("work");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.map(|file| file.path()).any(|path| path.extension().is_some_and(|end| end == "tmux"))
    };
    project
        .env
        .tmux(["-f", "/dev/null", "new-session", "-d", "-s", "mine", "--", "env", "sleep", "1000"])
        .ok();
    let print =
        |format: &str| project.env.tmux(["display-message", "-p", "-t", "=mine:", format]).ok().stdout;
    let (inside, pane) = (print("#{socket_path},#{pid},0"), print("#{pane_id}"));
    project.env.set("TMUX", OsString::from(inside.trim()));
    project.env.set("TMUX_PANE", OsString::from(pane.trim()));
    let output = multi(&project).output();
    assert_eq!(output.code, 0, "{output:#?}");
    assert!(!private(&project), "it has used the one that it was in");
    let windows = project.env.tmux(["list-windows", "-a", "-F", "#{session_name}"]).ok().stdout;
    assert!(windows.contains("work-001-test"), "{windows}");
    project.env.tmux(["kill-server"]).ok();
    // Now `$TMUX` names nobody.
    project.env.set("TMUX", project.env.root().join("dead,1,0"));
    let output = project.work(["execute", "--thread", "01.01.01", "--message", "again", "--dry-run"]);
    assert_eq!(output.code, 0, "{output:#?}");
    project.work(["update", "--task", "01.01.01.01", "--status", "in_progress"]).ok();
    let output = multi(&project).output();
    assert_eq!(output.code, 0, "{output:#?}");
    assert!(private(&project), "{output:#?}");

    project.work(["update", "--task", "01.01.01.01", "--status", "in_progress"]).ok();
    project.env.set("WORK_TMUX", "/nowhere/tmux");
    let output = multi(&project).output();
    assert_eq!(output.code, 6, "{output:#?}");
    assert_eq!(project.thread(1)["sessions"].as_array().map(Vec::len), Some(2), "it started nothing");
}

/// S1 and S2 with the real `work update`: what was acknowledged is there, whoever was killed beside it.
///
/// Mutants: those of `process::store`; here the commands are the real ones, called as agents call them.
#[test]
fn updates_of_many_are_kept_whoever_is_killed() {
    const WRITERS: u8 = 16;
    const EACH: u32 = 4;
    let project = Project::with_fake(&["@text x"; WRITERS as usize], "exit 3");
    let acknowledged: Vec<u32> = std::thread::scope(|scope| {
        let writers: Vec<_> = (1..=WRITERS)
            .map(|writer| {
                let project = &project;
                scope.spawn(move || {
                    let mut last = 0;
                    for step in 1..=EACH {
                        let (task, text) = (format!("01.01.{writer:02}.01"), step.to_string());
                        let args = ["update", "--task", &task, "--breadcrumb", &text];
                        let mut update = Running::of(
                            project
                                .command(&args)
                                .stdout(std::process::Stdio::null())
                                .stderr(std::process::Stdio::null()),
                        );
                        // Every third one is killed at some moment of its short life.
                        if (u32::from(writer) + step).is_multiple_of(3) {
                            let moment =
                                std::time::Duration::from_millis(u64::from(writer) * u64::from(step) % 23);
                            std::thread::park_timeout(moment);
                            update.signal(process::Signal::SIGKILL);
                        }
                        if update.end().success() {
                            last = step;
                        }
                    }
                    last
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("no panic")).collect()
    });
    let state = project.state();
    for (thread, acknowledged) in state["threads"].as_array().expect("threads").iter().zip(&acknowledged) {
        let kept = thread["tasks"][0]["breadcrumb"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
        assert!((*acknowledged..=EACH).contains(&kept), "{acknowledged} acknowledged, {kept} kept");
    }
    assert!(acknowledged.iter().filter(|last| **last > 0).count() > usize::from(WRITERS) / 2);
    wait_until("the next update", PATIENCE, || {
        project.work(["update", "--task", "01.01.01.01", "--status", "completed"]).code == 0
    });
    let left = std::fs::read_dir(project.repo().join("work/001-test")).expect("a folder").flatten();
    let left: Vec<_> = left.map(|file| file.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".work-tmp")), "{left:?}");
}

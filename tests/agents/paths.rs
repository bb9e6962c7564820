//! Files beside the `**Paths:**` of a thread, with the real opencode: told, and nothing is refused.

use serde_json::{Value, json};

use crate::support::project::Project;

/// Gives the first `threads` threads of the plan these paths.
fn give_paths(project: &Project, threads: usize, paths: &str) {
    let plan = project.read("work/001-test/PLAN.md").expect("the plan");
    let with = plan.replacen(
        "**Summary:** Work.\n",
        &format!("**Paths:** {paths}\n\n**Summary:** Work.\n"),
        threads,
    );
    project.env.write("repo/work/001-test/PLAN.md", with);
    project.work(["approve", "plan", "--yes"]).ok();
}

/// In a worktree whatever lies there counts, in a shared checkout what the agent's tools tell; a thread without
/// paths may touch all. Mutant tried: leaving the files of the worktree out.
#[test]
fn what_is_changed_beside_the_paths_is_told() {
    let done = "@bash work update --task 01 --status completed --report done\n@text Done.";
    let project = Project::new(&[
        &format!("@bash mkdir src; echo a >src/a; echo b >top.txt; echo c >'c d'\n{done}"),
        &format!("@write src/b.txt in\n@write note.txt out\n@bash echo x >silent.txt\n{done}"),
        &format!("@write free.txt x\n{done}"),
    ]);
    give_paths(&project, 2, "`src/**`");
    let ran = project.execute(1, &["--worktree"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let words = "2 files outside its `Paths`: `c d`, `top.txt`";
    assert!(ran.stderr.contains(&format!("the turn changed {words}")), "{ran:#?}");
    assert_eq!(project.attempt(1)["outsidePaths"], json!({ "count": 2, "files": ["c d", "top.txt"] }));
    let shared = project.execute(2, &[]);
    assert!(
        shared.code == 0 && shared.stderr.contains("1 file outside its `Paths`: `note.txt`"),
        "{shared:#?}"
    );
    let free = project.execute(3, &["--json"]);
    assert!(free.code == 0 && !format!("{free:?}").contains("Paths`"), "{free:#?}");
    assert_eq!(project.attempt(3)["outsidePaths"], Value::Null);
    // Everybody who tells of the thread tells it.
    let status = project.work(["status"]).ok().stdout;
    assert!(status.contains(&format!("→ it changed {words}")) && status.contains("`note.txt`"), "{status}");
    let why = project.work(["why", "1.1.1"]).ok().stdout;
    assert!(why.contains(words), "{why}");
    let report = project.work(["report", "--stdout"]).ok().stdout;
    assert!(report.contains("Attempt 1 changed 2 files outside"), "{report}");
    let changes = project.work(["changes"]).ok().stdout;
    assert!(changes.contains(words), "{changes}");
    let files: Value = serde_json::from_str(&project.work(["changes", "--json"]).ok().stdout).expect("JSON");
    let marked: Vec<_> =
        files[0]["files"].as_array().expect("files").iter().map(|file| &file["outsidePaths"]).collect();
    assert_eq!(marked, [&json!(true), &Value::Null, &json!(true)], "{files:#}");
    // It is a report and no verdict.
    project.work(["changes", "apply", "1.1.1"]).ok();
    assert_eq!(project.read("top.txt").as_deref(), Some("b\n"));
    project.assert_records_are_whole();
}

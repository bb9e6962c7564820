//! `work execute` when the agent, its model or its program fails: what is told, what is recorded, and what
//! is tried next.

use std::fs;

use serde_json::Value;

use crate::support::old_opencode::OLD;
use crate::support::project::Project;

/// What has failed in each attempt; `none` where nothing has.
fn kinds(project: &Project, thread: u8) -> Vec<String> {
    let kind = |one: &Value| one["error"]["kind"].as_str().unwrap_or("none").to_owned();
    project.attempts(thread).iter().map(kind).collect()
}

/// Each kind of failure has its record, its exit code and its word; the next model is tried where that
/// can help, as an attempt of its own.
#[test]
fn the_next_model_is_tried_when_that_may_help() {
    const DONE: &str = "@bash work update --task 01 --status completed\n@text done";
    let project = Project::new(&["@text hello", DONE]);
    let mut seen = 0;
    for (models, expected, words) in [
        ("scripted/fail-401", &["auth"][..], "opencode auth login"),
        ("scripted/fail-400", &["provider"], "scripted/fail-400"),
        ("scripted/okk", &["model-unknown"], "did you mean `scripted/ok`"),
        (
            "scripted/okk, scripted/nope, scripted/ok",
            &["model-unknown", "model-unknown", "none"],
            "trying the next model",
        ),
        ("scripted/fail-401, scripted/ok", &["auth"], "opencode auth login"),
    ] {
        project.agents(models);
        let output = project.execute(1, &[]);
        assert_eq!(output.code, 1, "{models}: {output:#?}");
        let all = kinds(&project, 1);
        assert_eq!(all[seen..], *expected, "{models}: {output:#?}");
        seen = all.len();
        assert!(output.stderr.contains(words), "{words} in {output:#?}");
    }

    project.env.write(
        "repo/work/agents.yaml",
        "agents:\n  - name: default\n    best_for: everything\n    models: [scripted/ok]\n\
         \x20 - name: second-choice\n    models: [scripted/nope, scripted/fail-400, scripted/ok]\n\
         \x20 - name: hopeless\n    models: [scripted/fail-401, scripted/ok]\n",
    );
    let output = project.execute(2, &["--agent", "second-choice"]).ok();
    assert!(output.stderr.contains("did you mean `scripted/ok`"), "{output:#?}");
    let attempts = project.attempts(2);
    let told = |one: &Value| format!("{} {} {}", one["model"], one["status"], one["error"]["kind"]);
    assert_eq!(
        attempts.iter().map(told).collect::<Vec<_>>(),
        [
            r#""scripted/nope" "failed" "model-unknown""#,
            r#""scripted/fail-400" "failed" "provider""#,
            r#""scripted/ok" "completed" null"#
        ]
    );
    assert!(attempts.iter().all(|one| one["agent"] == "second-choice"), "{attempts:#?}");
    let refused = project.execute(2, &["--agent", "hopeless", "--message", "again"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("opencode auth login"), "{refused:#?}");
    assert_eq!(kinds(&project, 2)[3..], ["auth"], "a failed login is the end of it");
    project.assert_records_are_whole();
}

/// A provider that is too busy for longer than opencode tries: the next model, in an attempt of its own.
#[test]
fn a_rate_limit_leads_to_the_next_model() {
    let project = Project::new(&["@text hello"]);
    project.agents("scripted/limited, scripted/ok");
    // Retried by opencode for as long as the server says; an hour is more than anybody waits.
    let config = fs::read_to_string(project.model().config()).expect("a configuration");
    let mut config: Value = serde_json::from_str(&config).expect("JSON");
    let models = &mut config["provider"]["scripted"]["models"];
    models["limited"] = models["ok"].clone();
    models["limited"]["name"] = "limited".into();
    #[expect(clippy::disallowed_methods, reason = "nobody reads it yet")]
    fs::write(project.model().config(), config.to_string()).expect("written");
    let plan = project.read("work/001-test/PLAN.md").expect("a plan");
    project.env.write(
        "repo/work/001-test/PLAN.md",
        plan.replace("@text hello", "@status 429 retry-after=3600 times=1\n@text hello"),
    );
    project.work(["approve", "plan", "--yes"]).ok();
    let output = project.execute(1, &[]);
    let sessions = project.thread(1)["sessions"].clone();
    assert_eq!(sessions[0]["error"]["kind"], "rate-limit", "{output:#?} {sessions:#}");
    assert_eq!(sessions.as_array().map(Vec::len), Some(2), "{output:#?} {sessions:#}");
    assert!(output.stderr.contains("trying the next model"), "{output:#?}");
    project.assert_records_are_whole();
}

/// A turn is given up when it gives no sign of life, before its first word or after it, and when it takes
/// too long, also while a tool runs.
#[test]
fn a_turn_that_hangs_or_takes_too_long_is_given_up() {
    let project = Project::new(&["@hang", "@text a word\n@hang", "@bash sleep 4771\n@text x"]);
    project.settings("stallTimeout: 2s\n");
    let is_given_up = |thread: u8, kind: &str| {
        let output = project.execute(thread, &[]);
        assert_eq!((output.code, kinds(&project, thread)), (1, vec![kind.to_owned()]), "{output:#?}");
        assert_eq!(project.thread_status(thread), "failed");
    };
    is_given_up(1, "stalled");
    is_given_up(2, "stalled");
    // Settings are read when the supervisor starts.
    project.settings("turnTimeout: 3s\n");
    project.work(["supervisor", "stop"]).ok();
    is_given_up(3, "timed-out");
    assert!(project.processes_with("sleep 4771").is_empty());
    project.assert_records_are_whole();
}

/// Programs that call themselves opencode: each gives its message, its exit code and a record, and leaves
/// no process, within a supervisor and without.
#[test]
fn an_opencode_that_does_not_work_is_told_and_recorded() {
    const DEAF: &str = "echo 'opencode server listening on http://127.0.0.1:1'\nexec sleep 4781";
    let mut project = Project::with_fake(&["@refuse"], "exit 3");
    let script = |name: &str, text: &str| project.env.script(name, &format!("#!/bin/sh\n{text}\n"));
    let programs = [
        (project.env.root().join("nowhere/opencode"), "agent-missing", "was not found"),
        (script("bin/gone", "echo 'no such thing' >&2\nexit 3"), "agent-missing", "no such thing"),
        (script("bin/old", OLD), "agent-too-old", "1.0.9"),
        (script("bin/deaf", DEAF), "server-unreachable", "127.0.0.1:1"),
    ];
    let mut seen = 0;
    for (program, kind, words) in programs {
        project.env.set("WORK_OPENCODE", program);
        for more in [&[][..], &["--no-supervisor"]] {
            let run = project.execute(1, more);
            assert_eq!(run.code, 6, "{kind} {more:?}: {run:#?}");
            assert!(run.stderr.contains(words), "{words} in {run:#?}");
            let attempts = project.attempts(1);
            seen += 1;
            assert_eq!(attempts.len(), seen, "{attempts:#?}");
            let attempt = &attempts[seen - 1];
            assert_eq!((&attempt["status"], &attempt["error"]["kind"]), (&"failed".into(), &kind.into()));
            assert_eq!((&attempt["sessionId"], &attempt["exitCode"]), (&Value::Null, &6.into()), "{attempt}");
            assert!(project.processes_with("sleep 4781").is_empty(), "{more:?}");
            project.work(["supervisor", "stop"]).ok();
            project.wait_for_nothing();
            project.assert_records_are_whole();
        }
    }
    assert_eq!(project.thread(1)["resumable"], false);
}

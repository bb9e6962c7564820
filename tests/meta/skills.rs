//! The skills are true: their sessions run, and each command line that they or the README show does something.

use std::time::Duration;

use serde_json::json;
use work::sys::process;

use super::command_lines::lines;
use super::sessions::sessions_run;
use super::text::{blocks, files, read, short, words};
use crate::support::env::TestEnv;

#[test]
fn the_sessions_of_the_skills_run_and_print_what_they_say() {
    let skills = files("skills", "SKILL.md");
    assert_eq!(skills.len(), 3);
    let with_sessions: Vec<String> =
        skills.iter().map(|path| short(path)).filter(|path| read(path).contains("```console run")).collect();
    assert!(with_sessions.len() >= 2, "{with_sessions:?}");
    with_sessions.iter().for_each(|path| sessions_run(path, 1));
}

/// A skill is found by its name, and read only as far as an agent has patience.
#[test]
fn skills_are_named_after_their_folders_and_are_short() {
    for path in files("skills", "SKILL.md") {
        let (text, name) = (read(&path), short(&path));
        let folder = path.parent().and_then(|folder| folder.file_name()).expect("a folder").to_string_lossy();
        let head = text.strip_prefix("---\n").and_then(|text| text.split("\n---\n").next());
        let head = head.unwrap_or_else(|| panic!("{name}: no head"));
        let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        assert_eq!(value("name:"), Some(&*folder), "{name}");
        let description = value("description:").unwrap_or_default();
        assert!(description.contains("Use when"), "{name}: when is it of use?");
        assert!(description.len() <= 1024 && !description.contains(": "), "{name}: no plain YAML");
        assert!(text.lines().count() <= 200, "{name}: too long");
        let shipped = work::engine::init::SKILLS.iter().find(|(name, _)| *name == folder);
        assert_eq!(shipped.map(|(_, text)| *text), Some(text.as_str()), "{name}: `work init` installs it");
    }
}

/// A plan of two stages with two batches of three threads, each with four tasks.
fn plan() -> String {
    let task = |n: u8| format!("- [ ] Step {n}\n");
    let thread = |n: u8| {
        let tasks: String = (1..=4).map(task).collect();
        format!(
            "###### Thread {n:02}: Part {n}\n\n**Summary:** Do it.\n\n**Details:**\n- How.\n\n**Verify:** git --version\n\n**Tasks:**\n{tasks}\n"
        )
    };
    let batch = |n: u8| {
        let threads: String = (1..=3).map(thread).collect();
        format!("##### Batch {n:02}: Batch {n}\n\nA batch.\n\n{threads}")
    };
    let stage = |n: u8| {
        let batches: String = (1..=2).map(batch).collect();
        format!(
            "### Stage {n:02}: Stage {n}\n\n#### Stage Definition\n\nDone.\n\n#### Stage Batches\n\n{batches}"
        )
    };
    let stages: String = (1..=2).map(stage).collect();
    format!(
        "# Plan: Session tracking\n\n## Summary\n\nA plan.\n\n## References\n\n- None.\n\n## Stages\n\n{stages}"
    )
}

/// A repository in which everything is there that documents speak of: a stream with thread 01.02.03, of which
/// an interrupted attempt is on record.
fn repository() -> TestEnv {
    let mut env = TestEnv::new();
    env.stop_clock("2026-11-21T12:00:00Z");
    env.set("USER", "you");
    // Only looked for, never run.
    env.set("WORK_OPENCODE", "true");
    let repo = env.repo();
    for path in files("examples", "") {
        env.write(repo.join(short(&path)), read(&path));
    }
    env.write(repo.join("plan.md"), plan());
    for line in ["init", "create Known --from plan.md", "approve plan --yes"] {
        let output = work(&env, &words(line));
        assert!(output.0 == Some(0), "{line}: {}", output.1);
    }
    let path = repo.join("work/001-known/tasks.json");
    let text = std::fs::read_to_string(&path).expect("the state");
    let mut state: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let threads = state["threads"].as_array_mut().expect("threads");
    let thread = threads.iter_mut().find(|thread| thread["id"] == "01.02.03").expect("the thread");
    thread["sessions"] = json!([{
        "sessionId": "ses_2f0c6b1e7ffeLm7NoPq8RsTu9V", "agentName": "default", "model": "a/b",
        "startedAt": "2026-11-21T11:00:00.000Z", "completedAt": "2026-11-21T11:30:00.000Z",
        "status": "interrupted", "exitCode": 130, "attempt": 1, "backend": "opencode", "mode": "plain",
        "directory": repo, "turns": [1],
    }]);
    env.write(path, state.to_string());
    let at = "2026-11-21T11:00:00.000Z";
    let started = json!({
        "at": at, "type": "turn-started", "version": 1, "stream": "001-known", "thread": "01.02.03", "turn": 1,
        "attempt": 1, "session": "ses_2f0c6b1e7ffeLm7NoPq8RsTu9V", "agent": "default", "model": "a/b",
        "directory": repo, "prompt": "Do it.",
    });
    let said = json!({ "at": at, "type": "text", "delta": "I begin." });
    env.write(repo.join(".git/work/turns/001-known/01.02.03/1.jsonl"), format!("{started}\n{said}\n"));
    env
}

/// Runs `work` in the repository; tells its exit code and all that it said.
fn work(env: &TestEnv, args: &[String]) -> (Option<i32>, String) {
    let mut command = env.command(env!("CARGO_BIN_EXE_work"));
    command.args(args).current_dir(env.root().join("repo"));
    let output = process::run(command, None, Duration::from_secs(60)).expect("it ends");
    (output.status.code(), format!("{}{}", output.text(), output.error_text()))
}

/// The arguments of a command line as it is shown. Words that stand for something get a value, and what would
/// start an agent only says what it would start.
fn arguments(line: &str) -> Vec<String> {
    let mut args: Vec<String> = words(line).into_iter().skip(1).collect();
    for word in &mut args {
        match word.as_str() {
            "NAME" => "default".clone_into(word),
            "PROVIDER/MODEL" => "a/b".clone_into(word),
            _ => {}
        }
    }
    let starts = matches!(args.first().map(String::as_str), Some("execute" | "multi" | "continue" | "fix"));
    if starts && !args.iter().any(|word| word == "--dry-run") {
        args.push("--dry-run".to_owned());
    }
    args
}

/// Each command line in a block for a shell, in a repository where what it names is there.
#[test]
fn the_command_lines_that_documents_show_do_what_they_say() {
    let (mut count, mut wrong) = (0, Vec::new());
    let skills = files("skills", "SKILL.md");
    let documents = skills.iter().map(|path| short(path));
    for document in documents.chain(["README.md".into(), "examples/README.md".into()]) {
        let text = read(&document);
        for block in blocks(&text).iter().filter(|block| block.info == "sh") {
            for line in lines(&block.text) {
                count += 1;
                let mut env = repository();
                if document.contains("implementing") {
                    env.set("WORK_STREAM", "001-known");
                    env.set("WORK_THREAD", "01.02.03");
                }
                let (code, said) = work(&env, &arguments(line));
                // Without a terminal, nobody can approve.
                let fine = code == Some(0) || (line.starts_with("work approve plan") && code == Some(8));
                if !fine {
                    wrong.push(format!("{document}: `{line}` ended with {code:?}:\n{said}"));
                }
            }
        }
    }
    assert!(count > 40, "the command lines were not found: {count}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

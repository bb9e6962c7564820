//! The README and the skills are true: their sessions run, tables are complete, links lead somewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use work::commands::Exit;
use work::sys::{env, process};

use super::text::{blocks, files, prose, read, root, short, spans};
use crate::support::env::TestEnv;

/// What the README calls the folder that holds everything.
const HOME: &str = "/home/you";

/// A command of a session, with what it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    command: String,
    output: String,
}

/// The steps of a `console` block.
fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), output: String::new() }),
            (None, Some(step)) => step.output.push_str(&format!("{line}\n")),
            (None, None) => panic!("a session begins with `$ `, not with `{line}`"),
        }
    }
    steps
}

/// What is done before the first session of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing: the examples are there, and no `work/`.
    Nothing,
    /// The example plan is made and approved.
    Approved,
}

/// Runs commands one after another in one shell, in a checkout with the examples, and tells what each printed.
fn run(before: Before, commands: &[String]) -> Vec<Step> {
    let mut env = TestEnv::new();
    env.stop_clock("2026-11-21T12:00:00Z");
    env.set("USER", "you");
    env.set("NO_COLOR", "1");
    env.set("WORK_OPENCODE", "true");
    let repo = env.repo();
    for path in files("examples", "") {
        let below = path.strip_prefix(root()).expect("below the project");
        env.write(repo.join(below), read(&path));
    }
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_work"));
    env.set("PATH", process::path_with(program.parent().expect("a folder")));
    let quoted = |command: &String| format!("'{}'", command.replace('\'', r"'\''"));
    let setup = match before {
        Before::Nothing => "",
        Before::Approved => {
            "(work init && work create Hello --from examples/hello/PLAN.md && work approve plan --yes) \
             >/dev/null 2>&1 || exit 1\n"
        }
    };
    let script: String =
        commands.iter().map(|command| format!("eval {} 2>&1\nprintf '\\0'\n", quoted(command))).collect();
    let mut shell = env.command("bash");
    shell.args(["-c", &format!("{setup}{script}")]).current_dir(&repo);
    let output = process::run(shell, None, Duration::from_secs(120)).expect("the session runs");
    let root = env.root().display().to_string();
    let said =
        output.text().replace(&format!("{root}/repo"), &format!("{HOME}/project")).replace(&root, HOME);
    let outputs: Vec<&str> = said.split('\0').collect();
    assert!(outputs.len() > commands.len(), "the shell ended early: {said}\n{}", output.error_text());
    let paired = commands.iter().zip(outputs);
    paired.map(|(command, output)| Step { command: command.clone(), output: output.to_owned() }).collect()
}

/// Runs the sessions of a document, all in one shell, and compares what they print; or writes it anew.
fn sessions_run(document: &str, least: usize) {
    let text = read(document);
    let shown: Vec<_> =
        blocks(&text).into_iter().filter(|block| block.info.starts_with("console run")).collect();
    let before = match shown.first().map(|block| block.info.as_str()) {
        Some("console run approved") => Before::Approved,
        _ => Before::Nothing,
    };
    let expected: Vec<Step> = shown.iter().flat_map(|block| steps(&block.text)).collect();
    assert!(expected.len() >= least, "{document}: the sessions were not found");
    let commands: Vec<String> = expected.iter().map(|step| step.command.clone()).collect();
    let found = run(before, &commands);
    if env::raw("SNAPSHOTS").is_some_and(|wish| wish == "overwrite") {
        let mut fresh = text;
        let mut found = found.into_iter();
        for block in shown {
            let steps = found.by_ref().take(steps(&block.text).len());
            let text: String = steps.map(|step| format!("$ {}\n{}", step.command, step.output)).collect();
            fresh = fresh.replace(&block.text, &text);
        }
        work::sys::atomic::write_atomic(&root().join(document), fresh.as_bytes()).expect("written");
        return;
    }
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(
            expected, found,
            "{document}: `SNAPSHOTS=overwrite cargo test sessions_of` writes it anew"
        );
    }
    assert_eq!(expected.len(), found.len());
}

/// `SNAPSHOTS=overwrite cargo test sessions_of` writes what the commands print now.
#[test]
fn the_sessions_of_the_readme_run_and_print_what_it_says() {
    sessions_run("README.md", 6);
}

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

/// The cells of all table rows.
fn rows(markdown: &str) -> Vec<Vec<String>> {
    let rows = markdown.lines().filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let readme = read("README.md");
    let listed: Vec<(String, String)> = rows(&readme)
        .into_iter()
        .filter(|row| row.len() == 2 && row[0].parse::<u8>().is_ok())
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let real = Exit::ALL.map(|exit| (exit.code().to_string(), exit.meaning().to_owned()));
    assert_eq!(listed, real);
}

#[test]
fn every_variable_of_the_environment_is_documented_and_no_other() {
    let mut read_by_code = BTreeSet::new();
    for path in files("src", ".rs") {
        let text = read(&path);
        for call in ["var(\"", "text(\"", "raw(\""] {
            for rest in text.split(call).skip(1) {
                let name = rest.split('"').next().unwrap_or_default();
                if !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                    read_by_code.insert(name.to_owned());
                }
            }
        }
    }
    assert!(read_by_code.contains("WORK_OPENCODE"), "{read_by_code:?}");
    let readme = read("README.md");
    let (_, section) = readme.split_once("\n## Environment").expect("a section on the environment");
    let section = section.split("\n## ").next().unwrap_or_default();
    let documented: BTreeSet<String> = rows(section)
        .iter()
        .filter_map(|row| row.first())
        .flat_map(|cell| spans(cell).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    // Where our own unit tests find real plans, if it is set.
    read_by_code.remove("WORK_WILD");
    let missing: Vec<_> = read_by_code.difference(&documented).collect();
    assert!(missing.is_empty(), "not in the README: {missing:?}");
    let invented: Vec<_> = documented.difference(&read_by_code).collect();
    assert!(invented.is_empty(), "nobody reads {invented:?}");
}

#[test]
fn every_command_is_in_the_readme() {
    let prose = prose(&read("README.md"));
    let named: BTreeSet<&str> =
        spans(&prose).filter_map(|span| span.strip_prefix("work ")?.split_whitespace().next()).collect();
    let command = <work::commands::Cli as clap::CommandFactory>::command();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        assert!(named.contains(sub.get_name()), "`work {}` is not in the README", sub.get_name());
    }
}

/// The anchor of a heading, as forges make it.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect())
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    for document in ["README.md", "CHANGELOG.md", "examples/README.md"] {
        let text = read(document);
        let folder = root().join(document);
        let folder = folder.parent().expect("a folder");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let anchors: BTreeSet<String> = prose(&text).lines().filter_map(anchor).collect();
        for target in targets.filter(|target| !target.contains("://")) {
            if let Some(heading) = target.strip_prefix('#') {
                assert!(anchors.contains(heading), "{document}: no heading `{heading}` in {anchors:?}");
                continue;
            }
            assert!(folder.join(target).exists(), "{document}: {target}");
        }
    }
}

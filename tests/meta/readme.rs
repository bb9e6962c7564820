//! The README is true: its sessions run, its tables are complete, its links lead somewhere.

use std::collections::BTreeSet;

use work::commands::Exit;

use super::sessions::sessions_run;
use super::text::{files, prose, read, root, spans};

/// `SNAPSHOTS=overwrite cargo test sessions_of` writes what the commands print now.
#[test]
fn the_sessions_of_the_readme_run_and_print_what_it_says() {
    sessions_run("README.md", 6);
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

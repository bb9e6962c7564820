//! Every command line that we show to people and agents is one that this version understands.

use clap::Parser as _;
use clap::error::ErrorKind;
use work::commands::Cli;

use super::text::{blocks, files, prose, read, short, spans, words};

/// How a command line that is shown is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meant {
    /// To be typed as it is.
    Whole,
    /// The name of a command, perhaps without what it needs.
    Named,
}

/// What is wrong with a command line that begins with `work`.
fn wrong(line: &str, meant: Meant) -> Option<String> {
    // Words that stand for something: `N` for a number, `COMMAND` for any, `{…}` for what the code puts there.
    let code = if line.starts_with("work jobs ") { "1" } else { "01.01.01" };
    let words = words(line).into_iter().filter(|word| word != "…").map(|word| match word.as_str() {
        "N" | "{number}" => "1".to_owned(),
        "COMMAND" => "status".to_owned(),
        word if word.contains('{') => code.to_owned(),
        word => word.to_owned(),
    });
    let error = Cli::try_parse_from(words).err()?;
    let fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => meant == Meant::Named,
        _ => false,
    };
    let first = || error.to_string().lines().next().unwrap_or_default().to_owned();
    (!fine).then(|| format!("`{line}`: {}", first()))
}

/// The command lines of `work` in a shell script: those at the start of a line, also behind `$ `.
pub(super) fn lines(script: &str) -> impl Iterator<Item = &str> {
    script
        .lines()
        .map(|line| line.trim_start().trim_start_matches("$ "))
        .filter(|line| line.starts_with("work "))
}

fn check(texts: impl IntoIterator<Item = (String, String, Meant)>) {
    let (mut count, mut found) = (0, Vec::new());
    for (file, line, meant) in texts {
        count += 1;
        found.extend(wrong(&line, meant).map(|wrong| format!("{file}: {wrong}")));
    }
    assert!(count > 5, "the texts were not found");
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The command lines of a Markdown text: those in blocks for a shell, and those named in its prose.
fn of_document(file: &str, text: &str) -> Vec<(String, String, Meant)> {
    let mut texts = Vec::new();
    for block in blocks(text) {
        // What the scripted model types in an example is run as it stands, too.
        let from = match block.info.split(' ').next() {
            Some("sh" | "console") => block.text.clone(),
            Some("script") => block.text.replace("@bash ", ""),
            _ => continue,
        };
        texts.extend(lines(&from).map(|line| (file.to_owned(), line.to_owned(), Meant::Whole)));
    }
    let prose = prose(text);
    let named = spans(&prose).filter(|span| span.starts_with("work "));
    texts.extend(named.map(|span| (file.to_owned(), span.replace('\n', " "), Meant::Named)));
    texts
}

#[test]
fn documents_show_only_command_lines_that_exist() {
    let (skills, examples) = (files("skills", "SKILL.md"), files("examples", ".md"));
    assert!(skills.len() == 3 && examples.len() >= 4, "{skills:?} {examples:?}");
    let documents = skills.iter().chain(&examples).map(|path| short(path));
    check(
        documents
            .chain(["README.md".into(), "CHANGELOG.md".into()])
            .flat_map(|path| of_document(&path, &read(&path))),
    );
}

/// The scripts of the examples, and the comments of their other files.
#[test]
fn examples_use_only_command_lines_that_exist() {
    let mut texts = Vec::new();
    for path in files("examples", ".sh") {
        let source = read(&path);
        // Behind `||` the shell goes on with something else, and in a comment are words.
        let typed = lines(&source).filter_map(|line| line.split(" || ").next());
        texts.extend(typed.map(|line| (short(&path), line.to_owned(), Meant::Whole)));
        let comments: String = source.lines().filter(|line| line.starts_with("# ")).collect();
        let named = spans(&comments).filter(|span| span.starts_with("work "));
        texts.extend(named.map(|span| (short(&path), span.to_owned(), Meant::Named)));
    }
    for path in files("examples", ".yaml") {
        let source = read(&path);
        let named = spans(&source).filter(|span| span.starts_with("work "));
        texts.extend(named.map(|span| (short(&path), span.to_owned(), Meant::Named)));
    }
    check(texts);
}

/// Messages, hints and prompts; comments may name what is to come.
#[test]
fn the_program_tells_only_of_command_lines_that_exist() {
    let mut texts = Vec::new();
    for path in files("src", ".rs") {
        let source = read(&path);
        let code: String = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        // A string that goes on in the next line does so behind a backslash and white space.
        let code: String = code.split('\\').map(|part| part.trim_start_matches(' ')).collect();
        let named = spans(&code).filter(|span| span.starts_with("work ") && !span.contains('"'));
        texts.extend(named.map(|span| (short(&path), span.to_owned(), Meant::Named)));
    }
    check(texts);
}

#[test]
fn the_check_sees_what_does_not_exist() {
    for line in ["work add-wing", "work status --look", "work update --status done", "work update --task"] {
        assert!(wrong(line, Meant::Named).is_some(), "{line}");
    }
    assert!(wrong("work execute", Meant::Whole).is_some());
    for line in
        ["work execute", "work supervisor", "work create NAME --stages N", "work logs {id} -f", "work …"]
    {
        assert_eq!(wrong(line, Meant::Named), None);
    }
}

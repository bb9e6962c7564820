//! A program that something else starts: the words for it, and the first lines that it reads.
//!
//! Few launchers pass an environment on, and words on a command line can be read by everyone there. So the
//! variables go in front of the conversation, through the same stream, to a small shell that sets them and
//! becomes the program.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::config::Launcher;

/// Reads variables, one a line, up to an empty line; goes to the folder; becomes the program.
const STUB: &str =
    r#"while IFS= read -r v && [ -n "$v" ]; do export "$v"; done; cd "$1" && shift && exec "$@""#;

/// All the words that start `program` in `directory` over there.
pub(super) fn argv(launcher: &Launcher, directory: &Path, program: &[String]) -> Vec<String> {
    let mut words = launcher.command.clone();
    if launcher.is_ssh() {
        // Nobody is there to answer what it may ask: it fails instead, and says why.
        words.insert(1, "-oBatchMode=yes".to_owned());
    }
    let stub = ["sh", "-c", STUB, "work"].map(str::to_owned).into_iter();
    let over_there = stub.chain([directory.display().to_string()]).chain(program.iter().cloned());
    if launcher.shell {
        let line: Vec<String> = over_there.map(|word| quoted(&word)).collect();
        words.push(format!("exec {}", line.join(" ")));
    } else {
        words.extend(over_there);
    }
    words
}

/// What the stub reads: a line for each variable, and an empty one. A value with a line break can't be told;
/// `agents.yaml` has none.
pub(super) fn preamble<'a>(variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in variables {
        let (name, value) = (name.as_bytes(), value.as_bytes());
        if !name.contains(&b'\n') && !value.contains(&b'\n') {
            lines.extend([name, b"=", value, b"\n"].concat());
        }
    }
    lines.push(b'\n');
    lines
}

/// A word as any shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '=' | ':' | ',');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;
    use crate::sys::process;

    fn launcher(words: &[&str], shell: bool) -> Launcher {
        let command = words.iter().map(|word| (*word).to_owned()).collect();
        Launcher { command, shell, directory: None }
    }

    /// Runs a line as `ssh` has it run over there: joined by blanks, read by a shell.
    const FAR: &str = r#"exec sh -c "$*""#;

    /// Words and values that a shell would read otherwise.
    const ODD: &[&str] = &["a b", "it's", "$HOME", "`id`", "\"", "\\", "*", "", "é", "~", "a;b", "!!", "-n"];

    #[test]
    fn words_variables_and_the_folder_arrive_as_they_are() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("it's a folder");
        std::fs::create_dir(&folder).expect("a folder");
        for launcher in [launcher(&["env"], false), launcher(&["sh", "-c", FAR, "far"], true)] {
            // What is left of its input is the program's.
            let script = r#"pwd; printf '%s\n' "$VALUE" "$@"; cat"#;
            let mut program: Vec<String> = ["sh", "-c", script, "sh"].map(str::to_owned).to_vec();
            program.extend(ODD.iter().map(|word| (*word).to_owned()));
            let words = argv(&launcher, &folder, &program);
            let mut command = process::command(&words[0]);
            command.args(&words[1..]).stdin(Stdio::piped());
            let mut input =
                preamble([("VALUE", "it's $HOME = \"x\\y\" ".as_ref()), ("OTHER", "two\nlines".as_ref())]);
            input.extend(b"the rest\n");
            let output = process::run(command, Some(input), std::time::Duration::from_secs(20));
            let output = output.expect("it runs");
            let folder = folder.canonicalize().expect("it is there");
            let mut expected = format!("{}\nit's $HOME = \"x\\y\" \n", folder.display());
            ODD.iter().for_each(|word| expected.push_str(&format!("{word}\n")));
            expected.push_str("the rest\n");
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", output.error_text());
        }
    }

    #[test]
    fn ssh_is_told_that_nobody_answers() {
        let program = ["qwen".to_owned(), "--acp".to_owned()];
        let words = argv(&launcher(&["/usr/bin/ssh", "-p", "2222", "b"], true), Path::new("/p"), &program);
        assert_eq!(words[..5], ["/usr/bin/ssh", "-oBatchMode=yes", "-p", "2222", "b"]);
        assert!(words[5].starts_with("exec sh -c 'while") && words[5].ends_with("' work /p qwen --acp"));
    }
}

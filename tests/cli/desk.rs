//! `Desk`: a repository in which commands are tried, and snapshots of what they say.
//!
//! The clock stands still, times are UTC, the folder is `[ROOT]` and the repository `[REPO]`. A
//! snapshot holds the command, standard output, standard error and the exit code.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use snapbox::{Assert, IntoData, Redactions};

use crate::support::env::TestEnv;
use crate::support::running::Output;

/// The time at which everything happens.
pub(super) const NOW: &str = "2026-03-04T05:06:07Z";

/// A plan with two stages, three batches and four threads.
pub(super) const PLAN: &str = include_str!("../data/cli/PLAN.md");

/// Its state in the middle of the work: sessions of every kind.
const STATE: &str = include_str!("../data/cli/tasks.json");

/// The folder of the stream, below the root.
pub(super) const STREAM: &str = "repo/work/001-rename-fetch";

/// A repository for commands.
pub(super) struct Desk {
    pub(super) env: TestEnv,
}

impl Desk {
    /// A repository that `work` has not seen yet.
    pub(super) fn bare() -> Self {
        let mut env = TestEnv::new();
        env.repo();
        env.stop_clock(NOW);
        env.set("TZ", "UTC");
        // Only looked for, never run.
        let opencode = env.script("bin/opencode", "#!/bin/sh\nexit 70\n");
        env.set("WORK_OPENCODE", opencode);
        Self { env }
    }

    /// A repository with agents, and no stream.
    pub(super) fn ready() -> Self {
        let desk = Self::bare();
        desk.work(["init"]).ok();
        desk
    }

    /// A repository with a stream, whose plan nobody has approved.
    pub(super) fn planned() -> Self {
        Self::with_plan(PLAN)
    }

    /// The same with another plan.
    pub(super) fn with_plan(plan: impl AsRef<[u8]>) -> Self {
        let desk = Self::ready();
        desk.work(["create", "Rename fetch"]).ok();
        desk.plan(plan);
        desk
    }

    /// A repository with an approved plan.
    pub(super) fn approved() -> Self {
        let desk = Self::planned();
        desk.work(["approve", "plan", "--yes"]).ok();
        desk
    }

    /// A repository in the middle of the work.
    pub(super) fn busy() -> Self {
        let desk = Self::planned();
        // A folder that is there on every machine.
        desk.state(STATE.replace("/home/ada/project", "/"));
        desk
    }

    /// The same, but its sessions worked in a folder that is not on this machine.
    pub(super) fn elsewhere() -> Self {
        let desk = Self::planned();
        desk.state(STATE);
        desk
    }

    /// Replaces PLAN.md.
    pub(super) fn plan(&self, plan: impl AsRef<[u8]>) {
        self.env.write(format!("{STREAM}/PLAN.md"), plan);
    }

    /// Replaces tasks.json.
    pub(super) fn state(&self, state: impl AsRef<[u8]>) {
        self.env.write(format!("{STREAM}/tasks.json"), state);
    }

    /// Replaces agents.yaml.
    pub(super) fn agents(&self, text: &str) {
        self.env.write("repo/work/agents.yaml", text);
    }

    /// Writes a file below the root.
    pub(super) fn write_file(&self, below: &str, bytes: impl AsRef<[u8]>) {
        self.env.write(below, bytes);
    }

    /// A file below the root, as it is now.
    pub(super) fn bytes(&self, below: impl AsRef<Path>) -> Vec<u8> {
        std::fs::read(self.env.root().join(below)).expect("a file")
    }

    /// The bytes of tasks.json.
    pub(super) fn state_bytes(&self) -> Vec<u8> {
        self.bytes(format!("{STREAM}/tasks.json"))
    }

    /// tasks.json as JSON.
    pub(super) fn state_json(&self) -> Value {
        serde_json::from_slice(&self.state_bytes()).expect("JSON")
    }

    /// A folder or file below the root.
    pub(super) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.env.root().join(below)
    }

    /// Runs `work` in the repository.
    pub(super) fn work<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        self.env.work(args)
    }

    /// Runs a command line, split at blanks (words in single quotes are kept together).
    pub(super) fn run(&self, line: &str) -> Output {
        self.work(words(line))
    }

    /// What a command line says, as a snapshot.
    #[track_caller]
    pub(super) fn shows(&self, line: &str, expected: impl IntoData) {
        let output = self.run(line);
        self.is(&format!("$ work {line}\n{}", whole(&output)), expected);
    }

    /// The same with `--json`: one document, which obeys the schema of that name.
    #[track_caller]
    pub(super) fn shows_json(&self, schema: &str, line: &str, expected: impl IntoData) {
        let mut output = self.run(&format!("{line} --json"));
        let document = document(schema, &output);
        output.stdout = format!("{}\n", serde_json::to_string_pretty(&document).expect("JSON"));
        self.is(&format!("$ work {line} --json\n{}", whole(&output)), expected);
    }

    /// A snapshot in a file of its own.
    pub(super) fn golden(name: &str) -> snapbox::Data {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cli").join(name);
        snapbox::Data::read_from(&path, Some(snapbox::data::DataFormat::Text))
    }

    /// A text, as a snapshot.
    #[track_caller]
    pub(super) fn is(&self, actual: &str, expected: impl IntoData) {
        let mut redactions = Redactions::new();
        redactions.insert("[REPO]", self.env.repo_dir()).expect("a placeholder");
        redactions.insert("[ROOT]", self.env.root().to_owned()).expect("a placeholder");
        Assert::new().action_env("SNAPSHOTS").redact_with(redactions).eq(actual, expected);
    }

    /// Refused with this exit code, these words on standard error, and the state as it was.
    #[track_caller]
    pub(super) fn refuses(&self, line: &str, code: i32, said: &[&str]) {
        let before = self.files();
        let output = self.run(line);
        assert_eq!(output.code, code, "{line}: {output:#?}");
        assert_eq!(output.stdout, "", "{line}: a refusal is no data");
        for words in said {
            assert!(output.stderr.contains(words), "{line}: `{words}` is not in\n{}", output.stderr);
        }
        assert_eq!(self.files(), before, "{line}: something was changed");
        let output = self.run(&format!("{line} --json"));
        assert_eq!(output.code, code, "{line}: {output:#?}");
        let error = document("error", &output);
        assert_eq!(error["error"]["code"], code, "{line}");
        assert_eq!(self.files(), before, "{line}: something was changed");
    }

    /// The files of `work/`, with their bytes. Locks come and go.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut found, mut folders) = (Vec::new(), vec![self.path("repo/work")]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.to_string_lossy().ends_with(".lock") {
                    let bytes = std::fs::read(&path).unwrap_or_default();
                    found.push((path, bytes));
                }
            }
        }
        found.sort();
        found
    }
}

/// The one document on standard output, which obeys the schema of that name.
#[track_caller]
pub(super) fn document(schema: &str, output: &Output) -> Value {
    let text = output.stdout.strip_suffix('\n').expect("a line");
    assert!(!text.contains('\n'), "one line: {text}");
    let document: Value = serde_json::from_str(text).expect("JSON");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{schema}.schema.json"));
    let schema: Value = serde_json::from_slice(&std::fs::read(path).expect("a schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    document
}

/// Everything that a command left.
fn whole(output: &Output) -> String {
    let mut text = output.stdout.clone();
    if !output.stderr.is_empty() {
        text.push_str(&format!("--- stderr\n{}", output.stderr));
    }
    format!("{text}--- exit {}\n", output.code)
}

/// The words of a command line; a part in single quotes is kept together.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![];
    let mut begins = true;
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 && !begins {
            words.last_mut().expect("it follows a word").push_str(part);
        } else if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
            begins = part.is_empty() || part.ends_with(char::is_whitespace);
        }
    }
    words
}

//! Hashes of what a plan means, so that a change after approval is noticed.
//!
//! The only file that names sha2. Meaning, not bytes: line endings, blanks at the ends of lines and
//! blank lines around a text do not count, nor does the agent, nor whether a box of a task is ticked.
//! One invariant: the hash of a plan that was approved once stays the same in every later version.

use sha2::{Digest, Sha256};

use super::tree::{Plan, PlanThread};

/// The hash of what a thread is to do: its name, summary, details, tasks, dependencies, paths and
/// commands. Where it stands in the plan is not part of it: its id is the key it is kept under.
#[must_use]
pub fn meaning_hash(thread: &PlanThread) -> String {
    let mut hash = Hash::new("work thread 1");
    add_thread(&mut hash, thread);
    hash.finish()
}

/// The hash of a whole plan: of its threads, and of what its stages and batches say.
#[must_use]
pub fn plan_hash(plan: &Plan) -> String {
    let mut hash = Hash::new("work plan 1");
    hash.line(&plan.name);
    hash.text(&plan.summary);
    hash.count(plan.stages.len());
    for stage in &plan.stages {
        hash.count(stage.number.get().into());
        hash.line(&stage.name);
        hash.text(&stage.definition);
        hash.text(&stage.constitution);
        hash.count(stage.questions.len());
        for question in &stage.questions {
            hash.text(&question.text);
            hash.count(question.answered.into());
        }
        hash.count(stage.batches.len());
        for batch in &stage.batches {
            hash.count(batch.number.get().into());
            hash.line(&batch.name);
            hash.text(&batch.summary);
            hash.count(batch.threads.len());
            for thread in &batch.threads {
                hash.count(thread.number.get().into());
                add_thread(&mut hash, thread);
            }
        }
    }
    hash.finish()
}

/// The plain SHA-256 of a file, in hexadecimal digits: what the older tool approved plans by.
#[must_use]
pub fn bytes_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of a plan's very bytes together with what was `taken` over from it.
#[must_use]
pub fn seal(source: &str, taken: impl Iterator<Item = String>) -> String {
    let mut hash = Hash::new("work seal 1");
    hash.field(source);
    taken.for_each(|text| hash.field(&text));
    hash.finish()
}

fn add_thread(hash: &mut Hash, thread: &PlanThread) {
    hash.line(&thread.name);
    hash.text(&thread.summary);
    hash.text(&thread.details);
    hash.count(thread.tasks.len());
    for task in &thread.tasks {
        hash.line(&task.name);
        hash.text(&task.details);
    }
    let mut depends: Vec<String> = thread.depends_on.iter().map(|id| id.value.to_string()).collect();
    depends.sort();
    depends.dedup();
    hash.count(depends.len());
    depends.iter().for_each(|id| hash.line(id));
    for list in [&thread.paths, &thread.verify] {
        hash.count(list.len());
        list.iter().for_each(|text| hash.line(text));
    }
}

/// Fields are written with their lengths, so that no two lists of fields give the same bytes.
struct Hash(Sha256);

impl Hash {
    fn new(kind: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.field(kind);
        hash
    }

    fn field(&mut self, text: &str) {
        self.0.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn count(&mut self, count: usize) {
        self.field(&count.to_string());
    }

    /// A text whose blanks mean nothing.
    fn line(&mut self, text: &str) {
        self.field(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    /// A text whose indentation and blank lines mean something.
    fn text(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let start = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
        let end = lines.iter().rposition(|line| !line.is_empty()).map_or(start, |at| at + 1);
        self.field(&lines[start..end].join("\n"));
    }

    /// The first half of the digest in hexadecimal: enough, and short in a file of thousands of threads.
    fn finish(self) -> String {
        self.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

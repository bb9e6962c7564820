//! Two parallel threads whose texts name the same file.

use std::collections::HashMap;
use std::ops::Range;

use crate::diag::Diagnostic;

use super::super::tree::{PlanBatch, PlanThread, Text};
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P031",
    explain: "The threads of a batch run at the same time, and the texts of two of them name the same file. If both \
              change it, one may overwrite the other. If they only read it, all is well. `**Paths:**` says which \
              files a thread may touch; where both threads have it, it is compared instead of the texts.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    facts.plan().batches().flat_map(|batch| shared(facts, batch)).collect()
}

fn shared(facts: &Facts<'_>, batch: &PlanBatch) -> Vec<Diagnostic> {
    let mut seen: HashMap<&str, (&PlanThread, Range<usize>)> = HashMap::new();
    let mut found = Vec::new();
    for thread in &batch.threads {
        let mut own: HashMap<&str, Range<usize>> = HashMap::new();
        for text in [&thread.summary, &thread.details] {
            for (file, place) in files(facts, text) {
                own.entry(file).or_insert(place);
            }
        }
        let mut own: Vec<_> = own.into_iter().collect();
        own.sort_by_key(|(_, place)| place.start);
        for (file, place) in own {
            let Some((first, earlier)) = seen.get(file) else {
                seen.insert(file, (thread, place));
                continue;
            };
            if first.paths.is_empty() || thread.paths.is_empty() {
                let message =
                    format!("threads {} and {} run at once and both name `{file}`", first.id, thread.id);
                found.push(
                    Diagnostic::note(RULE.code, message)
                        .at(place, "")
                        .and_at(earlier.clone(), "named here as well")
                        .help("if both change it, put one of them into a later batch"),
                );
            }
        }
    }
    found
}

/// The files that stand as code in a text, with their places.
fn files<'a>(facts: &Facts<'a>, text: &Text) -> Vec<(&'a str, Range<usize>)> {
    let code = &facts.markdown.code;
    let from = code.partition_point(|range| range.start < text.span.start);
    code[from..]
        .iter()
        .take_while(|range| range.end <= text.span.end)
        .filter_map(|range| {
            let name = facts.source[range.clone()].trim_matches('`').trim();
            let name = name.strip_prefix("./").unwrap_or(name);
            is_file(name).then(|| (name, range.clone()))
        })
        .collect()
}

/// A path whose last part has an ending like that of a file.
fn is_file(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    let Some((stem, ending)) = last.rsplit_once('.') else { return false };
    let plain = |c: char| c.is_alphanumeric() || "._-@+/".contains(c);
    !stem.is_empty()
        && (1..=5).contains(&ending.len())
        && ending.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(plain)
        && (name.contains('/') || ENDINGS.contains(&ending))
}

/// Endings that make a word without a slash a file, and not a field of something.
const ENDINGS: [&str; 24] = [
    "c", "cpp", "css", "go", "h", "html", "java", "js", "json", "jsx", "kt", "lock", "lua", "md", "php",
    "py", "rb", "rs", "sh", "sql", "toml", "ts", "tsx", "yaml",
];

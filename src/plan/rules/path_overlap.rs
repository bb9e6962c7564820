//! Two parallel threads that may touch the same files.

use crate::diag::Diagnostic;

use super::super::globs::Glob;
use super::super::tree::{PlanBatch, PlanThread, Text};
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P030",
    explain: "The threads of a batch run at the same time. `**Paths:**` of two of them hold the same \
              files, so one agent may overwrite what the other one writes. Divide the files between them, \
              put one of the threads into a later batch, or let it depend on the other one. A glob is read \
              from the root of the repository: `*`, `?` and `[a-z]` stay within one name, `**` goes through \
              folders, `{a,b}` is either, and a folder holds all that lies below it. Two of them hold the \
              same files when some path belongs to both, whether it is there yet or not.",
    check,
};

/// With more pairs of globs in one batch than this, the rest is not compared.
const MOST_PAIRS: usize = 20_000;

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    facts.plan().batches().flat_map(overlaps).collect()
}

fn overlaps(batch: &PlanBatch) -> Vec<Diagnostic> {
    let globs: Vec<(&PlanThread, Vec<(&Text, Glob)>)> = batch
        .threads
        .iter()
        .filter(|thread| !thread.paths.is_empty())
        .map(|thread| (thread, thread.paths.iter().map(|path| (path, Glob::new(path))).collect()))
        .collect();
    let mut found = Vec::new();
    let mut pairs = 0;
    for (index, (later, theirs)) in globs.iter().enumerate() {
        for (earlier, ours) in &globs[..index] {
            pairs += theirs.len() * ours.len();
            if pairs > MOST_PAIRS {
                return found;
            }
            let waits = later.depends_on.iter().any(|depends| depends.value == earlier.id)
                || earlier.depends_on.iter().any(|depends| depends.value == later.id);
            if !waits {
                found.extend(first_overlap((*earlier, ours), (*later, theirs)));
            }
        }
    }
    found
}

type Named<'a, 'b> = (&'a PlanThread, &'b [(&'a Text, Glob)]);

fn first_overlap(earlier: Named<'_, '_>, later: Named<'_, '_>) -> Option<Diagnostic> {
    let (mine, yours) = later
        .1
        .iter()
        .flat_map(|mine| earlier.1.iter().map(move |yours| (mine, yours)))
        .find(|(mine, yours)| mine.1.overlaps(&yours.1))?;
    let message =
        format!("threads {} and {} run at once and may touch the same files", earlier.0.id, later.0.id);
    Some(
        Diagnostic::warning(RULE.code, message)
            .at(mine.0.span.clone(), "")
            .and_at(yours.0.span.clone(), "overlaps with this")
            .help("divide the files between them, or let one thread depend on the other"),
    )
}

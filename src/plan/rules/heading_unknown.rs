//! A heading among the stages that is not part of a plan.

use crate::diag::Diagnostic;

use super::super::heading::Kind;
use super::super::outline::{Doubt, Role};
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P012",
    explain: "Below `## Stages` work knows the headings of stages, batches and threads, and of the definition, \
              constitution, questions and batches of a stage. This heading is none of them. It may be a slip \
              (`###### Thred 02: Name`); then its text has become part of what stands above it. A heading of \
              level 3 or 4 ends the thread above it, and no agent sees what stands below. Correct the heading, \
              or write it in bold instead.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut started = false;
    let mut in_batch = false;
    for entry in &facts.outline.entries {
        started |= matches!(entry.role, Role::Stages) || entry.role.kind().is_some();
        let finding = match entry.role {
            Role::Other if started && entry.level == 3 => Diagnostic::warning(
                RULE.code,
                "this heading is not that of a stage, and ends the stage above it",
            )
            .help("write `### Stage NN: NAME`, or move the section above `## Stages`"),
            Role::OtherOfStage if in_batch => {
                Diagnostic::warning(RULE.code, "this heading ends the batch above it; no agent sees its text")
                    .help("if the text is meant for the thread above, use bold instead of a heading")
            }
            Role::OtherOfStage => Diagnostic::note(RULE.code, "no agent sees the text of this section").help(
                "a stage has `Stage Definition`, `Stage Constitution`, `Stage Questions`, `Stage Batches`",
            ),
            _ => {
                in_batch = matches!(entry.role.kind(), Some(Kind::Batch | Kind::Thread));
                continue;
            }
        };
        in_batch = false;
        found.push(finding.at(entry.heading.clone(), "kept, but not part of the plan"));
    }
    for (doubt, heading) in &facts.outline.doubts {
        let finding = match doubt {
            Doubt::Unknown => Diagnostic::warning(RULE.code, "this heading is not that of a batch or thread")
                .at(heading.span.clone(), "read as text of the batch"),
            Doubt::InThread => Diagnostic::note(RULE.code, "this heading is read as text of the thread")
                .at(heading.span.clone(), ""),
            _ => continue,
        };
        found.push(
            finding.help("a part of the plan is written `##### Batch NN: NAME` or `###### Thread NN: NAME`"),
        );
    }
    found
}

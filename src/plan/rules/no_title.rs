//! A plan without a title.

use crate::diag::Diagnostic;

use super::super::outline::{Role, strip_plan};
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P003",
    explain: "A plan starts with `# Plan: NAME`. Without it, lists and reports have no name to show for the \
              plan. Add the line as the first one of the file.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let title = facts.outline.entries.iter().find(|entry| matches!(entry.role, Role::Title));
    let Some(title) = title else {
        let finding = Diagnostic::warning(RULE.code, "the plan has no title");
        return vec![finding.help("start the file with a line such as `# Plan: Session tracking`")];
    };
    let finding = if facts.plan().name.is_empty() {
        Diagnostic::warning(RULE.code, "the title has no name").at(title.heading.clone(), "")
    } else if strip_plan(&facts.source[title.title.clone()]).is_none() {
        Diagnostic::warning(RULE.code, "the title does not start with `Plan:`")
            .at(title.title.clone(), "read as the name of the plan")
    } else {
        return Vec::new();
    };
    vec![finding.help("write the title as `# Plan: NAME`")]
}

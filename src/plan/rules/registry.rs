//! The list of all rules, and what they are given.

use crate::diag::Diagnostic;

use super::super::build::Built;
use super::super::fields::Fields;
use super::super::markdown::Markdown;
use super::super::outline::Outline;
use super::super::tree::{Plan, PlanThread};

/// What a rule is given.
pub(in crate::plan) struct Facts<'a> {
    /// The file.
    pub(in crate::plan) source: &'a str,
    /// Its Markdown.
    pub(in crate::plan) markdown: &'a Markdown,
    /// Its headings.
    pub(in crate::plan) outline: &'a Outline,
    /// The plan, and how it was read.
    pub(in crate::plan) built: &'a Built,
}

impl Facts<'_> {
    /// The plan.
    pub(super) fn plan(&self) -> &Plan {
        &self.built.plan
    }

    /// Each thread with its labels.
    pub(super) fn threads(&self) -> impl Iterator<Item = (&PlanThread, &Fields)> {
        self.plan().threads().zip(&self.built.fields)
    }
}

/// A rule.
pub(super) struct Rule {
    /// Its stable code.
    pub(super) code: &'static str,
    /// Why it is there and what to do, for `work validate --explain`.
    pub(super) explain: &'static str,
    /// Finds what breaks it.
    pub(super) check: fn(&Facts<'_>) -> Vec<Diagnostic>,
}

const RULES: &[&Rule] = &[
    &super::byte_order_mark::RULE,
    &super::nul_bytes::RULE,
    &super::no_title::RULE,
    &super::no_stages_heading::RULE,
    &super::no_threads::RULE,
    &super::unclosed::RULE,
    &super::heading_setext::RULE,
    &super::heading_no_space::RULE,
    &super::heading_nested::RULE,
    &super::heading_level::RULE,
    &super::heading_colon::RULE,
    &super::heading_unknown::RULE,
    &super::number_range::RULE,
    &super::duplicate_number::RULE,
    &super::number_order::RULE,
    &super::outside_parent::RULE,
    &super::late_section::RULE,
    &super::stage_too_early::RULE,
    &super::duplicate_section::RULE,
    &super::stray_text::RULE,
    &super::empty_name::RULE,
    &super::empty_branch::RULE,
    &super::empty_thread::RULE,
    &super::unlabelled::RULE,
    &super::summary_details::RULE,
    &super::label_in_line::RULE,
    &super::label_twice::RULE,
    &super::agent_twice::RULE,
    &super::duplicate_name::RULE,
    &super::path_overlap::RULE,
    &super::shared_file::RULE,
    &super::open_question::RULE,
    &super::question_box::RULE,
    &super::placeholder::RULE,
    &super::depends_unknown::RULE,
    &super::depends_later::RULE,
    &super::depends_cycle::RULE,
];

/// Everything that breaks a rule, in the order of the file.
pub(in crate::plan) fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = RULES.iter().flat_map(|rule| (rule.check)(facts)).collect();
    found.sort_by_key(|finding| {
        let at = finding.primary.as_ref().map_or(0, |label| label.span.start);
        (at, std::cmp::Reverse(finding.severity), finding.code)
    });
    found
}

/// The codes of all rules.
pub fn codes() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.code)
}

/// Why the rule with this code is there, and what to do about a finding.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    RULES.iter().find(|rule| rule.code.eq_ignore_ascii_case(code)).map(|rule| rule.explain)
}

//! From outline to plan.
//!
//! Cuts each body to the text that it means, and records what belongs to nothing, so that a rule can
//! report it.

use std::ops::Range;

use super::fields::{Fields, Label, fields};
use super::heading::Kind;
use super::items::{questions, tasks};
use super::markdown::{Markdown, trim, trim_lines};
use super::outline::{Entry, Outline, Role, strip_plan};
use super::tree::{Plan, PlanBatch, PlanSection, PlanStage, PlanThread, Text};
use super::values;
use crate::model::StageId;

/// A plan and what the rules need to know of how it was read.
#[derive(Debug)]
pub(super) struct Built {
    /// The plan.
    pub(super) plan: Plan,
    /// The labels of each thread, in the order of [`Plan::threads`].
    pub(super) fields: Vec<Fields>,
    /// Text that nothing of the plan holds.
    pub(super) stray: Vec<Range<usize>>,
    /// Words that should be thread ids.
    pub(super) wrong_ids: Vec<Range<usize>>,
}

/// Builds the plan of `outline`.
pub(super) fn build(source: &str, markdown: &Markdown, outline: &Outline) -> Built {
    let nothing = || Text::slice(source, 0..0);
    let plan = Plan {
        name: nothing(),
        stream_id: None,
        summary: nothing(),
        references: nothing(),
        stages: Vec::new(),
        sections: Vec::new(),
        stages_heading: None,
    };
    let built = Built { plan, fields: Vec::new(), stray: Vec::new(), wrong_ids: Vec::new() };
    let mut builder = Builder { source, markdown, built };
    let first = outline.entries.first().map_or(source.len(), |entry| entry.heading.start);
    let start = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    builder.stray(start..first);
    for (index, entry) in outline.entries.iter().enumerate() {
        let repeated = outline.repeated.binary_search_by_key(&index, |(_, second)| *second).is_ok();
        builder.take(entry, repeated);
    }
    builder.built.stray.sort_by_key(|range| range.start);
    builder.built
}

struct Builder<'a> {
    source: &'a str,
    markdown: &'a Markdown,
    built: Built,
}

impl Builder<'_> {
    fn take(&mut self, entry: &Entry, repeated: bool) {
        let body = self.cut(entry.body.clone());
        let text = Text::slice(self.source, trim_lines(self.source, body.clone()));
        if repeated && !matches!(entry.role, Role::Stages | Role::Batches | Role::Questions) {
            let section = PlanSection { title: self.text(&entry.title), body: text };
            match self.built.plan.stages.last_mut().filter(|_| entry.parent.is_some()) {
                Some(stage) => stage.sections.push(section),
                None => self.built.plan.sections.push(section),
            }
            self.extend(entry, body.end);
            return;
        }
        match &entry.role {
            Role::Title => self.title(entry, text),
            Role::Summary => self.built.plan.summary = text,
            Role::References => self.built.plan.references = text,
            Role::Stages => {
                self.built.plan.stages_heading.get_or_insert(entry.heading.clone());
                self.stray(body.clone());
            }
            Role::Other => {
                let section = PlanSection { title: self.text(&entry.title), body: text };
                self.built.plan.sections.push(section);
            }
            Role::Numbered(_) | Role::Implied(_) => self.numbered(entry, body.clone(), text),
            Role::Definition | Role::Constitution | Role::Questions | Role::Batches | Role::OtherOfStage => {
                self.of_stage(entry, body.clone(), text);
            }
        }
        self.extend(entry, body.end);
    }

    fn title(&mut self, entry: &Entry, below: Text) {
        let title = &self.source[entry.title.clone()];
        let name = strip_plan(title).unwrap_or(title);
        let start = entry.title.end - name.len();
        self.built.plan.name = self.text(&trim(self.source, start..entry.title.end));
        let Some(at) = below.find("**Stream ID:**") else {
            self.stray(below.span);
            return;
        };
        let id = below.span.start + at + "**Stream ID:**".len();
        let line = &self.source[id..super::markdown::line_end(self.source, id)];
        let end = line.find('|').unwrap_or(line.len());
        self.built.plan.stream_id = Some(self.text(&trim(self.source, id..id + end)));
        let quote_end = super::markdown::line_end(self.source, id);
        let quote_start = self.source[..id].rfind('\n').map_or(0, |line| line + 1);
        self.stray(below.span.start..quote_start.max(below.span.start));
        self.stray(quote_end.min(below.span.end)..below.span.end);
    }

    fn of_stage(&mut self, entry: &Entry, body: Range<usize>, text: Text) {
        let items = match entry.role {
            Role::Questions => questions(self.source, self.markdown, body.clone()),
            _ => Vec::new(),
        };
        let title = self.text(&entry.title);
        let Some(stage) = self.built.plan.stages.last_mut() else { return };
        match entry.role {
            Role::Definition => {
                let above = std::mem::replace(&mut stage.definition, text);
                self.stray(above.span);
            }
            Role::Constitution => stage.constitution = text,
            Role::Questions => {
                stage.questions.extend(items);
                self.stray_outside_lists(&body);
            }
            Role::Batches => {
                stage.batches_heading.get_or_insert(entry.heading.clone());
                self.stray(body);
            }
            _ => stage.sections.push(PlanSection { title, body: text }),
        }
    }

    fn numbered(&mut self, entry: &Entry, body: Range<usize>, text: Text) {
        let name = match &entry.role {
            Role::Numbered(numbered) => self.text(&numbered.name),
            _ => self.text(&entry.heading),
        };
        let (number, heading) = (entry.number, entry.heading.clone());
        let span = heading.start..text.span.end.max(heading.end);
        let empty = Text::slice(self.source, body.start..body.start);
        let plan = &mut self.built.plan;
        match entry.role.kind() {
            Some(Kind::Stage) => plan.stages.push(PlanStage {
                id: StageId(number),
                number,
                name,
                heading,
                span,
                definition: text,
                constitution: empty,
                questions: Vec::new(),
                batches: Vec::new(),
                sections: Vec::new(),
                batches_heading: None,
            }),
            Some(Kind::Batch) => {
                let Some(stage) = plan.stages.last_mut() else { return };
                let id = stage.id.batch(number);
                stage.batches.push(PlanBatch {
                    id,
                    number,
                    name,
                    heading,
                    span,
                    summary: text,
                    threads: Vec::new(),
                });
            }
            Some(Kind::Thread) => {
                let Some(id) = plan.stages.last().and_then(|stage| stage.batches.last()).map(|b| b.id) else {
                    return;
                };
                let thread = PlanThread {
                    id: id.thread(number),
                    number,
                    name,
                    heading,
                    span,
                    summary: empty.clone(),
                    details: empty,
                    agent: None,
                    tasks: Vec::new(),
                    depends_on: Vec::new(),
                    paths: Vec::new(),
                    verify: Vec::new(),
                };
                let thread = self.thread(thread, body);
                let batch = self.built.plan.stages.last_mut().and_then(|stage| stage.batches.last_mut());
                if let Some(batch) = batch {
                    batch.threads.push(thread);
                }
            }
            None => {}
        }
    }

    fn thread(&mut self, mut thread: PlanThread, body: Range<usize>) -> PlanThread {
        let fields = fields(self.source, self.markdown, body);
        for field in &fields.list {
            let text = Text::slice(self.source, field.value.clone());
            match field.label {
                Label::Summary => thread.summary = text,
                Label::Details => thread.details = text,
                Label::Tasks => {
                    thread.tasks.extend(tasks(self.source, self.markdown, field.value.clone()));
                    self.stray_outside_lists(&field.value);
                }
                Label::Agent => {
                    let (agent, rest) = values::agent(self.source, field.value.clone());
                    thread.agent = thread.agent.or(agent);
                    self.stray(rest);
                }
                Label::DependsOn | Label::Paths | Label::Verify => {
                    self.listed(&mut thread, field.label, &field.value);
                }
            }
        }
        lead(self.source, &mut thread, &fields);
        self.built.fields.push(fields);
        thread
    }

    fn listed(&mut self, thread: &mut PlanThread, label: Label, value: &Range<usize>) {
        let (block, rest) = values::block(self.source, value.clone());
        self.stray(rest);
        match label {
            Label::DependsOn => {
                let (ids, wrong) = values::thread_ids(self.source, block);
                thread.depends_on.extend(ids);
                self.built.wrong_ids.extend(wrong);
            }
            Label::Paths => thread.paths.extend(values::paths(self.source, block)),
            _ => thread.verify.extend(values::commands(self.source, block)),
        }
    }

    /// Lets the stage and the batch that hold `entry` reach to `end`.
    fn extend(&mut self, entry: &Entry, end: usize) {
        let end = trim(self.source, entry.heading.start..end.max(entry.heading.end)).end;
        let in_stage = entry.parent.is_some() || entry.role.kind() == Some(Kind::Stage);
        let Some(stage) = self.built.plan.stages.last_mut().filter(|_| in_stage) else { return };
        stage.span.end = stage.span.end.max(end);
        if entry.role.kind() == Some(Kind::Thread)
            && let Some(batch) = stage.batches.last_mut()
        {
            batch.span.end = batch.span.end.max(end);
        }
    }

    /// `body` up to the footer and without dividers at its end. What stands below a footer is stray.
    fn cut(&mut self, body: Range<usize>) -> Range<usize> {
        let from = self.markdown.dividers.partition_point(|divider| divider.start < body.start);
        let to = self.markdown.dividers.partition_point(|divider| divider.start < body.end);
        let dividers = &self.markdown.dividers[from..to];
        let mut end = body.end;
        let footer = dividers.iter().find(|divider| is_footer(&self.source[divider.end..body.end]));
        if let Some(divider) = footer {
            end = divider.start;
            let words = trim(self.source, divider.end..body.end);
            self.stray(super::markdown::line_end(self.source, words.start).min(body.end)..body.end);
        }
        for divider in dividers.iter().rev() {
            if divider.end <= end && self.source[divider.end..end].trim().is_empty() {
                end = divider.start;
            }
        }
        body.start..end
    }

    fn text(&self, span: &Range<usize>) -> Text {
        Text::slice(self.source, span.clone())
    }

    /// Records text that nothing holds. A comment, a divider or a footer is not meant to be held.
    fn stray(&mut self, range: Range<usize>) {
        let range = self.cut_comments(range);
        if !range.is_empty() {
            self.built.stray.push(range);
        }
    }

    /// `range` without the comments, dividers, footers and blanks that it starts with.
    fn cut_comments(&self, range: Range<usize>) -> Range<usize> {
        let mut range = trim(self.source, range.start..range.end.max(range.start));
        loop {
            let text = &self.source[range.clone()];
            let skip = if text.starts_with("<!--") {
                text.find("-->").map_or(text.len(), |at| at + 3)
            } else {
                let line = text.lines().next().unwrap_or("");
                let divider = self.markdown.dividers.binary_search_by_key(&range.start, |d| d.start).is_ok();
                if divider || is_footer(line) { line.len() } else { 0 }
            };
            if skip == 0 {
                return range;
            }
            range = trim(self.source, range.start + skip..range.end);
        }
    }

    /// Records what stands in `body` and in no list.
    fn stray_outside_lists(&mut self, body: &Range<usize>) {
        let blocks = &self.markdown.blocks;
        let from = blocks.partition_point(|block| block.range.end <= body.start);
        let stray: Vec<Range<usize>> = blocks[from..]
            .iter()
            .take_while(|block| block.range.start < body.end)
            .filter(|block| !block.is_list)
            .map(|block| block.range.start.max(body.start)..block.range.end.min(body.end))
            .collect();
        for range in stray {
            self.stray(range);
        }
    }
}

/// Text above the first label. Without labels it is the details; else it belongs to the summary, even
/// if that makes the summary hold the label of its second part.
fn lead(source: &str, thread: &mut PlanThread, fields: &Fields) {
    if fields.lead.is_empty() {
        return;
    }
    let summary = fields.first(Label::Summary);
    let details = fields.first(Label::Details);
    match (summary, details) {
        (None, None) => thread.details = Text::slice(source, fields.lead.clone()),
        (None, Some(_)) => thread.summary = Text::slice(source, fields.lead.clone()),
        (Some(field), _) => {
            let end = field.value.end.max(fields.lead.end);
            thread.summary = Text::slice(source, fields.lead.start..end);
        }
    }
}

/// `*Last updated: …*`, as other tools write it below a plan.
fn is_footer(text: &str) -> bool {
    let text = text.trim_start();
    ["*Last updated", "_Last updated"].into_iter().any(|footer| text.starts_with(footer))
}

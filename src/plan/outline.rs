//! The headings that give a plan its shape, each with the text below it.
//!
//! Decides what a heading is by what it says and where it stands, never by its level alone, and gives
//! everything that has a number exactly one. A batch or thread without a parent gets one that is only
//! implied, so that the levels above can rely on the nesting stage > batch > thread.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::Ordinal;

use super::heading::{Kind, Numbered, numbered};
use super::markdown::{Heading, Markdown, Style};

/// What a heading is.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// `# Plan: NAME`
    Title,
    /// `## Summary`
    Summary,
    /// `## References`
    References,
    /// `## Stages`
    Stages,
    /// Any other section of the plan.
    Other,
    /// `#### Stage Definition`
    Definition,
    /// `#### Stage Constitution`
    Constitution,
    /// `#### Stage Questions`
    Questions,
    /// `#### Stage Batches`
    Batches,
    /// Any other section of a stage.
    OtherOfStage,
    /// A stage, a batch or a thread.
    Numbered(Numbered),
    /// A stage or a batch without a heading.
    Implied(Kind),
}

impl Role {
    /// The kind of what has a number.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Numbered(numbered) => Some(numbered.kind),
            Self::Implied(kind) => Some(*kind),
            _ => None,
        }
    }

    /// Whether it is one of the sections that may stand only once, and its name.
    pub(super) fn section(&self) -> Option<&'static str> {
        match self {
            Self::Title => Some("the title"),
            Self::Summary => Some("`## Summary`"),
            Self::References => Some("`## References`"),
            Self::Stages => Some("`## Stages`"),
            Self::Definition => Some("`#### Stage Definition`"),
            Self::Constitution => Some("`#### Stage Constitution`"),
            Self::Questions => Some("`#### Stage Questions`"),
            Self::Batches => Some("`#### Stage Batches`"),
            _ => None,
        }
    }
}

/// A heading that gives the plan its shape.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// What it is.
    pub(super) role: Role,
    /// Its level; 0 when implied.
    pub(super) level: u8,
    /// The line of the heading.
    pub(super) heading: Range<usize>,
    /// Its text.
    pub(super) title: Range<usize>,
    /// From the line below the heading to the next entry.
    pub(super) body: Range<usize>,
    /// The entry of the stage or batch that it belongs to.
    pub(super) parent: Option<usize>,
    /// Its number, made up where the file gives none that can be used.
    pub(super) number: Ordinal,
}

/// Why a heading that looks like a part of the plan is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It stands before `## Stages`.
    Early,
    /// It stands in a list or a quote.
    Nested,
    /// It is written with a line below, and is more than a title.
    Setext,
    /// It stands where a batch or thread is expected, and is none.
    Unknown,
    /// It stands in the text of a thread.
    InThread,
}

/// The shape of a plan.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The entries, in the order of the file.
    pub(super) entries: Vec<Entry>,
    /// Headings that are read as text though they might be meant as more.
    pub(super) doubts: Vec<(Doubt, Heading)>,
    /// Sections that stand a second time: the first and the second.
    pub(super) repeated: Vec<(usize, usize)>,
}

/// Reads the outline from the headings of `markdown`.
pub(super) fn outline(source: &str, markdown: &Markdown) -> Outline {
    let announced = markdown.headings.iter().any(|heading| !heading.nested && is_stages(source, heading));
    let mut walk = Walk {
        source,
        announced,
        in_stages: false,
        stage: None,
        batch: None,
        at: At::Elsewhere,
        has_title: false,
        seen: HashMap::new(),
        outline: Outline::default(),
    };
    for heading in &markdown.headings {
        walk.take(heading);
    }
    let mut outline = walk.outline;
    close_bodies(source, &mut outline.entries);
    give_numbers(&mut outline.entries);
    outline
}

/// Where the walk is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Elsewhere,
    Batches,
    Batch,
    Thread,
}

struct Walk<'a> {
    source: &'a str,
    announced: bool,
    in_stages: bool,
    stage: Option<usize>,
    batch: Option<usize>,
    at: At,
    has_title: bool,
    seen: HashMap<(Option<usize>, &'static str), usize>,
    outline: Outline,
}

impl Walk<'_> {
    fn take(&mut self, heading: &Heading) {
        let numbered = numbered(self.source, heading);
        if heading.nested {
            if numbered.is_some() {
                self.doubt(Doubt::Nested, heading);
            }
            return;
        }
        if let Some(numbered) = numbered {
            if self.announced && !self.in_stages {
                self.doubt(Doubt::Early, heading);
                return;
            }
            self.in_stages = true;
            self.numbered(heading, numbered);
            return;
        }
        if is_stages(self.source, heading) {
            self.in_stages = true;
            self.section(heading, Role::Stages);
            return;
        }
        let role = match heading.level {
            1 | 2 => self.plan_section(heading),
            3 if self.in_stages => Some(Role::Other),
            4 if self.in_stages && self.stage.is_some() => Some(self.stage_section(heading)),
            _ => None,
        };
        match role {
            _ if matches!(heading.style, Style::Setext(_)) && !self.known(heading, role.as_ref()) => {
                self.doubt(Doubt::Setext, heading);
            }
            Some(role) => self.section(heading, role),
            None => self.text(heading),
        }
    }

    /// A heading that stays text.
    fn text(&mut self, heading: &Heading) {
        match self.at {
            At::Thread => self.doubt(Doubt::InThread, heading),
            At::Batches | At::Batch => self.doubt(Doubt::Unknown, heading),
            At::Elsewhere => {}
        }
    }

    /// Whether a heading with a line below is surely meant as the heading of `role`.
    fn known(&self, heading: &Heading, role: Option<&Role>) -> bool {
        let title = &self.source[heading.text.clone()];
        !title.contains('\n')
            && match role {
                Some(Role::Title) => strip_plan(title).is_some(),
                Some(Role::Summary | Role::References) => true,
                _ => false,
            }
    }

    fn plan_section(&self, heading: &Heading) -> Option<Role> {
        let title = self.source[heading.text.clone()].trim_end_matches(':');
        Some(if heading.level == 1 && !self.has_title && !self.in_stages {
            Role::Title
        } else if title.eq_ignore_ascii_case("summary") {
            Role::Summary
        } else if title.eq_ignore_ascii_case("references") || title.eq_ignore_ascii_case("reference") {
            Role::References
        } else {
            Role::Other
        })
    }

    fn stage_section(&self, heading: &Heading) -> Role {
        let title = self.source[heading.text.clone()].to_lowercase();
        let words = [
            ("definition", Role::Definition),
            ("constitution", Role::Constitution),
            ("question", Role::Questions),
            ("batch", Role::Batches),
        ];
        words.into_iter().find(|(word, _)| title.contains(word)).map_or(Role::OtherOfStage, |(_, role)| role)
    }

    fn section(&mut self, heading: &Heading, role: Role) {
        let of_stage = heading.level > 3;
        let parent = if of_stage { self.stage } else { None };
        self.has_title |= matches!(role, Role::Title);
        if let Some(name) = role.section() {
            let next = self.outline.entries.len();
            let first = *self.seen.entry((parent, name)).or_insert(next);
            if first != next {
                self.outline.repeated.push((first, next));
            }
        }
        if !of_stage {
            (self.stage, self.batch) = (None, None);
        }
        self.at = if matches!(role, Role::Batches) { At::Batches } else { At::Elsewhere };
        self.push(heading, role, parent);
    }

    fn numbered(&mut self, heading: &Heading, numbered: Numbered) {
        match numbered.kind {
            Kind::Stage => {
                self.stage = Some(self.push(heading, Role::Numbered(numbered), None));
                self.batch = None;
                self.at = At::Elsewhere;
            }
            Kind::Batch => {
                let stage = self.stage_for(heading);
                self.batch = Some(self.push(heading, Role::Numbered(numbered), Some(stage)));
                self.at = At::Batch;
            }
            Kind::Thread => {
                let stage = self.stage_for(heading);
                let batch = match self.batch {
                    Some(batch) => batch,
                    None => self.implied(heading, Kind::Batch, Some(stage)),
                };
                self.batch = Some(batch);
                self.push(heading, Role::Numbered(numbered), Some(batch));
                self.at = At::Thread;
            }
        }
    }

    fn stage_for(&mut self, heading: &Heading) -> usize {
        let stage = match self.stage {
            Some(stage) => stage,
            None => self.implied(heading, Kind::Stage, None),
        };
        self.stage = Some(stage);
        stage
    }

    fn implied(&mut self, heading: &Heading, kind: Kind, parent: Option<usize>) -> usize {
        let at = heading.span.start;
        self.outline.entries.push(Entry {
            role: Role::Implied(kind),
            level: 0,
            heading: at..at,
            title: at..at,
            body: at..at,
            parent,
            number: Ordinal::FIRST,
        });
        self.outline.entries.len() - 1
    }

    fn push(&mut self, heading: &Heading, role: Role, parent: Option<usize>) -> usize {
        self.outline.entries.push(Entry {
            role,
            level: heading.level,
            heading: heading.span.clone(),
            title: heading.text.clone(),
            body: heading.span.end..heading.span.end,
            parent,
            number: Ordinal::FIRST,
        });
        self.outline.entries.len() - 1
    }

    fn doubt(&mut self, doubt: Doubt, heading: &Heading) {
        self.outline.doubts.push((doubt, heading.clone()));
    }
}

/// The text after `Plan:` of a title.
pub(super) fn strip_plan(title: &str) -> Option<&str> {
    let (word, name) = title.split_once([':', '：'])?;
    word.trim().eq_ignore_ascii_case("plan").then(|| name.trim())
}

fn is_stages(source: &str, heading: &Heading) -> bool {
    heading.level <= 3 && source[heading.text.clone()].trim_end_matches(':').eq_ignore_ascii_case("stages")
}

/// Lets each body reach from below its heading to the next entry.
fn close_bodies(source: &str, entries: &mut [Entry]) {
    let mut end = source.len();
    for entry in entries.iter_mut().rev() {
        let start = if entry.level == 0 {
            entry.heading.end
        } else {
            super::markdown::next_line(source, entry.heading.end)
        };
        entry.body = start.min(end)..end;
        // A heading may be indented; its line belongs to no body.
        end = source[..entry.heading.start].rfind('\n').map_or(0, |at| at + 1);
        if entry.level == 0 {
            entry.body = entry.heading.clone();
        }
    }
}

/// Gives each entry the number of its heading, and where there is none the first that is free.
fn give_numbers(entries: &mut [Entry]) {
    let mut taken: HashMap<(Option<usize>, u8), [bool; 100]> = HashMap::new();
    let key = |entry: &Entry| entry.role.kind().map(|kind| (entry.parent, kind.level()));
    for entry in entries.iter_mut() {
        if let (Some(key), Role::Numbered(Numbered { number: Some(number), .. })) = (key(entry), &entry.role)
        {
            entry.number = *number;
            taken.entry(key).or_insert([false; 100])[usize::from(number.get())] = true;
        }
    }
    let mut before: HashMap<(Option<usize>, u8), Ordinal> = HashMap::new();
    for entry in entries.iter_mut() {
        let Some(key) = key(entry) else { continue };
        if !matches!(&entry.role, Role::Numbered(Numbered { number: Some(_), .. })) {
            let taken = taken.entry(key).or_insert([false; 100]);
            let after = before.get(&key).map_or(1, |number| number.get().saturating_add(1));
            let free = (after..=Ordinal::MAX).chain(1..=Ordinal::MAX).find(|&n| !taken[usize::from(n)]);
            let number = free.unwrap_or(Ordinal::MAX);
            taken[usize::from(number)] = true;
            entry.number = Ordinal::new(u64::from(number)).unwrap_or(Ordinal::FIRST);
        }
        before.insert(key, entry.number);
    }
}

//! The Markdown of a file, as the byte ranges that the rest of the room asks for.
//!
//! The only file that names pulldown-cmark. It never uses the end of a list item, which may reach
//! past its text. One invariant: every list here is ordered by the start of its ranges.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// How a heading is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Style {
    /// With `#` in front.
    Atx,
    /// With a line of `-` or `=` below; the range is that line.
    Setext(Range<usize>),
}

/// A heading.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    /// 1 to 6.
    pub(super) level: u8,
    /// Its line or lines, without the line break.
    pub(super) span: Range<usize>,
    /// Its text, without marks.
    pub(super) text: Range<usize>,
    /// How it is written.
    pub(super) style: Style,
    /// Whether it stands inside of a list or a quote.
    pub(super) nested: bool,
}

/// A list item.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Where its bullet stands.
    pub(super) start: usize,
    /// 1 in a list, 2 in a list within a list, and so on.
    pub(super) depth: usize,
    /// Its `[ ]` or `[x]`.
    pub(super) marker: Option<Range<usize>>,
}

/// A block that stands in nothing else.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Its bytes; not to be trusted at the end of a list.
    pub(super) range: Range<usize>,
    /// Whether it is a list.
    pub(super) is_list: bool,
}

/// What a file consists of.
#[derive(Debug, Default)]
pub(super) struct Markdown {
    /// All headings, nested ones included.
    pub(super) headings: Vec<Heading>,
    /// Code and HTML: whatever stands in there is not Markdown.
    pub(super) opaque: Vec<Range<usize>>,
    /// Code within a line.
    pub(super) code: Vec<Range<usize>>,
    /// Lists and quotes that stand in nothing else.
    pub(super) containers: Vec<Range<usize>>,
    /// List items of any depth.
    pub(super) items: Vec<Item>,
    /// Blocks that stand in nothing else.
    pub(super) blocks: Vec<Block>,
    /// Lines that divide (`---`).
    pub(super) dividers: Vec<Range<usize>>,
    /// Code fences and comments that reach the end of the file because nothing closes them.
    pub(super) unclosed: Vec<Range<usize>>,
}

/// Whether one of the ordered `ranges`, which do not overlap, holds `offset`.
pub(super) fn covers(ranges: &[Range<usize>], offset: usize) -> bool {
    let after = ranges.partition_point(|range| range.start <= offset);
    after.checked_sub(1).is_some_and(|at| ranges[at].contains(&offset))
}

/// The end of the line that holds `offset`, without its line break.
pub(super) fn line_end(source: &str, offset: usize) -> usize {
    let end = source[offset..].find('\n').map_or(source.len(), |at| offset + at);
    if end > offset && source.as_bytes()[end - 1] == b'\r' { end - 1 } else { end }
}

/// The start of the line after the one that holds `offset`.
pub(super) fn next_line(source: &str, offset: usize) -> usize {
    source[offset..].find('\n').map_or(source.len(), |at| offset + at + 1)
}

/// `range` without white space at both ends.
pub(super) fn trim(source: &str, range: Range<usize>) -> Range<usize> {
    let text = &source[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    let end = range.start + text.trim_end().len();
    start..end.max(start)
}

/// `range` without blank lines at both ends; the indentation of its first line stays.
pub(super) fn trim_lines(source: &str, range: Range<usize>) -> Range<usize> {
    let inner = trim(source, range.clone());
    if inner.is_empty() {
        return range.start..range.start;
    }
    let line = source[range.start..inner.start].rfind('\n').map(|at| range.start + at + 1);
    let starts_line = range.start == 0 || source.as_bytes()[range.start - 1] == b'\n';
    let start = line.unwrap_or(if starts_line { range.start } else { inner.start });
    start..inner.end
}

/// Reads `source`.
pub(super) fn scan(source: &str) -> Markdown {
    let base = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let mut scan = Scan { source, found: Markdown::default(), depth: 0, lists: 0 };
    for (event, range) in Parser::new_ext(&source[base..], options).into_offset_iter() {
        scan.take(&event, range.start + base..range.end + base);
    }
    scan.found
}

/// The state of a walk over the events.
struct Scan<'a> {
    source: &'a str,
    found: Markdown,
    depth: usize,
    lists: usize,
}

impl Scan<'_> {
    fn take(&mut self, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(TagEnd::List(_)) => {
                self.depth = self.depth.saturating_sub(1);
                self.lists = self.lists.saturating_sub(1);
            }
            Event::End(TagEnd::Item | TagEnd::BlockQuote(_)) => self.depth = self.depth.saturating_sub(1),
            Event::Rule if self.depth == 0 => {
                self.found.blocks.push(Block { range: range.clone(), is_list: false });
                self.found.dividers.push(trim(self.source, range));
            }
            Event::TaskListMarker(_) => {
                if let Some(item) = self.found.items.last_mut() {
                    item.marker = Some(range);
                }
            }
            Event::Code(_) => {
                if self.source[range.clone()].contains('\n') {
                    self.hide(range.clone());
                }
                self.found.code.push(range);
            }
            Event::InlineHtml(_) if self.source[range.clone()].contains('\n') => self.hide(range),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        if self.depth == 0 && is_block(tag) {
            let is_list = matches!(tag, Tag::List(_));
            self.found.blocks.push(Block { range: range.clone(), is_list });
        }
        match tag {
            Tag::Heading { level, .. } => self.heading(*level, range),
            Tag::CodeBlock(kind) => {
                if matches!(kind, CodeBlockKind::Fenced(_)) && !fence_is_closed(&self.source[range.clone()]) {
                    self.unclosed(range.clone());
                }
                self.hide(range);
            }
            Tag::HtmlBlock => {
                let text = &self.source[range.clone()];
                if text.trim_start().starts_with("<!--") && !text.contains("-->") {
                    self.unclosed(range.clone());
                }
                self.hide(range);
            }
            Tag::List(_) => {
                self.container(range);
                self.lists += 1;
            }
            Tag::BlockQuote(_) => self.container(range),
            Tag::Item => {
                self.found.items.push(Item { start: range.start, depth: self.lists, marker: None });
                self.depth += 1;
            }
            _ => {}
        }
    }

    fn container(&mut self, range: Range<usize>) {
        if self.depth == 0 {
            self.found.containers.push(range);
        }
        self.depth += 1;
    }

    fn hide(&mut self, range: Range<usize>) {
        self.found.opaque.push(range);
    }

    /// Only what runs into the end of the file swallows anything.
    fn unclosed(&mut self, range: Range<usize>) {
        if self.source[range.end..].trim().is_empty() {
            self.found.unclosed.push(range);
        }
    }

    fn heading(&mut self, level: HeadingLevel, range: Range<usize>) {
        let span = trim(self.source, range);
        let line = span.start..line_end(self.source, span.start);
        let hashes = self.source[line.clone()].bytes().take_while(|&b| b == b'#').count();
        let after = self.source[line.start + hashes..line.end].chars().next();
        let nested = self.depth > 0;
        let level = level as u8;
        if hashes == usize::from(level) && after.is_none_or(|c| c == ' ' || c == '\t') {
            let text = atx_text(self.source, line.start + hashes..line.end);
            self.found.headings.push(Heading { level, span: line, text, style: Style::Atx, nested });
            return;
        }
        let last = self.source[span.clone()].rfind('\n').map_or(span.start, |at| span.start + at + 1);
        let underline = trim(self.source, last..span.end);
        let text = trim(self.source, span.start..last);
        if level == 2 && !nested {
            self.found.dividers.push(underline.clone());
        }
        self.found.headings.push(Heading { level, span, text, style: Style::Setext(underline), nested });
    }
}

fn is_block(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Heading { .. }
            | Tag::Paragraph
            | Tag::CodeBlock(_)
            | Tag::HtmlBlock
            | Tag::List(_)
            | Tag::BlockQuote(_)
            | Tag::Table(_)
    )
}

/// The text of a `#` heading without the spaces and the closing `#` around it.
fn atx_text(source: &str, range: Range<usize>) -> Range<usize> {
    let inner = trim(source, range);
    let text = &source[inner.clone()];
    let open = text.trim_end_matches('#');
    if open.is_empty() || open.ends_with([' ', '\t']) {
        return trim(source, inner.start..inner.start + open.len());
    }
    inner
}

/// Whether the last line of a fenced code block is a fence that closes it.
fn fence_is_closed(block: &str) -> bool {
    let mark = block.trim_start().chars().next().unwrap_or('`');
    let length = block.trim_start().chars().take_while(|&c| c == mark).count();
    let Some((_, last)) = block.trim_end().rsplit_once('\n') else { return false };
    let last = last.trim_start_matches([' ', '\t', '>']).trim_end();
    last.chars().count() >= length && last.chars().all(|c| c == mark)
}

//! Diagnostics as drawings of the source, in the manner of rustc.
//!
//! The only file that names annotate-snippets. One invariant: whatever the source holds, a drawing
//! holds no control character of it.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diag::{Diagnostic, Label, Severity, boundary};

/// The width of a drawing when nobody says how wide the terminal is.
const WIDTH: usize = 120;

/// Places that lie further apart than this many bytes are drawn one by one.
const LONGEST_PIECE: usize = 16 * 1024;

/// Draws `diagnostics` of the file `source_name`, one below the other with a blank line between.
///
/// Empty when there are none. Ends with a line break otherwise.
#[must_use]
pub fn render(
    source_name: &str,
    source: &str,
    diagnostics: &[Diagnostic],
    color: bool,
    width: Option<usize>,
) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(width.unwrap_or(WIDTH).max(20));
    let lines = line_starts(source);
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&draw(&renderer, source_name, source, &lines, diagnostic));
        text.push('\n');
    }
    text
}

/// The last line of a report: how many errors and warnings there are. `None` without any.
#[must_use]
pub fn tally<'a>(diagnostics: impl Iterator<Item = &'a Diagnostic>) -> Option<String> {
    let severities: Vec<Severity> = diagnostics.map(|diagnostic| diagnostic.severity).collect();
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(|severity| {
            let count = severities.iter().filter(|found| **found == severity).count();
            let plural = if count == 1 { "" } else { "s" };
            (count > 0).then(|| format!("{count} {}{plural}", severity.name()))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn draw(renderer: &Renderer, name: &str, source: &str, lines: &[usize], diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(plain(&diagnostic.message)).id(diagnostic.code);
    let mut group = Group::with_title(title);
    let primary = diagnostic.primary.iter().map(|label| (label, AnnotationKind::Primary));
    let secondary = diagnostic.secondary.iter().map(|label| (label, AnnotationKind::Context));
    let places: Vec<(&Label, AnnotationKind)> = primary.chain(secondary).collect();
    for places in together(&places) {
        group = group.element(snippet(name, source, lines, places));
    }
    if places.is_empty() {
        group = group.element(Origin::path(plain(name)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(plain(help)));
    }
    renderer.render(&[group])
}

/// Places that are drawn in one piece of the source: all of them, unless they lie so far apart that the
/// piece would be most of a long file.
fn together<'a, 'b>(places: &'a [(&'b Label, AnnotationKind)]) -> Vec<&'a [(&'b Label, AnnotationKind)]> {
    let first = places.iter().map(|(label, _)| label.span.start).min();
    let last = places.iter().map(|(label, _)| label.span.end).max();
    match (first, last) {
        (Some(first), Some(last)) if last.saturating_sub(first) > LONGEST_PIECE => places.chunks(1).collect(),
        (Some(_), _) => vec![places],
        (None, _) => Vec::new(),
    }
}

/// Draws the lines around `places` only: a drawing costs time by the line.
fn snippet<'a>(
    name: &str,
    source: &str,
    lines: &[usize],
    places: &[(&'a Label, AnnotationKind)],
) -> Snippet<'a, Annotation<'a>> {
    let first = places.iter().map(|(label, _)| label.span.start).min().unwrap_or(0);
    let last = places.iter().map(|(label, _)| label.span.end).max().unwrap_or(0);
    let (line, window) = window(source, lines, first..last);
    let snippet =
        Snippet::source(plain(&source[window.clone()])).line_start(line).path(plain(name)).fold(true);
    snippet.annotations(places.iter().map(|(label, kind)| annotation(source, &window, label, *kind)))
}

fn annotation<'a>(
    source: &str,
    window: &Range<usize>,
    label: &'a Label,
    kind: AnnotationKind,
) -> Annotation<'a> {
    let inside = |offset: usize| boundary(source, offset).clamp(window.start, window.end) - window.start;
    let (start, end) = (inside(label.span.start), inside(label.span.end));
    let annotation = kind.span(start..end.max(start));
    if label.text.is_empty() { annotation } else { annotation.label(plain(&label.text)) }
}

/// The bytes at which lines start.
fn line_starts(source: &str) -> Vec<usize> {
    std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// The lines that hold `span`: the number of the first one, from 1, and their bytes.
fn window(source: &str, lines: &[usize], span: Range<usize>) -> (usize, Range<usize>) {
    let first = lines.partition_point(|&start| start <= span.start).max(1);
    let last = lines.partition_point(|&start| start <= span.end.max(span.start));
    let end = lines.get(last).map_or(source.len(), |&next| next - 1);
    (first, lines[first - 1]..end.max(lines[first - 1]))
}

/// Text without control characters. As many bytes as before, so that places stay where they are.
fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let keep = matches!(c, '\n' | '\t') || !c.is_control();
            let (c, times) = if keep { (c, 1) } else { (if c == '\r' { ' ' } else { '?' }, c.len_utf8()) };
            std::iter::repeat_n(c, times)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use snapbox::{assert_data_eq, str};

    use super::{render, tally};
    use crate::diag::{Diagnostic, boundary};

    const SOURCE: &str = "# Plan: x\n\n### Stage 01: One\n\ntext\n\nmore\n\n### Stage 01: Zwei\n";

    fn duplicate() -> Diagnostic {
        Diagnostic::error("P014", "stage 01 stands twice")
            .at(42..60, "the second one")
            .and_at(11..28, "the first one")
            .help("give one stage another number")
    }

    #[test]
    fn a_finding_is_drawn_with_code_places_and_help() {
        assert_data_eq!(
            render("PLAN.md", SOURCE, &[duplicate()], false, Some(80)),
            str![[r#"
error[P014]: stage 01 stands twice
 --> PLAN.md:9:1
  |
3 | ### Stage 01: One
  | ----------------- the first one
...
9 | ### Stage 01: Zwei
  | ^^^^^^^^^^^^^^^^^^ the second one
  |
  = help: give one stage another number

"#]]
        );
    }

    #[test]
    fn findings_without_places_or_labels_are_drawn() {
        let found = [
            Diagnostic::warning("P003", "the plan has no title").help("start the file with `# Plan: NAME`"),
            Diagnostic::note("P015", "stage 01 is missing before stage 02").at(11..28, ""),
        ];
        assert_data_eq!(
            render("work/001-a/PLAN.md", SOURCE, &found, false, None),
            str![[r#"
warning[P003]: the plan has no title
--> work/001-a/PLAN.md
 = help: start the file with `# Plan: NAME`

note[P015]: stage 01 is missing before stage 02
 --> work/001-a/PLAN.md:3:1
  |
3 | ### Stage 01: One
  | ^^^^^^^^^^^^^^^^^

"#]]
        );
    }

    #[test]
    fn an_empty_place_at_the_end_is_drawn() {
        let found = [Diagnostic::error("A001", "this is not YAML").at(10..10, "")];
        assert_data_eq!(
            render("a.yaml", "agents: [\n", &found, false, None),
            str![[r#"
error[A001]: this is not YAML
 --> a.yaml:2:1
  |
2 |
  | ^

"#]]
        );
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let styled = render("PLAN.md", SOURCE, &[duplicate()], true, Some(80));
        assert!(styled.contains("\u{1b}["));
        let mut text = String::new();
        let mut rest = styled.as_str();
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            text.push_str(before);
            rest = after.split_once('m').map_or("", |(_, after)| after);
        }
        text.push_str(rest);
        assert_eq!(text, render("PLAN.md", SOURCE, &[duplicate()], false, Some(80)));
    }

    #[test]
    fn the_source_cannot_write_to_the_terminal() {
        let source = "a\u{1b}[31mb\r\nc\u{7}\u{9b}d\n";
        let found =
            [Diagnostic::error("P001", "bad \u{1b}[2J").at(0..source.len(), "x\u{1b}").help("y\u{8}")];
        let text = render("na\u{1b}me", source, &found, false, None);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }

    #[test]
    fn findings_are_counted() {
        assert_eq!(tally([].iter()), None);
        let found = [duplicate(), duplicate(), Diagnostic::note("P015", "x")];
        assert_eq!(tally(found.iter()).as_deref(), Some("2 errors, 1 note"));
    }

    #[test]
    fn many_findings_in_a_long_file_take_no_time() {
        let source = "line of text\n".repeat(200_000);
        let found: Vec<Diagnostic> = (0..200)
            .map(|n| Diagnostic::note("P015", "x").at(n * 13_000..n * 13_000 + 4, "").and_at(0..4, ""))
            .collect();
        assert!(render("x", &source, &found, false, None).len() > 1000);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_place_of_any_text_can_be_drawn(
            source in "[a-zé漢\\u{0}-\\u{1f}\\u{200d}\\u{feff}]{0,60}",
            places in prop::collection::vec((0..200_usize, 0..200_usize), 0..4),
            width in prop::option::of(0..100_usize),
        ) {
            let mut found = Diagnostic::error("P001", "x");
            for (n, (a, b)) in places.into_iter().enumerate() {
                let (a, b) = (boundary(&source, a), boundary(&source, b));
                let span = a.min(b)..a.max(b);
                found = if n == 0 { found.at(span, "l") } else { found.and_at(span, "m") };
            }
            let text = render("x", &source, &[found], false, width);
            prop_assert!(text.contains("error[P001]"));
        }
    }
}

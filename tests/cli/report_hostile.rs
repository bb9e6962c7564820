//! What people and agents write stays text in a report: no heading, table, link or element comes of it.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use scraper::{ElementRef, Html, Selector};
use work::engine::report::{ChangedFile, PlanFacts, Report, report};
use work::model::{
    AgentName, Approval, End, Extra, Failure, FailureKind, Outcome, SessionId, SessionRecord, SessionRef,
    SessionState, Stream, Task, TaskStatus, Thread, Usage,
};
use work::plan;
use work::ui::{one_line, report_html, report_markdown};

fn moment(minutes: i64) -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse::<DateTime<Utc>>().expect("a moment") + TimeDelta::minutes(minutes)
}

/// An attempt of ten minutes, whose words are `text`.
fn record(attempt: u32, start: i64, outcome: Outcome, text: &str) -> SessionRecord {
    let failure = (outcome == Outcome::Failed).then(|| Failure::new(FailureKind::Provider, text));
    SessionRecord {
        session: SessionRef::Known(SessionId(format!("ses_{attempt}{text}"))),
        attempt,
        agent: AgentName(text.to_owned()),
        model: text.to_owned(),
        variant: None,
        backend: None,
        mode: None,
        directory: None,
        started_at: moment(start),
        resumed_from: (attempt > 1).then(|| attempt - 1),
        turns: vec![attempt],
        usage: Some(Usage { input: 1_000, output: 10, cost: 0.5, ..Usage::default() }),
        verification: None,
        outside_paths: None,
        state: SessionState::Ended {
            outcome,
            end: End {
                at: Some(moment(start + 10)),
                interrupted_by: (outcome == Outcome::Interrupted).then(|| text.to_owned()),
                failure,
                ..End::default()
            },
        },
        extra: Extra::new(),
    }
}

/// A report in which every text of others is `text`: `threads` threads of two tasks, `attempts` attempts each.
fn full_of(text: &str, threads: u8, attempts: u32) -> Report {
    let mut stream = Stream::new("001-a".parse().expect("an id"), text.to_owned(), moment(0));
    let approval =
        Approval { at: moment(0), by: text.to_owned(), hash: None, seal: None, extra: Extra::new() };
    stream.approvals.plan = Some(approval.clone());
    stream.approvals.stages.insert("01".parse().expect("an id"), approval);
    for number in 0..threads {
        // Ten batches of up to twenty threads.
        let id = format!("01.{:02}.{:02}", number / 20 + 1, number % 20 + 1);
        let task = |index: u8, status| {
            let mut task =
                Task::new(format!("{id}.{index:02}").parse().expect("an id"), text.to_owned(), moment(0));
            task.status = status;
            task.report = Some(text.to_owned());
            task.breadcrumb = Some(text.to_owned());
            task
        };
        let outcomes = [Outcome::Failed, Outcome::Interrupted, Outcome::Completed];
        let records = (1..=attempts).map(|attempt| {
            let outcome = outcomes[attempt as usize % 3];
            record(attempt, i64::from(number) * 7 + i64::from(attempt) * 15, outcome, text)
        });
        stream.threads.push(Thread {
            id: id.parse().expect("an id"),
            stage_name: text.to_owned(),
            batch_name: text.to_owned(),
            name: text.to_owned(),
            agent: Some(AgentName(text.to_owned())),
            plan_hash: None,
            in_plan: true,
            declared: TaskStatus::Pending,
            report: Some(text.to_owned()),
            sessions: records.collect(),
            tasks: vec![task(1, TaskStatus::Completed), task(2, TaskStatus::Blocked)],
            extra: Extra::new(),
        });
    }
    let plan = plan::read("# Plan: P\n\n## Stages\n\n### Stage 01: S\n\n#### Stage Questions\n\n- [ ] Q?\n");
    let mut report = report(&stream, PlanFacts::of(&stream, &plan), moment(3_000));
    for question in &mut report.questions {
        question.text = text.to_owned();
    }
    for stage in &mut report.stages {
        for thread in stage.batches.iter_mut().flat_map(|batch| &mut batch.threads) {
            thread.files = Some(vec![ChangedFile { path: text.to_owned(), added: 3, removed: 1 }]);
        }
    }
    report
}

/// What is in a Markdown text: headings, tables, rows, cells, items, quotations, code; and what must not be.
fn shape(markdown: &str) -> (Vec<(&'static str, usize)>, Vec<String>) {
    let mut counts = std::collections::BTreeMap::new();
    let mut wrong = Vec::new();
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_MATH;
    for event in Parser::new_ext(markdown, options) {
        let name = match event {
            Event::Start(Tag::Heading { .. }) => "heading",
            Event::Start(Tag::Table(_)) => "table",
            Event::Start(Tag::TableRow) => "row",
            Event::Start(Tag::TableCell) => "cell",
            Event::Start(Tag::Item) => "item",
            Event::Start(Tag::BlockQuote(_)) => "quotation",
            Event::Code(_) => "code",
            Event::Html(text) if text.trim() == work::ui::MARKDOWN_MARK => "mark",
            Event::Start(Tag::HtmlBlock | Tag::Paragraph | Tag::List(_) | Tag::Strong | Tag::TableHead)
            | Event::End(_)
            | Event::Text(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::TaskListMarker(_) => continue,
            other => {
                wrong.push(format!("{other:?}"));
                continue;
            }
        };
        *counts.entry(name).or_insert(0) += 1;
    }
    (counts.into_iter().collect(), wrong)
}

/// Every element of a page with the names of its attributes, in order, without what only the length of a text makes.
fn elements(page: &Html) -> Vec<String> {
    let all = page.root_element().descendants().filter_map(ElementRef::wrap);
    all.map(|element| {
        let attributes: Vec<&str> = element.value().attrs().map(|(name, _)| name).collect();
        format!("{} {}", element.value().name(), attributes.join(" "))
    })
    .collect()
}

/// The texts of all headings and table cells.
fn places(markdown: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), None);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match (event, &mut open) {
            (Event::Start(Tag::Heading { .. } | Tag::TableCell), open) => *open = Some(String::new()),
            (Event::Text(text), Some(place)) => place.push_str(&text),
            (Event::End(TagEnd::Heading(_) | TagEnd::TableCell), open) => found.extend(open.take()),
            _ => {}
        }
    }
    found
}

const PLAIN: &str = "plain words";

#[track_caller]
fn stays_text(text: &str) {
    let (plain, hostile) = (full_of(PLAIN, 2, 3), full_of(text, 2, 3));
    let ((expected, none), (found, wrong)) =
        (shape(&report_markdown(&plain)), shape(&report_markdown(&hostile)));
    assert_eq!((none, wrong), (Vec::<String>::new(), Vec::new()), "{text:?}");
    let without_code = |counts: &[(&'static str, usize)]| -> Vec<_> {
        // An empty text is no quotation.
        counts.iter().filter(|(name, _)| !matches!(*name, "quotation")).copied().collect()
    };
    assert_eq!(without_code(&expected), without_code(&found), "{text:?}\n{}", report_markdown(&hostile));
    // Cells beyond the last column are dropped by a reader of tables; so each place must have its whole text.
    let whole = |report: &Report, text: &str| {
        let places = places(&report_markdown(report));
        places.iter().map(|place| place.ends_with(&one_line(text))).collect::<Vec<_>>()
    };
    let (wanted, there) = (whole(&plain, PLAIN), whole(&hostile, text));
    assert_eq!(wanted.len(), there.len(), "{text:?}");
    // A short text may end our own words as well.
    let lost = wanted.iter().zip(&there).filter(|(wanted, there)| **wanted && !**there);
    assert_eq!(lost.count(), 0, "{text:?}");
    let (plain, hostile) =
        (Html::parse_document(&report_html(&plain)), Html::parse_document(&report_html(&hostile)));
    assert_eq!(hostile.errors.len(), plain.errors.len(), "{:?}", hostile.errors);
    assert_eq!(elements(&plain), elements(&hostile), "{text:?}");
}

/// Tried mutants: `|` without its backslash in Markdown; `<` as it is in HTML.
#[test]
fn hostile_words_stay_words() {
    for text in [
        "a | b | c",
        "x\n| --- |\n| y |",
        "# Heading\n## Another\n===\n---",
        "- item\n  - deeper\n1. one\n2) two\n+ three\n* four",
        "> quoted\n>> twice",
        "```\ncode\n```\n~~~\nmore",
        "    four spaces\n\n    of code",
        "[link](https://example.org) ![picture](https://example.org/x.png) <https://example.org>",
        "[ref]: https://example.org\n[ref]",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "</style></title></head></svg></table><h1>out</h1>",
        "--> <!-- <![CDATA[ ]]> <?php ?> <!DOCTYPE x>",
        "\" onmouseover=\"alert(1)\" x=\"' autofocus '",
        "&lt;script&gt; &#x3c; &amp; &quot",
        "**bold** _soft_ ~~gone~~ `code` ``more` ` $x$ $$y$$",
        "ends with a backslash \\",
        "\\| \\` \\\\",
        "a\u{0}b\u{1b}[2J\u{7f}\u{202e}c\r\nd\u{85}e\u{2028}f",
        "12. 3) - + = # > |",
        "https://example.org www.example.org",
        "漢字 🦀 é \u{301}",
    ] {
        stays_text(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_words_stay_words(text in "[a-z]([-#>|<&\"'`*_\\[\\]()!~+=.\\\\/:$ \n0-9a-z{}]|\\PC){0,24}") {
        stays_text(&text);
    }
}

#[test]
fn the_page_asks_nothing_of_anybody() {
    let html = report_html(&full_of("https://example.org/<x>", 3, 3));
    let page = Html::parse_document(&html);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let select = |css: &str| Selector::parse(css).expect("a selector");
    let policy = page.select(&select("meta[http-equiv=Content-Security-Policy]")).next().expect("a policy");
    let policy = policy.attr("content").expect("its content");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
    for css in ["script", "link", "img", "iframe", "object", "form", "[src]", "[style]", "[srcset]", "base"] {
        assert!(page.select(&select(css)).next().is_none(), "{css}");
    }
    for element in page.select(&select("*")) {
        for (name, value) in element.value().attrs() {
            assert!(!name.starts_with("on"), "{name}");
            assert!(name != "href" || value.starts_with('#'), "{value}");
        }
    }
    // Every link leads somewhere.
    for link in page.select(&select("[href]")) {
        let target = link.attr("href").expect("a target").trim_start_matches('#');
        assert!(page.select(&select("[id]")).any(|one| one.attr("id") == Some(target)), "{target}");
    }
    // What screen readers need.
    for css in ["html[lang]", "main", "header", "h1", "svg.plot[aria-label]", "table thead th[scope=col]"] {
        assert!(page.select(&select(css)).next().is_some(), "{css}");
    }
    assert!(page.select(&select("tbody tr")).all(|row| row.select(&select("th[scope=row]")).count() == 1));
}

/// Two hundred threads and a thousand sessions. The limits are far away, since a machine may be busy.
#[test]
fn a_large_stream_is_a_small_file_soon() {
    let report = full_of("Make the reader resumable", 200, 5);
    assert_eq!(report.spent.used.sessions, 1_000);
    let begun = Instant::now();
    let (html, markdown) = (report_html(&report), report_markdown(&report));
    let took = begun.elapsed();
    assert!(took.as_secs() < 5, "{took:?}");
    let sizes = (html.len(), markdown.len());
    println!("{took:?} for {sizes:?} bytes");
    assert!(html.len() < 1_500_000 && markdown.len() < 500_000, "{sizes:?}");
}

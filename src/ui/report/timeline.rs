//! The timeline: all sessions by thread, as SVG without a script.
//!
//! Names stand left, costs right, and between them the bars, which are as wide as there is room: their places are
//! percent. Says nothing by colour alone: each status has a pattern, a mark and a tooltip.

use chrono::{DateTime, Utc};

use super::super::one_line;
use super::super::text::cut;
use super::axis::{Axis, Tick};
use super::html_text::line;
use super::words::{cost, count, moment, session_cost, session_took, took, utc};
use crate::engine::report::{Report, SessionReport, ThreadReport};
use crate::engine::status::SessionStatus;

/// Heights, in pixels.
const HEAD: usize = 40;
const STAGE: usize = 30;
const BATCH: usize = 22;
const THREAD: usize = 24;
const BAR: usize = 14;
const FOOT: usize = 30;

/// With more sessions than this it is as wide as the window.
const LONG: usize = 100;

/// How many columns of a name there is room for.
const NAME: usize = 27;

/// The least width of a bar, in percent: what took a second is seen, too.
const LEAST: f64 = 0.5;

/// A bar that is wider than this has its mark within.
const MARKED: f64 = 3.0;

/// A gap that is wider than this tells how long it is.
const NAMED_CUT: f64 = 2.9;

/// What stands in a row.
enum Row<'a> {
    Stage(String, &'a str),
    Batch(String, &'a str),
    Thread(&'a ThreadReport),
}

impl Row<'_> {
    fn height(&self) -> usize {
        match self {
            Self::Stage(..) => STAGE,
            Self::Batch(..) => BATCH,
            Self::Thread(_) => THREAD,
        }
    }
}

/// The timeline with its legend; one line of text when no session was ever begun.
pub(super) fn timeline(report: &Report) -> String {
    let stretches: Vec<_> = sessions(report).map(|session| stretch(session, report.made_at)).collect();
    let Some(axis) = Axis::new(&stretches) else {
        return "<p class=\"empty\">No agent has worked on this stream yet, so there is nothing to draw.</p>\n".to_owned();
    };
    let rows = placed(report);
    let height = rows.last().map_or(HEAD, |(top, row)| top + row.height()) + FOOT;
    let threads = rows.iter().filter(|(_, row)| matches!(row, Row::Thread(_))).count();
    let label = format!(
        "Timeline of {} of {}, in UTC. The tables below tell the same.",
        count(report.spent.used.sessions, "session"),
        count(threads, "thread")
    );
    format!(
        "{legend}<div class=\"timeline{long}\" role=\"region\" aria-label=\"Timeline\" tabindex=\"0\">\n\
         <svg class=\"names\" height=\"{height}\" role=\"group\" aria-label=\"Threads\">\n{names}</svg>\n\
         <svg class=\"plot\" height=\"{height}\" role=\"group\" aria-label=\"{label}\">\n{defs}{grid}{bars}</svg>\n\
         <svg class=\"costs\" height=\"{height}\" role=\"group\" aria-label=\"Cost of each thread\">\n{costs}</svg>\n\
         </div>\n{cuts}",
        long = if report.spent.used.sessions > LONG { " long" } else { "" },
        legend = legend(report),
        names = names(&rows),
        defs = DEFS,
        grid = grid(&axis, &rows, height),
        bars = bars(&axis, &rows, report.made_at),
        costs = costs(&rows),
        cuts = cuts_note(&axis),
    )
}

fn sessions(report: &Report) -> impl Iterator<Item = &SessionReport> {
    report.threads().flat_map(|thread| &thread.sessions)
}

/// From when to when a session is drawn.
fn stretch(session: &SessionReport, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let running = session.status == SessionStatus::Running;
    let end = session.ended_at.or(running.then_some(now)).unwrap_or(session.started_at);
    (session.started_at, end.max(session.started_at))
}

/// The rows, each with its place from above.
fn placed(report: &Report) -> Vec<(usize, Row<'_>)> {
    let mut rows = Vec::new();
    let mut top = HEAD;
    let mut push = |row: Row<'_>| -> usize {
        let at = top;
        top += row.height();
        at
    };
    for stage in &report.stages {
        let row = Row::Stage(stage.id.to_string(), &stage.name);
        rows.push((push(Row::Stage(String::new(), "")), row));
        for batch in &stage.batches {
            let row = Row::Batch(batch.id.to_string(), &batch.name);
            rows.push((push(Row::Batch(String::new(), "")), row));
            for thread in &batch.threads {
                rows.push((push(Row::Thread(thread)), Row::Thread(thread)));
            }
        }
    }
    rows
}

/// The patterns of the statuses; the colours are those of the style.
const DEFS: &str = "<defs>\
<pattern id=\"p-failed\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
<rect class=\"failed\" width=\"6\" height=\"6\"/><path class=\"cut-out\" d=\"M0 0L6 6M6 0L0 6\"/></pattern>\
<pattern id=\"p-interrupted\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect class=\"interrupted\" width=\"6\" height=\"6\"/><path class=\"cut-out\" d=\"M0 0V6\"/></pattern>\
<pattern id=\"p-running\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
<rect class=\"running\" width=\"6\" height=\"6\"/><circle class=\"dot\" cx=\"3\" cy=\"3\" r=\"1.1\"/></pattern>\
<pattern id=\"p-cut\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<path class=\"idle\" d=\"M0 0V7\"/></pattern></defs>\n";

/// A status, its mark, and what it means.
const LEGEND: [(SessionStatus, &str, &str); 4] = [
    (SessionStatus::Completed, "✓", "completed: the agent ended its turn"),
    (SessionStatus::Failed, "✕", "failed"),
    (SessionStatus::Interrupted, "‖", "interrupted"),
    (SessionStatus::Running, "▸", "runs, its end is open"),
];

fn mark(status: SessionStatus) -> &'static str {
    LEGEND.iter().find(|(known, ..)| *known == status).map_or("", |(_, mark, _)| mark)
}

fn fill(status: SessionStatus) -> String {
    match status {
        SessionStatus::Completed => "class=\"completed\"".to_owned(),
        other => format!("class=\"edge-{0}\" fill=\"url(#p-{0})\"", other.name()),
    }
}

fn legend(report: &Report) -> String {
    let there = |status: SessionStatus| sessions(report).any(|session| session.status == status);
    let entry = |(status, mark, words): &(SessionStatus, &str, &str)| {
        format!(
            "<li><svg width=\"34\" height=\"{BAR}\" aria-hidden=\"true\"><rect {} width=\"33\" height=\"13\" x=\".5\" y=\".5\" rx=\"3\"/></svg> \
             <span aria-hidden=\"true\">{mark}</span> {words}</li>\n",
            fill(*status)
        )
    };
    let entries: String = LEGEND.iter().filter(|(status, ..)| there(*status)).map(entry).collect();
    format!("<ul class=\"legend\" aria-label=\"Legend\">\n{entries}</ul>\n")
}

fn names(rows: &[(usize, Row<'_>)]) -> String {
    let mut out = String::new();
    for (top, row) in rows {
        out.push_str(&match row {
            Row::Stage(id, name) => {
                format!("<text class=\"stage\" x=\"0\" y=\"{}\">{id} {}</text>\n", top + 20, line(name))
            }
            Row::Batch(id, name) => {
                format!("<text class=\"batch\" x=\"0\" y=\"{}\">{id} {}</text>\n", top + 15, line(name))
            }
            Row::Thread(thread) => format!(
                "<a href=\"#t-{id}\"><text x=\"0\" y=\"{y}\"><title>{id} {name}: {status}</title>\
                 <tspan class=\"id\">{id}</tspan> {short}</text></a>\n",
                id = thread.id,
                y = top + 16,
                name = line(&thread.name),
                short = line(&cut(&one_line(&thread.name), NAME)),
                status = thread.status.name()
            ),
        });
    }
    out
}

fn costs(rows: &[(usize, Row<'_>)]) -> String {
    let mut out = format!("<text class=\"head\" x=\"100%\" y=\"{}\">Cost</text>\n", HEAD - 10);
    for (top, row) in rows {
        let Row::Thread(thread) = row else { continue };
        let text = cost(&thread.spent);
        if !text.is_empty() {
            out.push_str(&format!("<text x=\"100%\" y=\"{}\">{text}</text>\n", top + 16));
        }
    }
    out
}

/// The lines of the hours, the gaps, and the names of both; on a long chart the hours stand at each stage again.
fn grid(axis: &Axis, rows: &[(usize, Row<'_>)], height: usize) -> String {
    let (top, bottom) = (HEAD - 4, height - FOOT);
    let ticks = axis.ticks();
    let mut out = String::new();
    for (at, row) in rows {
        if matches!(row, Row::Stage(..)) {
            out.push_str(&format!(
                "<rect class=\"band\" x=\"0\" y=\"{at}\" width=\"100%\" height=\"{STAGE}\"/>\n"
            ));
        }
    }
    for Tick { at, .. } in &ticks {
        out.push_str(&format!(
            "<line class=\"grid\" x1=\"{at:.2}%\" x2=\"{at:.2}%\" y1=\"{top}\" y2=\"{bottom}\"/>\n"
        ));
    }
    for cut in &axis.cuts {
        let idle = took(u64::try_from(cut.idle.num_seconds()).unwrap_or_default());
        out.push_str(&format!(
            "<rect fill=\"url(#p-cut)\" x=\"{:.2}%\" y=\"{top}\" width=\"{:.2}%\" height=\"{}\">\
             <title>nobody worked for {idle}</title></rect>\n",
            cut.left,
            cut.width,
            bottom - top
        ));
        if cut.width >= NAMED_CUT {
            let middle = cut.left + cut.width / 2.0;
            let hours = cut.idle.num_hours();
            let short = if hours > 48 {
                format!("{}d", hours / 24)
            } else {
                idle.split(' ').next().unwrap_or_default().to_owned()
            };
            out.push_str(&format!(
                "<text class=\"gap\" x=\"{middle:.2}%\" y=\"{}\">+{short}</text>\n",
                bottom + 26
            ));
        }
    }
    out.push_str(&hours(&ticks, HEAD - 10, true));
    out.push_str(&hours(&ticks, bottom + 14, false));
    if rows.len() > 40 {
        for (at, _) in rows.iter().skip(1).filter(|(_, row)| matches!(row, Row::Stage(..))) {
            out.push_str(&hours(&ticks, at + 19, false));
        }
    }
    out
}

fn hours(ticks: &[Tick], y: usize, days: bool) -> String {
    let mut out = String::new();
    for tick in ticks {
        let anchor = match tick.at {
            at if at < 3.0 => " text-anchor=\"start\"",
            at if at > 97.0 => " text-anchor=\"end\"",
            _ => "",
        };
        out.push_str(&format!(
            "<text class=\"hour\"{anchor} x=\"{:.2}%\" y=\"{y}\">{}</text>\n",
            tick.at, tick.label
        ));
        if let Some(day) = tick.day.as_ref().filter(|_| days) {
            out.push_str(&format!(
                "<text class=\"day\"{anchor} x=\"{:.2}%\" y=\"{}\">{day}</text>\n",
                tick.at,
                y - 15
            ));
        }
    }
    out
}

fn bars(axis: &Axis, rows: &[(usize, Row<'_>)], now: DateTime<Utc>) -> String {
    let mut out = String::new();
    for (top, row) in rows {
        let Row::Thread(thread) = row else { continue };
        if thread.sessions.is_empty() {
            continue;
        }
        // The names are links as well; so nobody has to pass a thousand bars with the keyboard.
        out.push_str(&format!("<a href=\"#t-{}\" tabindex=\"-1\">\n", thread.id));
        for session in &thread.sessions {
            out.push_str(&bar(axis, session, top + (THREAD - BAR) / 2, now));
        }
        out.push_str("</a>\n");
    }
    out
}

fn bar(axis: &Axis, session: &SessionReport, y: usize, now: DateTime<Utc>) -> String {
    let (from, to) = stretch(session, now);
    let left = axis.at(from).min(100.0 - LEAST);
    let width = (axis.at(to) - left).max(LEAST).min(100.0 - left);
    let tip = [
        format!("attempt {}", session.attempt),
        session.status.name().to_owned(),
        session.agent.0.clone(),
        session.model.clone(),
        format!("{} UTC", moment(session.started_at)),
        session_took(session),
        format!("cost {}", session_cost(session)),
    ];
    let why = session.why.as_ref().map(|why| format!(": {}", line(why))).unwrap_or_default();
    let mut out = format!(
        "<rect {} x=\"{left:.2}%\" y=\"{y}\" width=\"{width:.2}%\" height=\"{BAR}\" rx=\"3\"><title>{}{why}</title></rect>\n",
        fill(session.status),
        line(&tip.join(" · "))
    );
    let (mark, class) = match (session.status, session.ended_at) {
        // Nobody saw its end.
        (SessionStatus::Interrupted, None) => ("?", "mark beside"),
        (SessionStatus::Running, _) => ("▸", "mark beside"),
        (status, _) if width >= MARKED => (mark(status), "mark"),
        _ => return out,
    };
    let (x, anchor) = match class {
        "mark" => (left + width / 2.0, ""),
        _ if left + width > 97.0 => (left, " dx=\"-4\" text-anchor=\"end\""),
        _ => (left + width, " dx=\"3\" text-anchor=\"start\""),
    };
    out.push_str(&format!(
        "<text class=\"{class} on-{}\" x=\"{x:.2}%\" y=\"{}\"{anchor}>{mark}</text>\n",
        session.status.name(),
        y + 11
    ));
    out
}

fn cuts_note(axis: &Axis) -> String {
    let longest = axis.cuts.iter().map(|cut| cut.idle).max();
    let Some(longest) = longest else { return String::new() };
    format!(
        "<p class=\"note\">Hatched gaps are idle times that were cut out: {}, the longest {}.</p>\n",
        count(axis.cuts.len(), "gap"),
        took(u64::try_from(longest.num_seconds()).unwrap_or_default())
    )
}

/// From when to when, as a sentence below the title.
pub(super) fn when(report: &Report) -> String {
    let Some(span) = report.span else { return String::new() };
    let to = span.to.map_or_else(|| "now".to_owned(), utc);
    format!("<p class=\"note\">{} to {to}. All times are UTC.</p>\n", utc(span.from))
}

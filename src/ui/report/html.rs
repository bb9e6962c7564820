//! The report as one HTML file: no script, and nothing from elsewhere.

use sha2::{Digest as _, Sha256};

use super::HTML_MARK;
use super::html_text::{line, sentence};
use super::html_thread::{chip, stage, table};
use super::timeline::{timeline, when};
use super::words::{
    all_tokens, cost, cost_sentence, count, counts, drift, stuck, tasks, time, time_sentence, tokens,
    tokens_sentence, utc,
};
use crate::engine::report::{AgentReport, Report, StageReport};
use crate::model::{Progress, ThreadStatus};

const STYLE: &str = include_str!("style.css");

/// The report, to be looked at.
#[must_use]
pub fn report_html(report: &Report) -> String {
    let mut text = format!(
        "{HTML_MARK}\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>Report: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        policy(),
        line(&report.name)
    );
    text.push_str(&header(report));
    text.push_str("<main>\n");
    text.push_str(&figures(report));
    text.push_str(&left(report));
    text.push_str(&section("timeline", "Timeline", &format!("{}{}", when(report), timeline(report))));
    if report.stages.is_empty() {
        text.push_str(
            "<p class=\"empty\">There are no threads yet: a plan that is approved gives them.</p>\n",
        );
    } else {
        text.push_str(&section("stages", "Stages", &stages(report)));
    }
    if !report.agents.is_empty() {
        text.push_str(&section("agents", "Agents and models", &agents(report)));
    }
    text.extend(report.stages.iter().map(stage));
    text.push_str("</main>\n");
    text.push_str(&format!(
        "<footer><p>Made by <code>work report --html</code> on {}. Tokens and cost are what the agents told, \
         for each session as a whole; where none told a price, it is unknown.</p></footer>\n</body>\n</html>\n",
        utc(report.made_at)
    ));
    text
}

/// What a browser may load: nothing. Only our own style counts, by its hash.
fn policy() -> String {
    let hash = base64(&Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * index) & 63) as usize).copied().unwrap_or(b'=');
            text.push(char::from(if index > three.len() { b'=' } else { digit }));
        }
    }
    text
}

fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n{body}</section>\n")
}

fn header(report: &Report) -> String {
    let mut facts =
        vec![format!("made {}", utc(report.made_at)), format!("created {}", utc(report.created_at))];
    facts.push(match &report.approved {
        Some(sign) => format!("plan approved {} by {}", utc(sign.at), line(&sign.by)),
        None => "plan not approved".to_owned(),
    });
    if report.state != "open" {
        facts.push(report.state.replace('_', " "));
    }
    format!(
        "<header>\n<p class=\"eyebrow\">{}</p>\n<h1>{}</h1>\n<p class=\"facts\">{}</p>\n</header>\n",
        report.stream,
        line(&report.name),
        facts.join(" · ")
    )
}

/// A bar of how much is done.
fn bar(progress: &Progress) -> String {
    let percent = (progress.completed * 100).checked_div(progress.total).unwrap_or(0);
    format!(
        "<svg class=\"bar\" height=\"6\" aria-hidden=\"true\"><rect class=\"rail\" width=\"100%\" height=\"6\" rx=\"3\"/>\
         <rect class=\"completed\" width=\"{percent}%\" height=\"6\" rx=\"3\"/></svg>"
    )
}

fn figures(report: &Report) -> String {
    let figure = |label: &str, value: &str, note: &str| {
        format!("<div><dt>{label}</dt><dd>{value}<small>{note}</small></dd></div>\n")
    };
    let spent = &report.spent;
    let standing = counts(&report.counts);
    let mut text = "<dl class=\"figures\">\n".to_owned();
    let done = format!("{}/{}", report.tasks.completed, report.tasks.total);
    text.push_str(&figure("Tasks done", &done, &bar(&report.tasks)));
    text.push_str(&figure("Threads", &report.threads().count().to_string(), &standing));
    let by = if report.agents.is_empty() {
        "no agent has worked yet".to_owned()
    } else {
        let mut names: Vec<&str> = report.agents.iter().map(|agent| agent.agent.0.as_str()).collect();
        names.dedup();
        count(names.len(), "agent")
    };
    text.push_str(&figure("Sessions", &spent.used.sessions.to_string(), &by));
    if spent.used.sessions > 0 {
        let worked = time(spent);
        let note = time_sentence(spent);
        let note = note.split_once(", ").map_or("", |(_, note)| note);
        text.push_str(&figure("Agents worked", &worked, note));
        text.push_str(&figure("Tokens", &all_tokens(spent), &tokens_sentence(spent)));
        let note =
            if spent.used.unpriced > 0 { cost_sentence(spent) } else { "as the agents told".to_owned() };
        text.push_str(&figure("Cost", &cost(spent), &note));
    }
    text.push_str("</dl>\n");
    text
}

fn left(report: &Report) -> String {
    let mut items = Vec::new();
    let drift = drift(report);
    items.extend((!drift.is_empty()).then_some(drift));
    if let Some(why) = &report.plan_unreadable {
        items.push(format!("PLAN.md can't be read: {}", line(why)));
    }
    for question in &report.questions {
        items.push(format!("open question of stage {}: {}", question.stage, line(&question.text)));
    }
    let (stuck, more) = stuck(report);
    for (thread, left) in stuck {
        items.push(format!(
            "{} <a href=\"#t-{id}\">{id} {}</a>: {}<br><span class=\"aside\">→ {}</span>",
            chip(thread.status),
            line(&thread.name),
            line(&left.why),
            sentence(&left.next),
            id = thread.id
        ));
    }
    items.extend((more > 0).then(|| format!("{more} more threads are not done; each says so below")));
    let fresh = |thread: &&crate::engine::report::ThreadReport| {
        thread.status == ThreadStatus::Pending && thread.in_plan
    };
    match report.threads().filter(fresh).count() {
        0 => {}
        number => items.push(format!("{} did not begin", count(number, "thread"))),
    }
    if items.is_empty() && report.next.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    if items.is_empty() {
        body.push_str("<p>Nothing: every thread is done.</p>\n");
    } else {
        let items: String = items.iter().map(|item| format!("<li>{item}</li>\n")).collect();
        body.push_str(&format!("<ul class=\"open\">\n{items}</ul>\n"));
    }
    if !report.next.is_empty() {
        let steps: String = report.next.iter().map(|step| format!("<li>{}</li>\n", sentence(step))).collect();
        body.push_str(&format!("<p>What to do next:</p>\n<ol>\n{steps}</ol>\n"));
    }
    section("left", "What is left", &body)
}

fn stages(report: &Report) -> String {
    let row = |stage: &StageReport| {
        let result = match &stage.approved {
            Some(sign) => {
                let part = if stage.newer.is_empty() { "" } else { "in part, " };
                format!("{part}approved {} by {}", utc(sign.at), line(&sign.by))
            }
            None => "<span class=\"aside\">not approved</span>".to_owned(),
        };
        vec![
            format!("<a href=\"#s-{0}\">{0}</a>", stage.id),
            line(&stage.name),
            format!("{} {}", bar(&stage.tasks), tasks(&stage.tasks)),
            stage.spent.used.sessions.to_string(),
            time(&stage.spent),
            cost(&stage.spent),
            result,
        ]
    };
    let head = ["Stage", "Name", "Progress", "#Sessions", "#Agents worked", "#Cost", "Result"];
    table("Stages", &head, report.stages.iter().map(row))
}

fn agents(report: &Report) -> String {
    let row = |agent: &AgentReport| {
        let [tokens_in, tokens_out] = tokens(&agent.spent);
        vec![
            line(&agent.agent.0),
            format!("<span class=\"model\">{}</span>", line(&agent.model)),
            agent.threads.to_string(),
            counts(&agent.counts),
            time(&agent.spent),
            tokens_in,
            tokens_out,
            cost(&agent.spent),
        ]
    };
    let head = ["=Agent", "Model", "#Threads", "Sessions", "#Worked", "#Tokens in", "#Tokens out", "#Cost"];
    table("Agents and models", &head, report.agents.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (text, written) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), written);
        }
    }

    /// A `<` in the style could end it, and what follows would be markup.
    #[test]
    fn the_style_is_only_a_style() {
        assert!(!STYLE.contains(['<', '>', '&']) && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}

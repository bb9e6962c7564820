//! `budget` of `work/config.yaml`: what a thread and a stream may use.

use super::reader::Reader;
use super::yaml::Node;
use crate::model::{Budget, Limit, Limits, Money};

/// Nobody means more dollars than this.
const MOST_DOLLARS: f64 = 1e9;

/// Reads `budget`; `source` is the whole file, for the numbers of lines.
pub(super) fn budget(reader: &mut Reader, node: &Node, source: &str, budget: &mut Budget) {
    for (key, node) in reader.map(node, "`budget`", &["thread", "stream", "warn"]).unwrap_or_default() {
        match key.name.as_str() {
            "thread" => limits(reader, node, source, "budget.thread", &mut budget.thread),
            "stream" => limits(reader, node, source, "budget.stream", &mut budget.stream),
            _ => budget.warn = percent(reader, node).unwrap_or(budget.warn),
        }
    }
}

fn limits(reader: &mut Reader, node: &Node, source: &str, what: &str, limits: &mut Limits) {
    for (key, node) in reader.map(node, &format!("`{what}`"), &["cost", "tokens"]).unwrap_or_default() {
        let line = source.get(..node.span.start).map_or(1, |before| before.matches('\n').count() + 1);
        let what = format!("`{what}.{}`", key.name);
        let Some(text) = reader.text(node, &what) else { continue };
        match key.name.as_str() {
            "cost" => match dollars(&text) {
                Some(most) => limits.cost = Some(Limit { most, line }),
                None => {
                    let help = "write US dollars such as `2.50`; to set no limit, leave the key out";
                    let message = format!("{what}: `{text}` is no sum of money above nothing");
                    reader.error("C012", node.span.clone(), message, help);
                }
            },
            _ => match tokens(&text) {
                Some(most) => limits.tokens = Some(Limit { most, line }),
                None => {
                    let help =
                        "write a number such as `500000`, `500k` or `2M`; to set no limit, leave the key out";
                    let message = format!("{what}: `{text}` is no number of tokens above nothing");
                    reader.error("C012", node.span.clone(), message, help);
                }
            },
        }
    }
}

/// `2.50`, `$20`: digits, and a point at most.
fn dollars(text: &str) -> Option<Money> {
    let number = text.trim().strip_prefix('$').unwrap_or(text.trim());
    let digits = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let dollars: f64 = number.parse().ok().filter(|dollars| digits && *dollars <= MOST_DOLLARS)?;
    Some(Money::of_dollars(dollars)).filter(|money| !money.is_zero())
}

/// `500000`, `500_000`, `500k`, `2M`.
fn tokens(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1_000),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1), |number| (number, 1_000_000)),
    };
    let number: u64 = number.trim_end().replace('_', "").parse().ok()?;
    number.checked_mul(unit).filter(|tokens| *tokens > 0)
}

/// `80%`, or `0.8` of it.
fn percent(reader: &mut Reader, node: &Node) -> Option<u8> {
    let text = reader.text(node, "`budget.warn`")?;
    let part = match text.trim().strip_suffix('%') {
        Some(number) => number.trim_end().parse().ok(),
        None => text.trim().parse().ok().map(|part: f64| part * 100.0),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 1 to 100")]
    let percent = part.map(f64::round).filter(|part| (1.0..=100.0).contains(part)).map(|part| part as u8);
    if percent.is_none() {
        let message = format!("`budget.warn`: `{text}` is no part of a budget");
        reader.error(
            "C012",
            node.span.clone(),
            message,
            "write a percentage such as `80%`; `100%` warns of nothing",
        );
    }
    percent
}

#[cfg(test)]
mod tests {
    use crate::config::parse_settings;
    use crate::model::{Budget, Limit, Limits, Money};

    /// Tried mutants: a line too few; the tokens of a thread for those of its stream.
    #[test]
    fn limits_are_read_with_their_lines() {
        let text = "window: tui\nbudget:\n  thread: { cost: 2.50, tokens: 500k }\n  stream:\n    cost: $20\n    \
                    tokens: 3M\n  warn: 75%\n";
        let parsed = parse_settings(text);
        assert_eq!(parsed.diagnostics, []);
        let limit = |dollars, line| Some(Limit { most: Money::of_dollars(dollars), line });
        let thread = Limits { cost: limit(2.5, 3), tokens: Some(Limit { most: 500_000, line: 3 }) };
        let stream = Limits { cost: limit(20.0, 5), tokens: Some(Limit { most: 3_000_000, line: 6 }) };
        assert_eq!(parsed.settings.budget, Budget { thread, stream, warn: 75 });
        let warn = |text: &str| parse_settings(&format!("budget: {{ warn: {text} }}\n")).settings.budget.warn;
        assert_eq!((warn("0.8"), warn("1"), warn("1%"), warn("29.6%")), (80, 100, 1, 30));
        assert_eq!(
            parse_settings("budget: { thread: { tokens: 1_000 } }")
                .settings
                .budget
                .thread
                .tokens
                .map(|limit| limit.most),
            Some(1_000)
        );
    }

    #[test]
    fn what_is_no_limit_is_told_at_its_place() {
        for (text, place) in [
            ("budget: { thread: { cost: 0 } }", "0"),
            ("budget: { thread: { cost: -1 } }", "-1"),
            ("budget: { thread: { cost: 1e3 } }", "1e3"),
            ("budget: { thread: { cost: inf } }", "inf"),
            ("budget: { stream: { cost: 2 EUR } }", "2 EUR"),
            ("budget: { stream: { tokens: 1.5 } }", "1.5"),
            ("budget: { stream: { tokens: 0k } }", "0k"),
            ("budget: { stream: { tokens: 99999999999999999M } }", "99999999999999999M"),
            ("budget: { warn: 0 }", "0"),
            ("budget: { warn: 101% }", "101%"),
            ("budget: { warn: soon }", "soon"),
        ] {
            let parsed = parse_settings(text);
            let found: Vec<_> = parsed.diagnostics.iter().map(|one| one.code).collect();
            assert_eq!(found, ["C012"], "{text}");
            let span = parsed.diagnostics[0].primary.as_ref().expect("a place").span.clone();
            assert_eq!(&text[span], place);
            assert_eq!(parsed.settings.budget, Budget::default(), "{text}");
        }
    }
}

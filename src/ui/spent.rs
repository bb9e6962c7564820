//! What was spent, in the same words everywhere: `$1.51`; `≥ $1.51` where some of it was not told; `unknown`
//! where nobody told a price. Decides nothing.

use super::grid::{Column, Grid};
use super::{Screen, Style, one_line, paint};
use crate::engine::status::{AgentSpent, StatusReport, ThreadRow};
use crate::model::{BudgetCheck, BudgetOf, Spent, Verdict, grouped};

/// What it cost together, for a table; nothing when there is no session.
pub(super) fn cost(spent: &Spent) -> String {
    match (spent.cost, spent.unpriced) {
        _ if spent.sessions == 0 => String::new(),
        (None, _) => "unknown".to_owned(),
        (Some(cost), 0) => cost.to_string(),
        (Some(cost), _) => format!("≥ {cost}"),
    }
}

/// Tokens in and out, for a table; nothing when there is no session.
pub(super) fn tokens(spent: &Spent) -> [String; 2] {
    [spent.tokens.sent(), spent.tokens.received()].map(|tokens| count_of(spent, tokens))
}

/// All tokens, for a table; nothing when there is no session.
pub(super) fn all_tokens(spent: &Spent) -> String {
    count_of(spent, spent.tokens.total())
}

fn count_of(spent: &Spent, tokens: u64) -> String {
    match spent.unmetered {
        _ if spent.sessions == 0 => String::new(),
        0 => grouped(tokens),
        unmetered if unmetered == spent.sessions => "unknown".to_owned(),
        _ => format!("≥ {}", grouped(tokens)),
    }
}

/// Few words: what it cost, where a price was told; else how many tokens; nothing where nothing was told.
pub(super) fn short(spent: &Spent) -> String {
    let least = |untold: usize| if untold > 0 { "≥ " } else { "" };
    match (spent.cost.filter(|cost| !cost.is_zero()), spent.tokens.total()) {
        (Some(cost), _) => format!("{}{cost}", least(spent.unpriced)),
        (None, 0) => String::new(),
        (None, tokens) => format!("{}{} tokens", least(spent.unmetered), thousands(tokens)),
    }
}

/// What a stream has spent, in few words, and of how much where it has a limit.
pub(super) fn of_stream(report: &StatusReport) -> String {
    let limits: Vec<String> = report.budget.iter().map(BudgetCheck::words).collect();
    if limits.is_empty() { short(&report.spent) } else { limits.join(", ") }
}

/// `820`, `12.3k`, `1.2M`.
fn thousands(number: u64) -> String {
    let (unit, word) = match number {
        0..1_000 => return number.to_string(),
        1_000..1_000_000 => (1_000, "k"),
        _ => (1_000_000, "M"),
    };
    let (whole, tenth) = (number / unit, number % unit / (unit / 10));
    if whole >= 100 || tenth == 0 { format!("{whole}{word}") } else { format!("{whole}.{tenth}{word}") }
}

/// Whose budget is being used up, or can't be held: a line each; nothing when all is well.
pub(super) fn budget_below(screen: &Screen, report: &StatusReport) -> String {
    let stream = report.budget.iter().map(|check| (report.stream.to_string(), check));
    let of_thread = |row: &ThreadRow| {
        let id = row.id.to_string();
        row.budget.iter().map(move |check| (id.clone(), *check)).collect::<Vec<_>>()
    };
    let threads: Vec<(String, BudgetCheck)> = report.threads.iter().flat_map(of_thread).collect();
    let lines: String = stream
        .chain(threads.iter().map(|(id, check)| (id.clone(), check)))
        .filter_map(|(whose, check)| {
            let (style, note) = match (check.verdict, check.of) {
                (Verdict::Over, BudgetOf::Thread) => (Style::Bad, ": no further turn of it is started"),
                (Verdict::Over, BudgetOf::Stream) => (Style::Bad, ": no further turn is started"),
                (Verdict::Warned, _) => (Style::Attention, ""),
                (Verdict::Unknown | Verdict::Within, _) => return None,
            };
            let far = if check.verdict == Verdict::Over { "used up" } else { "nearly used up" };
            let far = paint(far, style, screen.color);
            Some(format!("{whose}  budget {far}, {}{note}\n", check.words()))
        })
        .collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// What each agent used, below the sessions; nothing when none told anything.
pub(super) fn agents_below(screen: &Screen, agents: &[AgentSpent]) -> String {
    if agents.iter().all(|agent| agent.spent.is_untold() || agent.spent.tokens.total() == 0) {
        return String::new();
    }
    let whole = Column::whole;
    let mut grid = Grid::new([
        Column::cut("Agent", 12),
        whole("Sessions"),
        whole("Tokens in"),
        whole("Tokens out"),
        whole("Cost"),
    ]);
    for AgentSpent { agent, spent } in agents {
        let [sent, received] = tokens(spent);
        grid.row([
            one_line(&agent.0).as_str().into(),
            spent.sessions.to_string().into(),
            sent.into(),
            received.into(),
            cost(spent).into(),
        ]);
    }
    format!("\n{}", grid.draw(screen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Money, Tokens};

    fn spent(sessions: usize, cost: Option<f64>, unpriced: usize, input: u64, unmetered: usize) -> Spent {
        let tokens = Tokens { input, ..Tokens::default() };
        Spent { sessions, tokens, cost: cost.map(Money::of_dollars), unmetered, unpriced }
    }

    /// Tried mutant: a cost of zero, said where no price was told.
    #[test]
    fn what_was_not_told_is_said_and_is_no_zero() {
        for (of, cost_said, tokens_said, short_said) in [
            (spent(0, None, 0, 0, 0), "", "", ""),
            (spent(2, Some(1.5), 0, 1_234, 0), "$1.50", "1,234", "$1.50"),
            (spent(2, Some(1.5), 1, 1_234, 1), "≥ $1.50", "≥ 1,234", "≥ $1.50"),
            (spent(2, None, 2, 1_234, 0), "unknown", "1,234", "1.2k tokens"),
            (spent(2, Some(0.0), 1, 999, 1), "≥ $0", "≥ 999", "≥ 999 tokens"),
            (spent(1, None, 1, 0, 1), "unknown", "unknown", ""),
            (spent(1, Some(0.0), 0, 0, 0), "$0", "0", ""),
        ] {
            let [sent, _] = tokens(&of);
            let said = [cost(&of), sent, short(&of)];
            assert_eq!(said, [cost_said, tokens_said, short_said], "{of:?}");
        }
    }

    #[test]
    fn large_numbers_are_short() {
        for (number, said) in
            [(999, "999"), (1_000, "1k"), (12_345, "12.3k"), (512_345, "512k"), (1_250_000, "1.2M")]
        {
            assert_eq!(thousands(number), said);
        }
    }
}

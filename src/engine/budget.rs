//! Budgets: what keeps a turn from being started, and what a turn that has ended says of them.
//!
//! A turn that runs is never cut off: what it used is known when it has ended, and the next one is refused. One
//! invariant: whether a limit was passed is told by the very write that passed it, so that it is told once,
//! however many turns end at a time.

use super::status::{self, StatusReport};
use crate::model::{
    AgentName, Budget, BudgetCheck, BudgetOf, Outcome, SessionRecord, SessionState, Spent, Stream, StreamId,
    Thread, ThreadId, Verdict,
};

/// How a thread and its stream stand against their limits, the thread first.
#[must_use]
pub fn checks(stream: &Stream, thread: &Thread, budget: &Budget) -> Vec<BudgetCheck> {
    let of_thread = budget.checks(BudgetOf::Thread, &Spent::of(&thread.sessions));
    let of_stream = budget.checks(BudgetOf::Stream, &status::spent(stream));
    of_thread.into_iter().chain(of_stream).collect()
}

/// The first limit that is used up, so that no turn of the thread is started.
#[must_use]
pub fn over(stream: &Stream, thread: &Thread, budget: &Budget) -> Option<BudgetCheck> {
    checks(stream, thread, budget).into_iter().find(|check| check.verdict == Verdict::Over)
}

/// Puts into a report how its stream and its threads stand. Of the stream all limits are told, of threads
/// those that are nearly or quite used up, or can't be held.
pub fn mark(report: &mut StatusReport, budget: &Budget) {
    report.budget = budget.checks(BudgetOf::Stream, &report.spent);
    for row in &mut report.threads {
        row.budget = budget.checks(BudgetOf::Thread, &row.spent);
        row.budget.retain(|check| check.verdict != Verdict::Within);
    }
}

/// `thread 01.01.01` or `stream 001-a`: whose limit it is.
#[must_use]
pub fn whose(of: BudgetOf, stream: &StreamId, thread: ThreadId) -> String {
    match of {
        BudgetOf::Thread => format!("thread `{thread}`"),
        BudgetOf::Stream => format!("stream `{stream}`"),
    }
}

/// What a person is told of a limit; nothing while little of it is used.
fn words(check: &BudgetCheck, stream: &StreamId, thread: ThreadId) -> Option<String> {
    let (whose, used, key) = (whose(check.of, stream, thread), check.words(), check.key);
    match check.verdict {
        Verdict::Within | Verdict::Unknown => None,
        Verdict::Warned => Some(format!("{whose} has used {used} (`{key}`)")),
        Verdict::Over => Some(format!(
            "{whose} has used up its budget, {used} (`{key}`): no further turn of it is started without \
             `--over-budget`"
        )),
    }
}

/// What a person is told of the limits of some threads and their stream, each once.
#[must_use]
pub fn warnings(stream: &Stream, threads: &[ThreadId], budget: &Budget) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for thread in threads.iter().filter_map(|id| stream.thread(*id)) {
        for check in checks(stream, thread, budget) {
            said.extend(words(&check, &stream.id, thread.id).filter(|text| !said.contains(text)));
        }
    }
    said
}

/// What had been used at one moment, as far as a turn of one thread and one agent has to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Used {
    thread: Spent,
    stream: Spent,
    /// How many turns of the agent ended without a price, in the whole stream.
    no_price: usize,
    /// How many of them ended without a count of tokens.
    no_tokens: usize,
}

impl Used {
    fn of(stream: &Stream, thread: ThreadId, agent: &AgentName) -> Self {
        let records = || stream.threads.iter().flat_map(|thread| &thread.sessions);
        let mine = records().filter(|record| record.agent == *agent && did_something(record));
        let (mut no_price, mut no_tokens) = (0, 0);
        for told in mine.map(SessionRecord::told) {
            no_price += usize::from(told.cost.is_none());
            no_tokens += usize::from(told.tokens.is_none());
        }
        let of_thread = stream.thread(thread).map(|thread| Spent::of(&thread.sessions));
        Self { thread: of_thread.unwrap_or_default(), stream: status::spent(stream), no_price, no_tokens }
    }

    fn spent(&self, of: BudgetOf) -> &Spent {
        match of {
            BudgetOf::Thread => &self.thread,
            BudgetOf::Stream => &self.stream,
        }
    }
}

/// Whether an attempt surely used something, so that its agent could have told it.
fn did_something(record: &SessionRecord) -> bool {
    match &record.state {
        SessionState::Running { .. } => false,
        SessionState::Ended { outcome: Outcome::Completed, .. } => true,
        SessionState::Ended { .. } => record.told().tokens.is_some_and(|tokens| tokens.total() > 0),
    }
}

/// What was used before and after the end of a turn was written, within one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnSpending {
    agent: AgentName,
    before: Used,
    after: Used,
}

impl TurnSpending {
    /// Writes an end with `write`, and looks at what was used before and after.
    ///
    /// # Errors
    /// Those of `write`.
    pub(super) fn around<T, E>(
        state: &mut Stream,
        thread: ThreadId,
        agent: &AgentName,
        write: impl FnOnce(&mut Stream) -> Result<T, E>,
    ) -> Result<(T, Self), E> {
        let before = Used::of(state, thread, agent);
        let written = write(state)?;
        let after = Used::of(state, thread, agent);
        Ok((written, Self { agent: agent.clone(), before, after }))
    }

    /// What a person is told of it.
    #[must_use]
    pub fn said(&self, budget: &Budget, stream: &StreamId, thread: ThreadId) -> Vec<Said> {
        let mut all: Vec<Said> = self.not_held(budget).into_iter().collect();
        for of in [BudgetOf::Thread, BudgetOf::Stream] {
            let before = budget.checks(of, self.before.spent(of));
            for (before, check) in before.iter().zip(budget.checks(of, self.after.spent(of))) {
                let new = check.verdict > before.verdict;
                all.extend(words(&check, stream, thread).map(|text| Said { text, new }));
            }
        }
        all
    }

    /// Whether a limit is used up by now.
    #[must_use]
    pub fn is_over(&self, budget: &Budget) -> bool {
        let over =
            |of| budget.checks(of, self.after.spent(of)).iter().any(|one| one.verdict == Verdict::Over);
        over(BudgetOf::Thread) || over(BudgetOf::Stream)
    }

    /// That the agent does not tell what a limit counts, said when that is seen first in the stream.
    fn not_held(&self, budget: &Budget) -> Option<Said> {
        let limits = [budget.thread, budget.stream];
        let cost = limits.iter().any(|limits| limits.cost.is_some());
        let tokens = limits.iter().any(|limits| limits.tokens.is_some());
        let first = |before: usize, after: usize| before == 0 && after > 0;
        let no_price = cost && first(self.before.no_price, self.after.no_price);
        let no_tokens = tokens && first(self.before.no_tokens, self.after.no_tokens);
        let what = match (no_price, no_tokens) {
            (true, true) => "neither a price nor its tokens",
            (true, false) => "no price",
            (false, true) => "no tokens",
            (false, false) => return None,
        };
        let counted = if tokens && !no_tokens { "; its tokens count" } else { "" };
        let text = format!("the budget can't be held: agent `{}` tells {what}{counted}", self.agent);
        Some(Said { text, new: true })
    }
}

/// One thing that a person is told of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// In words, on one line.
    pub text: String,
    /// Whether it was not so before this turn.
    pub new: bool,
}

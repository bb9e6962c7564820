//! What the end of a turn says of budgets.

use chrono::DateTime;

use crate::engine::budget::{TurnSpending, over, warnings};
use crate::model::{
    AgentName, Budget, End, Extra, Limit, Limits, Money, Outcome, SessionId, SessionRecord, SessionRef,
    SessionState, Stream, Thread, ThreadId, Usage,
};

fn id(thread: u8) -> ThreadId {
    format!("01.01.{thread:02}").parse().expect("an id")
}

fn stream() -> Stream {
    let mut stream = Stream::new("001-a".parse().expect("an id"), "A".to_owned(), DateTime::UNIX_EPOCH);
    stream.threads = [1, 2].map(|number| Thread::new(id(number))).into();
    stream
}

fn record(agent: &str, state: SessionState, usage: Option<Usage>) -> SessionRecord {
    SessionRecord {
        session: SessionRef::Known(SessionId("ses".to_owned())),
        attempt: 1,
        agent: AgentName(agent.to_owned()),
        model: "p/m".to_owned(),
        variant: None,
        backend: None,
        mode: None,
        directory: None,
        started_at: DateTime::UNIX_EPOCH,
        state,
        resumed_from: None,
        turns: vec![1],
        usage,
        verification: None,
        outside_paths: None,
        extra: Extra::new(),
    }
}

/// The end of a turn that used ten tokens and cost this; gives what is said of it, with a mark where it is new.
fn ends(stream: &mut Stream, budget: &Budget, thread: u8, agent: &str, cost: f64) -> Vec<String> {
    let running = SessionState::Running { owner: None, asks: Vec::new() };
    let thread = id(thread);
    stream.thread_mut(thread).expect("it").sessions.push(record(agent, running, None));
    let end = |stream: &mut Stream| {
        let last = stream.thread_mut(thread).and_then(|thread| thread.sessions.last_mut()).expect("one");
        last.state = SessionState::Ended { outcome: Outcome::Completed, end: End::default() };
        last.usage = Some(Usage { input: 10, cost, ..Usage::default() });
        Ok::<_, std::convert::Infallible>(())
    };
    let agent = AgentName(agent.to_owned());
    let Ok(((), spending)) = TurnSpending::around(stream, thread, &agent, end);
    let said = spending.said(budget, &stream.id, thread);
    assert_eq!(
        spending.is_over(budget),
        over(stream, stream.thread(thread).expect("it"), budget).is_some(),
        "{said:?}"
    );
    said.into_iter().map(|said| format!("{}{}", if said.new { "new: " } else { "" }, said.text)).collect()
}

fn cost(dollars: f64) -> Limits {
    Limits { cost: Some(Limit { most: Money::of_dollars(dollars), line: 2 }), tokens: None }
}

/// Tried mutants: every word is new; what is used up is not told again.
#[test]
fn each_step_is_new_once_and_told_as_long_as_it_is_so() {
    let (mut stream, budget) = (stream(), Budget { thread: cost(1.0), stream: cost(2.0), warn: 80 });
    let none: [&str; 0] = [];
    assert_eq!(ends(&mut stream, &budget, 1, "a", 0.5), none);
    let warned = "thread `01.01.01` has used $0.90 of $1.00 (`budget.thread.cost`)";
    assert_eq!(ends(&mut stream, &budget, 1, "a", 0.4), [format!("new: {warned}")]);
    assert_eq!(warnings(&stream, &[id(1), id(2)], &budget), [warned]);
    let over = "thread `01.01.01` has used up its budget, $1.00 of $1.00 (`budget.thread.cost`): no further turn \
                of it is started without `--over-budget`";
    assert_eq!(ends(&mut stream, &budget, 1, "a", 0.1), [format!("new: {over}")]);
    // Both at once: the stream is warned of, and the thread was used up before.
    let [thread, of_stream] = &ends(&mut stream, &budget, 1, "a", 0.7)[..] else { panic!("two") };
    assert!(thread.starts_with("thread `01.01.01` has used up its budget, $1.70"), "not new: {thread}");
    assert_eq!(of_stream, "new: stream `001-a` has used $1.70 of $2.00 (`budget.stream.cost`)");
    let [of_stream] = &ends(&mut stream, &budget, 2, "a", 0.3)[..] else { panic!("the stream's") };
    assert!(of_stream.starts_with("new: stream `001-a` has used up its budget, $2.00"), "{of_stream}");
    assert_eq!(warnings(&stream, &[id(1), id(2)], &budget).len(), 2, "the stream's once");
}

/// Tried mutants: every turn of it is the first; agents are not told apart.
#[test]
fn an_agent_that_tells_no_price_is_told_of_once() {
    let (mut stream, budget) = (stream(), Budget { thread: cost(1.0), ..Budget::default() });
    let words = |agent| format!("new: the budget can't be held: agent `{agent}` tells no price");
    assert_eq!(ends(&mut stream, &budget, 1, "qwen", 0.0), [words("qwen")]);
    for thread in [1, 2] {
        assert!(ends(&mut stream, &budget, thread, "qwen", 0.0).is_empty());
    }
    assert_eq!(ends(&mut stream, &budget, 2, "goose", 0.0), [words("goose")]);
    // Its tokens are told, and count where they have a limit.
    let tokens = Some(Limit { most: 45, line: 3 });
    let budget = Budget { stream: Limits { tokens, ..Limits::default() }, ..Budget::default() };
    let [over] = &ends(&mut stream, &budget, 1, "qwen", 0.0)[..] else { panic!("one") };
    assert!(over.contains("50 of 45 tokens"), "{over}");
    // Without a limit in dollars nobody needs a price.
    let mut stream = self::stream();
    assert!(ends(&mut stream, &Budget::default(), 1, "qwen", 0.0).is_empty());
}

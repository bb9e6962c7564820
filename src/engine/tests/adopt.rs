//! Which turns of a dead supervisor are gone on with, and which are stopped.

use std::path::Path;

use crate::engine::adopt::adopt_in;
use crate::engine::owner;
use crate::engine::sessions::{SessionStart, begin_session};
use crate::model::{
    self, AgentEvent, AgentName, BackendKind, Mode, Owner, SessionId, Thread, ThreadId, TurnOutcome, Usage,
};
use crate::store::Store;
use crate::store::journal::{Header, Journals, Kept};

use super::{id, now, stream};

/// Nobody: no such process ever was.
fn dead() -> Owner {
    Owner { pid: 1, started_at: 1, ..owner::current() }
}

fn thread(number: u8) -> ThreadId {
    format!("01.01.{number:02}").parse().expect("an id")
}

fn session(number: u8) -> SessionId {
    SessionId(format!("ses_{number}"))
}

fn start(number: u8, mode: Mode, backend: BackendKind, client: Option<Owner>) -> SessionStart {
    SessionStart {
        thread: thread(number),
        agent: AgentName("default".to_owned()),
        model: "a/b".parse().expect("a model"),
        backend,
        mode,
        directory: "/somewhere".into(),
        resumed_from: None,
        client,
        used_before: Some(Usage { input: 7, ..Usage::default() }),
        check: false,
    }
}

/// A turn that is ours until we die.
fn begin(store: &Store, private: &Path, number: u8, start: SessionStart) {
    let begun = begin_session(store, private, &id(), start, session(number), "Do it", now()).expect("begun");
    let mut journal = begun.journal.expect("a journal");
    journal.append(AgentEvent::Text { delta: "I begin.".to_owned() }).expect("written");
}

/// All that was ours was a dead one's.
fn die(store: &Store) {
    let die = |state: &mut model::Stream| {
        let mut open = state.threads.iter_mut().filter(|thread| thread.open_record().is_some());
        open.try_for_each(|thread| model::take_over_session(thread, 1, &owner::current(), dead()))
    };
    store.transact(die).expect("written");
}

/// One whose beginning could not be recorded.
fn kept(private: &Path, number: u8, end: Option<TurnOutcome>) {
    let header = Header {
        stream: id(),
        thread: thread(number),
        turn: 0,
        attempt: 1,
        session: Some(session(number)),
        agent: AgentName("default".to_owned()),
        model: "a/b".to_owned(),
        directory: "/elsewhere".into(),
        prompt: "Do it".to_owned(),
        client: Some(owner::current()),
        used_before: None,
        kept: Some(Kept {
            owner: dead(),
            backend: BackendKind::Opencode,
            mode: Mode::Plain,
            resumed_from: None,
            check: false,
        }),
    };
    let mut journal = Journals::new(private).begin(header).expect("begun");
    if let Some(end) = end {
        journal.append(AgentEvent::TurnEnded(end)).expect("written");
    }
}

/// Mutant: a dead command's turn is gone on with.
#[test]
fn only_what_somebody_comes_for_is_gone_on_with() {
    let (folder, store) = stream();
    let private = folder.path().join("private");
    let threads = (1..=6).map(|number| Thread::new(thread(number)));
    let add = |state: &mut model::Stream| {
        state.threads.extend(threads);
        Ok::<_, std::convert::Infallible>(())
    };
    store.transact(add).expect("written");
    let (us, opencode) = (Some(owner::current()), BackendKind::Opencode);
    begin(&store, &private, 1, start(1, Mode::Plain, opencode, us.clone()));
    begin(&store, &private, 2, start(2, Mode::Plain, opencode, Some(dead())));
    begin(&store, &private, 3, start(3, Mode::Headless, opencode, None));
    begin(&store, &private, 4, start(4, Mode::Plain, BackendKind::Acp, us));
    die(&store);
    kept(&private, 5, None);
    kept(&private, 6, Some(TurnOutcome::Completed));

    let (adopted, orphans) = adopt_in(&store, &private, &dead()).expect("adopted");
    let [one] = adopted.as_slice() else { panic!("{adopted:?}") };
    assert_eq!(
        (one.facts.start.thread, &one.session, one.prompt.as_str()),
        (thread(1), &session(1), "Do it")
    );
    assert_eq!(one.told.len(), 1, "{:?}", one.told);
    assert_eq!(one.facts.start.used_before.map(|used| used.input), Some(7), "what it had used is known");
    let stopped: Vec<_> = orphans.iter().map(|orphan| orphan.session.clone()).collect();
    assert_eq!(stopped, [session(2), session(3), session(5)], "an ACP agent dies with its supervisor");
    let state = store.read().expect("read");
    let owner_of = |number| {
        let open = state.thread(thread(number)).and_then(Thread::open_record);
        open.and_then(|open| open.owner().cloned())
    };
    assert_eq!((owner_of(1), owner_of(2)), (Some(owner::current()), Some(dead())));
    let (again, _) = adopt_in(&store, &private, &dead()).expect("read");
    assert!(again.is_empty(), "it has another owner now: {again:?}");
}

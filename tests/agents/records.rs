//! The truth of records: who is alive, and ends that come late.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use work::engine::{SessionStart, begin_session};
use work::model::{AgentName, BackendKind, Mode, SessionId};
use work::store::Store;
use work::sys::clock::Clock;
use work::sys::identity::Identity;
use work::sys::process::Signal;

use crate::support::project::Project;
use crate::support::running::Running;
use crate::support::wait::{PATIENCE, wait_until};

/// L1 and L3: an owner is alive only if it is that very process of this boot; a zombie is dead, a stopped
/// one is not.
///
/// Mutant: `owner::is_alive` always true.
#[test]
fn an_owner_is_more_than_a_pid() {
    let project = Project::with_fake(&["@text hello"], "exit 3");
    let store = Store::open(project.repo().join("work/001-test"), Clock::System);
    let start = SessionStart {
        thread: "01.01.01".parse().expect("an id"),
        agent: AgentName("default".into()),
        model: "scripted/ok".parse().expect("a model"),
        backend: BackendKind::Opencode,
        mode: Mode::Plain,
        directory: project.repo(),
        resumed_from: None,
        client: None,
        used_before: None,
        check: false,
    };
    let stream = "001-test".parse().expect("an id");
    let session = SessionId("ses_1".into());
    begin_session(&store, &project.private(), &stream, start, session, "", Clock::System.now())
        .expect("begun");
    assert_eq!(project.thread_status(1), "running", "we live");

    let mut sleeper = Running::of(project.env.command("sleep").arg("1000"));
    let identity = Identity::of(sleeper.pid()).expect("it lives");
    let owned_by = |identity: &Identity| {
        let mut state = project.state();
        let owner = find(&mut state, "owner").expect("an owner");
        for (name, value) in [("pid", Value::from(identity.pid)), ("startedAt", identity.started_at.into())] {
            assert!(owner.get(name).is_some(), "{owner:#}");
            owner[name] = value;
        }
        owner["bootId"] = identity.boot_id.clone().into();
        project.env.write("repo/work/001-test/tasks.json", state.to_string());
        project.thread_status(1)
    };
    assert_eq!(owned_by(&identity), "running");
    let reused = Identity { started_at: identity.started_at + 1, ..identity.clone() };
    assert_eq!(owned_by(&reused), "interrupted", "the pid is another process's");
    let boot = Identity { boot_id: "an earlier boot".into(), ..identity.clone() };
    assert_eq!(owned_by(&boot), "interrupted", "that was before the reboot");
    sleeper.signal(Signal::SIGSTOP);
    assert_eq!(owned_by(&identity), "running", "it is only stopped");
    sleeper.signal(Signal::SIGKILL);
    wait_until("a zombie", PATIENCE, || {
        fs::read_to_string(format!("/proc/{}/stat", sleeper.pid())).is_ok_and(|stat| stat.contains(") Z "))
    });
    assert_eq!(project.thread_status(1), "interrupted", "a zombie is dead");
    sleeper.end();
    // Nobody was hurt: only the record says what happened.
    assert_eq!(project.execute(1, &[]).code, 6);
    project.assert_records_are_whole();
}

/// The first member of that name, wherever it is.
fn find<'a>(json: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    match json {
        Value::Object(members) => members
            .iter_mut()
            .find_map(|(key, value)| if key == name { Some(value) } else { find(value, name) }),
        Value::Array(values) => values.iter_mut().find_map(|value| find(value, name)),
        _ => None,
    }
}

/// An end that can't be written is written as soon as it can, with the time at which it came; until then
/// the supervisor does not go, however idle.
///
/// Mutants: no second try (the thread stays `running`); the time of the writing taken; the idle end not
/// held up.
#[test]
fn an_end_that_cannot_be_written_is_written_later() {
    let project = Project::new(&["@text a\n@sleep 1500ms\n@text b"]);
    project.settings("supervisor:\n  idleTimeout: 1s\n");
    let running = project.start(1, &[]);
    project.wait_for_status(1, "running", PATIENCE);
    // A folder in the place of the lock file is as good as a broken disk.
    let lock = project.repo().join("work/001-test/.tasks.json.lock");
    fs::rename(&lock, lock.with_extension("away")).expect("moved");
    fs::create_dir(&lock).expect("a folder");
    let output = running.output();
    assert!(output.stderr.contains("could not be recorded yet"), "{output:#?}");
    assert_eq!(project.thread_status(1), "running");
    let supervisor = project.supervisor();
    // Longer than its idle time, and than it would try on its way out.
    let until = Instant::now() + Duration::from_secs(6);
    wait_until("the idle time", PATIENCE, || Instant::now() > until);
    assert!(Identity::of(supervisor).is_some(), "it waits for the disk");
    let repaired = Clock::System.now().timestamp();
    fs::remove_dir(&lock).expect("removed");
    fs::rename(lock.with_extension("away"), &lock).expect("moved back");
    project.wait_for_status(1, "incomplete", PATIENCE);
    wait_until("its idle end", PATIENCE, || Identity::of(supervisor).is_none());
    project.wait_for_nothing();
    let attempt = project.attempt(1);
    let ended = attempt["endedAt"].as_str().expect("a time");
    let ended = chrono::DateTime::parse_from_rfc3339(ended).expect("a time").timestamp();
    assert!(ended <= repaired - 5, "not the time of the writing: {attempt:#}");
}

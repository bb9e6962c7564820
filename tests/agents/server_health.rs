//! Our backend's server: stopped, killed, cut off, dying again and again; and many turns on one. The real
//! opencode, and a script where that can't be made to do it.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use work::agent::Backend as _;
use work::agent::opencode::{HealthLimits, Opencode, ServerRecord};
use work::model::{AgentEvent, FailureKind, TurnOutcome};
use work::sys::identity::Identity;
use work::sys::process::{self, Signal};

use super::fake_opencode::fake;
use crate::support::backend::{Rig, script, text, to_the_end, turn, until, until_so};

fn is_text(event: &AgentEvent) -> bool {
    matches!(event, AgentEvent::Text { .. })
}

fn failure(outcome: &TurnOutcome) -> (FailureKind, &str) {
    match outcome {
        TurnOutcome::Failed { failure } => (failure.kind, failure.message.as_str()),
        other => panic!("{other:?}"),
    }
}

/// A program that stands for opencode.
fn program(folder: &Path, text: &str) -> PathBuf {
    let program = folder.join("opencode");
    #[expect(clippy::disallowed_methods, reason = "a new file of this test")]
    std::fs::write(&program, text).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
    program
}

/// A server that is stopped for a while is slow, and one that gives no sign for the whole grace is dead: it is
/// killed, its turn has failed for that reason, and the session goes on at the next one, in the same place.
#[tokio::test]
async fn a_slow_server_is_left_alone_and_a_silent_one_is_replaced() {
    let limits = HealthLimits {
        quiet: Duration::from_millis(500),
        answer: Duration::from_secs(2),
        grace: Duration::from_secs(6),
        ..HealthLimits::default()
    };
    let rig = Rig::with(|options| options.health = limits).await;
    let mut session = rig.open(None).await.expect("a session");
    session.prompt(script("@text I think.\n@hang")).await.expect("taken");
    until(&mut *session, is_text).await;
    let server = rig.backend.server().await.expect("a server");
    let (pid, url) = (server.identity().pid, server.url().to_owned());

    process::signal_process(pid, Signal::SIGSTOP);
    // Asked in vain at least once.
    tokio::time::sleep(Duration::from_secs(3)).await;
    process::signal_process(pid, Signal::SIGCONT);
    server.healthy().await.expect("it was only slow");
    assert!(server.is_running());

    process::signal_process(pid, Signal::SIGSTOP);
    let begun = Instant::now();
    let (_, outcome) = to_the_end(&mut *session).await;
    let (kind, words) = failure(&outcome);
    assert_eq!(kind, FailureKind::AgentCrashed);
    assert!(words.contains("no sign of life for") && words.contains("was killed"), "{words}");
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(Identity::of(pid).is_none(), "it is gone");

    let (events, outcome) = turn(&mut *session, script("@text again")).await;
    assert_eq!((outcome, text(&events).as_str()), (TurnOutcome::Completed, "again"));
    let next = rig.backend.server().await.expect("a server");
    assert_eq!(next.url(), url, "whoever is attached finds it where it was");
    assert_eq!(next.record().password, server.record().password);
    assert_ne!(next.identity().pid, pid);
    let asked = rig.requests().pop().expect("a request");
    assert!(asked["messages"].to_string().contains("I think."), "the same conversation: {asked}");
    rig.backend.shutdown().await;
}

/// Fault: a server that was killed was started again at its old port, which seemed to be free; until it bound it,
/// some seconds later, another opencode had taken it (all of them try 4096 first), and it ended with
/// "ServeError". Whoever has the port, and whenever they take it: the next server is somewhere else, and all who
/// ask are told where.
#[tokio::test]
async fn a_server_whose_old_port_is_taken_serves_at_another() {
    let beside = tempfile::tempdir().expect("a folder");
    // When this is there, somebody is faster, once, at the moment when the real one would bind.
    let faster = beside.path().join("faster");
    let told = Arc::new(Mutex::new(None));
    let rig = Rig::with(|options| {
        let text = format!(
            "#!/bin/sh\nrm '{faster}' 2>/dev/null && echo ServeError && exit 1\nexec '{real}' \"$@\"\n",
            real = options.program.display(),
            faster = faster.display(),
        );
        options.program = program(beside.path(), &text);
        let told = Arc::clone(&told);
        options.on_start = Some(Arc::new(move |record: &ServerRecord| {
            *told.lock().expect("no panic") = Some(record.clone());
        }));
    })
    .await;
    let mut session = rig.open(None).await.expect("a session");
    let mut taken = Vec::new();
    for round in ["taken before", "taken meanwhile"] {
        let server = rig.backend.server().await.expect("a server");
        let was = server.record();
        process::signal_process(was.identity.pid, Signal::SIGKILL);
        server.exited().await;
        match round {
            "taken before" => {
                let address = was.url.as_deref().and_then(|url| url.strip_prefix("http://"));
                taken.push(TcpListener::bind(address.expect("an address")).expect("it is free"));
            }
            _ => drop(std::fs::File::create(&faster).expect("written")),
        }
        let (events, outcome) = turn(&mut *session, script("@text again")).await;
        assert_eq!((outcome, text(&events).as_str()), (TurnOutcome::Completed, "again"), "{round}");
        let is = rig.backend.server().await.expect("a server").record();
        assert!(is.url != was.url && is.password != was.password, "{round}: {:?}, {:?}", was.url, is.url);
        let told = told.lock().expect("no panic").clone().expect("a record");
        assert_eq!((told.url, told.identity), (is.url.clone(), is.identity), "{round}");
        let ui = session.ui().expect("a UI").argv;
        assert!(ui.contains(&is.url.expect("an address").into()), "{round}: {ui:?}");
    }
    rig.backend.shutdown().await;
}

/// D5: one that dies again and again is given up after some tries, with the reason, and is tried once when it
/// has rested and somebody asks.
#[tokio::test]
async fn a_server_that_dies_again_and_again_is_given_up_with_the_reason() {
    let home = tempfile::tempdir().expect("a home");
    let starts = home.path().join("starts");
    let mut options = fake(
        home.path(),
        &format!("echo x >> '{}'; echo 'fatal: the disk is gone' >&2; exit 3", starts.display()),
    );
    options.health.rest = Duration::from_secs(4);
    let started = || std::fs::read_to_string(&starts).unwrap_or_default().lines().count();
    let backend = Opencode::new(options);
    let mut last = String::new();
    for tries in 1..=5 {
        last = backend.server().await.expect_err("no server").message;
        assert_eq!(started(), tries, "{last}");
    }
    assert!(last.contains("the disk is gone") && !last.contains("in a row"), "{last}");
    for _ in 0..3 {
        let given_up = backend.server().await.expect_err("no server");
        assert_eq!(given_up.kind, FailureKind::AgentMissing);
        let words = given_up.message;
        assert!(words.contains("died 5 times in a row") && words.contains("the disk is gone"), "{words}");
    }
    assert_eq!(started(), 5, "it is left alone");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(started(), 5, "nothing starts by itself");
    for _ in 0..2 {
        backend.server().await.expect_err("no server");
    }
    assert_eq!(started(), 6, "tried once");
    backend.shutdown().await;
}

/// Stands between us and a server, and can cut all connections.
struct Proxy {
    port: u16,
    open: Arc<Mutex<Vec<(TcpStream, TcpStream)>>>,
    /// Streams of events that are open now, and that were opened in all.
    streams: Arc<AtomicUsize>,
    opened: Arc<AtomicUsize>,
}

impl Proxy {
    /// In front of the server whose log is, or will be, `log`.
    fn start(log: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = Self {
            port: listener.local_addr().expect("an address").port(),
            open: Arc::default(),
            streams: Arc::default(),
            opened: Arc::default(),
        };
        let (open, streams, opened) =
            (Arc::clone(&proxy.open), Arc::clone(&proxy.streams), Arc::clone(&proxy.opened));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Some(server) = upstream(&log).and_then(|address| TcpStream::connect(address).ok()) else {
                    continue;
                };
                let copy = |stream: &TcpStream| stream.try_clone().expect("a handle");
                open.lock().expect("no panic").push((copy(&client), copy(&server)));
                let (streams, opened) = (Arc::clone(&streams), Arc::clone(&opened));
                let (to, from) = (copy(&server), copy(&client));
                std::thread::spawn(move || pass(from, to, Some((&streams, &opened))));
                std::thread::spawn(move || pass(server, client, None));
            }
        });
        proxy
    }

    fn cut(&self) {
        for (client, server) in self.open.lock().expect("no panic").drain(..) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }
}

fn upstream(log: &Path) -> Option<String> {
    let text = std::fs::read_to_string(log).ok()?;
    Some(text.split_once("listening on http://")?.1.split_whitespace().next()?.to_owned())
}

/// Passes bytes on until one side closes; counts the streams of events that begin here.
fn pass(mut from: TcpStream, mut to: TcpStream, count: Option<(&AtomicUsize, &AtomicUsize)>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut is_stream = false;
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if let (Some((streams, opened)), false) = (count, is_stream) {
            is_stream = buffer.starts_with(b"GET /event ");
            streams.fetch_add(usize::from(is_stream), Ordering::SeqCst);
            opened.fetch_add(usize::from(is_stream), Ordering::SeqCst);
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    if let (Some((streams, _)), true) = (count, is_stream) {
        streams.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Events: whatever connections break, each word comes once and the turn ends once; and with the turn its
/// subscription ends, at the server as well.
#[tokio::test]
async fn cut_connections_lose_nothing_and_no_stream_outlives_its_turn() {
    let beside = tempfile::tempdir().expect("a folder");
    let log = beside.path().join("real.log");
    let proxy = Proxy::start(log.clone());
    let rig = Rig::with(|options| {
        let text = format!(
            "#!/bin/sh\n'{real}' \"$@\" > '{log}' 2>&1 &\nuntil grep -q 'listening on' '{log}'; do sleep 0.05; done\n\
             echo 'opencode server listening on http://127.0.0.1:{port}'\nwait\n",
            real = options.program.display(),
            log = log.display(),
            port = proxy.port,
        );
        options.program = program(beside.path(), &text);
    })
    .await;
    let mut session = rig.open(None).await.expect("a session");
    let words: Vec<_> = (0..12).map(|number| format!("word{number}.")).collect();
    let steps: String =
        words.iter().map(|word| format!("@text {word}\n@bash sleep 0.3; echo {word}\n")).collect();
    session.prompt(script(&format!("{steps}@text the end."))).await.expect("taken");
    let mut events = Vec::new();
    for _ in 0..5 {
        events.extend(until(&mut *session, is_text).await);
        proxy.cut();
    }
    let (rest, outcome) = to_the_end(&mut *session).await;
    events.extend(rest);
    assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
    assert_eq!(text(&events), format!("{}the end.", words.concat()), "{events:?}");
    let done = events.iter().filter_map(|event| match event {
        AgentEvent::ToolCall { id, output: Some(_), .. } => Some(id.clone()),
        _ => None,
    });
    let done: Vec<_> = done.collect();
    assert_eq!(done.iter().collect::<BTreeSet<_>>().len(), words.len(), "each tool has ended: {events:?}");
    assert_eq!(done.len(), words.len(), "once: {events:?}");
    assert!(proxy.opened.load(Ordering::SeqCst) >= 4, "it was connected again and again");
    until_so("the stream is closed at the server", || proxy.streams.load(Ordering::SeqCst) == 0).await;
    rig.backend.shutdown().await;
}

/// The requests of a turn that was cancelled wait at the server for ever, unless they are withdrawn: before the
/// next turn of the session, by whoever has that.
#[tokio::test]
async fn what_an_earlier_turn_asked_is_withdrawn_before_the_next() {
    let rig = Rig::with(|options| {
        let permission = r#"{"bash":"ask"}"#;
        options.env.push(("OPENCODE_PERMISSION".into(), permission.into()));
    })
    .await;
    let mut session = rig.open(None).await.expect("a session");
    session.prompt(script("@bash echo 1\n@text done")).await.expect("taken");
    until(&mut *session, |event| matches!(event, AgentEvent::Permission { .. })).await;
    let id = session.id().expect("an id").clone();
    // As after the death of whoever followed it: nobody withdraws anything.
    drop(session);
    rig.backend.abandon(&id, &rig.project()).await.expect("cancelled");
    let waiting = || async { rig.backend.waiting(&id, &rig.project()).await.expect("an answer") };
    assert_eq!(waiting().await, 1, "the server keeps it");
    let mut session = rig.open(Some(&id)).await.expect("the session");
    let (_, outcome) = turn(&mut *session, script("@text again")).await;
    assert_eq!(outcome, TurnOutcome::Completed);
    assert_eq!(waiting().await, 0);
    rig.backend.shutdown().await;
}

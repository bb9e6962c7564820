//! Programs that call themselves opencode and are not what they should be.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use work::agent::Backend as _;
use work::agent::opencode::{Opencode, Server, ServerOptions};
use work::model::{Failure, FailureKind};

/// A shell script in the place of the program.
pub(super) fn fake(home: &Path, body: &str) -> ServerOptions {
    let program = home.join("opencode");
    #[expect(clippy::disallowed_methods, reason = "a new file of this test")]
    std::fs::write(&program, format!("#!/bin/sh\n{body}\n")).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let mut options =
        ServerOptions::new(program, home.to_owned(), home.join("server.log"), home.join("private"));
    options.ready_within = Duration::from_secs(2);
    options
}

async fn refused(body: &str) -> Failure {
    let home = tempfile::tempdir().expect("a home");
    let options = fake(home.path(), body);
    let started = tokio::time::timeout(Duration::from_secs(30), Server::start(&options)).await;
    let failure = started.expect("an end in time").expect_err("no server");
    assert!(!crate::support::backend::lives(&home.path().display().to_string()), "a process is left");
    failure
}

/// Answers every request with this, for as long as the test lives.
fn answering(status: &str, kind: &str, body: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    port
}

pub(super) fn listening(port: u16) -> String {
    format!("echo 'opencode server listening on http://127.0.0.1:{port}'\nsleep 4720")
}

#[tokio::test]
async fn one_that_ends_at_once_is_missing_with_its_last_words() {
    let failure = refused("echo 'no such command: serve' >&2; exit 3").await;
    assert_eq!(failure.kind, FailureKind::AgentMissing);
    assert!(failure.message.contains("no such command: serve"), "{failure}");
    assert!(failure.message.contains('3'), "{failure}");
}

#[tokio::test]
async fn one_that_is_not_there_is_missing() {
    let home = tempfile::tempdir().expect("a home");
    let mut options = fake(home.path(), "true");
    options.program = home.path().join("nothing");
    let failure = Server::start(&options).await.expect_err("no server");
    assert_eq!(failure.kind, FailureKind::AgentMissing);
    assert!(failure.message.contains("nothing"), "{failure}");
}

#[tokio::test]
async fn one_that_never_gets_ready_is_given_up() {
    for body in ["sleep 4721", "while :; do echo garbage; sleep 0.1; done", "exec >&- 2>&-; sleep 4721"] {
        let failure = refused(body).await;
        assert_eq!(failure.kind, FailureKind::ServerUnreachable, "{body}: {failure}");
        assert!(failure.message.contains("not ready within 2 s"), "{failure}");
    }
}

#[tokio::test]
async fn an_old_one_is_told_with_both_versions() {
    let old = answering("200 OK", "application/json", r#"{"healthy":true,"version":"1.2.3"}"#);
    let failure = refused(&listening(old)).await;
    assert_eq!(failure.kind, FailureKind::AgentTooOld);
    assert!(failure.message.contains("1.2.3") && failure.message.contains("1.18.0"), "{failure}");
    let older = answering("200 OK", "text/html", "<html></html>");
    assert_eq!(refused(&listening(older)).await.kind, FailureKind::AgentTooOld);
}

#[tokio::test]
async fn one_that_refuses_its_own_password_is_unreachable() {
    let port = answering("401 Unauthorized", "text/plain", "");
    let failure = refused(&listening(port)).await;
    assert_eq!(failure.kind, FailureKind::ServerUnreachable);
    assert!(failure.message.contains("password"), "{failure}");
}

#[tokio::test]
async fn the_password_is_in_no_argument_and_in_no_log() {
    let port = answering("200 OK", "application/json", r#"{"version":"1.18.0"}"#);
    let home = tempfile::tempdir().expect("a home");
    let body = format!("echo \"args: $*\"\necho \"dir: $PWD $WORK_ROOT\"\n{}", listening(port));
    let options = fake(home.path(), &body);
    let server = Server::start(&options).await.expect("a server");
    let secret = server.record().password.expose().to_owned();
    let log = std::fs::read_to_string(home.path().join("server.log")).expect("a log");
    assert!(log.contains("args: serve --hostname 127.0.0.1 --port "), "{log}");
    assert!(!log.contains(&secret) && !crate::support::backend::lives(&secret));
    assert!(!format!("{server:?} {:?}", server.record()).contains(&secret));
    let mode = std::fs::metadata(home.path().join("server.log")).expect("a log").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.stop().await;
    assert!(!server.is_running());
}

/// Mutant: `start` in the place of `start_unless` in the keeper.
#[tokio::test]
async fn a_stop_does_not_wait_for_a_start() {
    let home = tempfile::tempdir().expect("a home");
    let started = home.path().join("started");
    let mut options = fake(home.path(), &format!("echo $$ > '{}'; exec sleep 4715.25", started.display()));
    options.ready_within = Duration::from_secs(300);
    let backend = Opencode::new(options);
    let asking = tokio::spawn({
        let backend = backend.clone();
        async move { backend.server().await.map(|_| ()) }
    });
    let begun = tokio::time::timeout(Duration::from_secs(30), async {
        while !std::fs::read_to_string(&started).is_ok_and(|pid| pid.ends_with('\n')) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    begun.await.expect("it begins to start");
    tokio::time::timeout(Duration::from_secs(20), backend.shutdown())
        .await
        .expect("stopped before it is ready");
    let answer = asking.await.expect("no panic").expect_err("there is no server");
    assert!(answer.message.contains("stopped while it started"), "{answer}");
    let pid: u32 = std::fs::read_to_string(&started).expect("its pid").trim().parse().expect("a pid");
    assert!(work::sys::identity::Identity::of(pid).is_none(), "it is gone");
}

//! A server that speaks opencode's protocol and loses events: what a real one can't be made to do.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};
use work::agent::opencode::Opencode;
use work::agent::{Backend as _, OpenRequest, Session};
use work::model::{AgentEvent, FailureKind, TurnOutcome};

use super::fake_opencode::{fake, listening};
use crate::support::backend::{ask, text, to_the_end};

/// What the server does with a prompt.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Nothing at all.
    Ignores,
    /// Answers, but the stream breaks in the middle of it.
    Breaks,
}

struct Fake {
    manner: Manner,
    /// The id of the prompt's message.
    prompt: Mutex<Option<String>>,
    streams: AtomicUsize,
}

const SESSION: &str = "ses_fake";

impl Fake {
    fn serve(manner: Manner) -> (u16, Arc<Self>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let fake = Arc::new(Self { manner, prompt: Mutex::default(), streams: AtomicUsize::new(0) });
        let server = Arc::clone(&fake);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.answer(connection));
            }
        });
        (port, fake)
    }

    fn answer(&self, connection: TcpStream) {
        let mut reader = BufReader::new(connection.try_clone().expect("a handle"));
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() {
            return;
        }
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).is_err() || header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        let _ = reader.read_exact(&mut body);
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        if path == "/event" {
            self.stream(connection);
        } else {
            self.route(connection, method, path, &body);
        }
    }

    fn route(&self, mut connection: TcpStream, method: &str, path: &str, body: &Value) {
        let model = json!({ "id": "scripted", "models": { "ok": {} } });
        let answer = match (method, path.rsplit('/').next().unwrap_or_default()) {
            (_, "health") => json!({ "healthy": true, "version": "1.18.0" }),
            (_, "providers") => json!({ "providers": [model] }),
            ("POST", "session") => json!({ "id": SESSION, "directory": "" }),
            (_, "prompt_async") => {
                let id = body["messageID"].as_str().map(str::to_owned);
                *self.prompt.lock().expect("no panic") = id;
                json!(true)
            }
            (_, "status") => json!({}),
            ("GET", "message") => self.messages(),
            (_, "permission" | "question" | "children") => json!([]),
            _ => json!(true),
        };
        let answer = answer.to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        let _ = write!(connection, "{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
    }

    /// The finished conversation: what a second look shows.
    fn messages(&self) -> Value {
        match (self.manner, self.prompt.lock().expect("no panic").as_deref()) {
            (Manner::Breaks, Some(id)) => json!([
                { "info": { "id": id, "role": "user" } },
                { "info": { "id": format!("{id}a"), "role": "assistant", "parentID": id, "finish": "stop",
                            "time": { "completed": 1 } },
                  "parts": [part(id, "one two three", true)] },
            ]),
            _ => json!([]),
        }
    }

    /// The first stream of a prompt tells its beginning and breaks; later ones tell nothing.
    fn stream(&self, mut connection: TcpStream) {
        let first = self.streams.fetch_add(1, Ordering::SeqCst) == 0;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        let mut events = vec![json!({ "type": "server.connected", "properties": {} })];
        let _ = write!(connection, "{head}data: {}\n\n", events.remove(0));
        let _ = connection.flush();
        let began = Instant::now();
        while first && began.elapsed().as_secs() < 10 {
            let Some(id) = self.prompt.lock().expect("no panic").clone() else {
                std::thread::park_timeout(std::time::Duration::from_millis(10));
                continue;
            };
            if self.manner == Manner::Breaks {
                let session = |mut body: Value| {
                    body["sessionID"] = json!(SESSION);
                    body
                };
                let answer = format!("{id}a");
                for (kind, body) in [
                    ("message.updated", json!({ "info": { "id": id, "role": "user" } })),
                    (
                        "message.updated",
                        json!({ "info": { "id": answer, "role": "assistant", "parentID": id } }),
                    ),
                    ("message.part.updated", json!({ "part": part(&id, "", false) })),
                    (
                        "message.part.delta",
                        json!({ "messageID": answer, "partID": "prt_1", "field": "text", "delta": "one " }),
                    ),
                ] {
                    let event = json!({ "type": kind, "properties": session(body) });
                    let _ = write!(connection, "data: {event}\n\n");
                }
            }
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(300));
    }
}

fn part(id: &str, text: &str, end: bool) -> Value {
    let time = if end { json!({ "end": 1 }) } else { json!({}) };
    json!({ "id": "prt_1", "messageID": format!("{id}a"), "sessionID": SESSION, "type": "text",
            "text": text, "time": time })
}

async fn prompted(home: &Path, manner: Manner) -> (Opencode, Box<dyn Session>, Arc<Fake>) {
    let (port, server) = Fake::serve(manner);
    let backend = Opencode::new(fake(home, &listening(port)));
    let request = OpenRequest {
        directory: home.to_owned(),
        title: "a test".to_owned(),
        stream: "001-test".parse().expect("an id"),
        thread: "01.01.01".parse().expect("an id"),
        environment: Default::default(),
        resume: None,
        questions: false,
        rejoins: false,
    };
    let mut session = backend.open(request).await.expect("a session");
    session.prompt(ask("scripted/ok", "")).await.expect("taken");
    (backend, session, server)
}

#[tokio::test]
async fn a_broken_stream_loses_neither_words_nor_the_end() {
    let home = tempfile::tempdir().expect("a home");
    let (backend, mut session, server) = prompted(home.path(), Manner::Breaks).await;
    let (events, outcome) = to_the_end(&mut *session).await;
    assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
    assert_eq!(text(&events), "one two three", "{events:?}");
    assert!(events.contains(&AgentEvent::Text { delta: "one ".to_owned() }), "{events:?}");
    assert!(server.streams.load(Ordering::SeqCst) >= 2, "it was not connected again");
    backend.shutdown().await;
}

#[tokio::test]
async fn a_prompt_that_is_accepted_and_never_begun_fails() {
    let home = tempfile::tempdir().expect("a home");
    let (backend, mut session, _) = prompted(home.path(), Manner::Ignores).await;
    let (events, outcome) = to_the_end(&mut *session).await;
    let TurnOutcome::Failed { failure } = outcome else { panic!("{outcome:?} {events:?}") };
    assert_eq!(failure.kind, FailureKind::Provider);
    assert!(failure.message.contains("never began"), "{failure}");
    backend.shutdown().await;
}

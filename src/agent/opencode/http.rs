//! The server's routes that we use, typed. Every request has a deadline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::errors;
use super::vitals::Vitals;
use super::wire::{
    ErrorObject, Health, Message, PermissionRequest, ProviderList, QuestionRequest, SessionInfo, Status,
};
use crate::agent::child::Password;
use crate::agent::{PromptRequest, words};
use crate::model::{Failure, FailureKind, StreamId, ThreadId};
use crate::sys::clock::Clock;

/// The user name that goes with the password.
pub(crate) const USER: &str = "opencode";

/// How many connections are kept for the next turns.
const KEPT: usize = 8;

/// For what a warm server answers at once.
const SHORT: Duration = Duration::from_secs(10);
/// For the first request to a directory, and for what waits for a turn's end: a loaded machine is slow.
const LONG: Duration = Duration::from_secs(60);

/// A client of one server; cheap to clone.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    url: String,
    password: Password,
    vitals: Vitals,
}

impl Http {
    /// A client of the server at `url`, e.g. `http://127.0.0.1:4096`, which notes its signs of life.
    pub(crate) fn with_vitals(url: &str, password: Password, vitals: Vitals) -> Result<Self, Failure> {
        // Who installed one before has the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A proxy of the user's must not see requests to their own machine.
        let client = Client::builder().no_proxy().connect_timeout(SHORT).pool_max_idle_per_host(KEPT);
        let client = match url.starts_with("https://") {
            true => client.build(),
            // The system's certificates take memory, and nobody asks for one here.
            false => client.tls_certs_only([]).build(),
        };
        let client = client.map_err(|error| unreachable_server(url, &error.to_string()))?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), password, vitals })
    }

    /// The same server, for requests about `directory`.
    pub(crate) fn at(&self, directory: &Path) -> Scoped {
        Scoped { http: self.clone(), directory: directory.to_owned() }
    }

    /// Where the server is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its signs of life.
    pub(crate) fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// The server's password.
    pub(crate) fn password(&self) -> &Password {
        &self.password
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .basic_auth(USER, Some(self.password.expose()))
            .timeout(SHORT)
    }

    /// The server's version. An older server answers with a web page: its version is then empty.
    pub(crate) async fn health(&self) -> Result<String, Failure> {
        let response = self.send(self.request(Method::GET, "/global/health")).await?;
        if !is_json(&response) {
            return Ok(String::new());
        }
        self.decode::<Health>(response).await.map(|health| health.version)
    }

    /// Aborts all turns and ends all tools.
    pub(crate) async fn dispose(&self, limit: Duration) -> Result<(), Failure> {
        self.send(self.request(Method::POST, "/global/dispose").timeout(limit)).await.map(|_| ())
    }

    /// Sends, and turns any answer but a success into a failure.
    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        self.vitals.sign();
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.as_u16() == 401 {
            return Err(unreachable_server(&self.url, "the server refuses our password"));
        }
        let body = response.text().await.unwrap_or_default();
        Err(route_failure(status.as_u16(), &body))
    }

    async fn decode<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        let path = response.url().path().to_owned();
        if !is_json(&response) {
            let words = format!("the server does not know `{path}`");
            return Err(Failure::new(FailureKind::AgentTooOld, words));
        }
        let bytes = response.bytes().await.map_err(|error| self.lost(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(FailureKind::Provider, format!("cannot read the answer of `{path}`: {error}"))
        })
    }

    fn lost(&self, error: &reqwest::Error) -> Failure {
        self.vitals.doubt();
        let why = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            // The innermost cause is the one that says something: "connection refused".
            let mut cause: &dyn std::error::Error = error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            cause.to_string()
        };
        unreachable_server(&self.url, &why)
    }
}

fn unreachable_server(url: &str, why: &str) -> Failure {
    Failure::new(FailureKind::ServerUnreachable, format!("opencode at {url}: {why}"))
}

/// Unknown paths are answered with a web page and 200.
fn is_json(response: &Response) -> bool {
    response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"))
}

/// What a route says no with.
fn route_failure(status: u16, body: &str) -> Failure {
    let error: ErrorObject = serde_json::from_str(body).unwrap_or_default();
    // Newer routes tell it without a wrapping.
    let plain = || serde_json::from_str::<Value>(body).ok()?["message"].as_str().map(str::to_owned);
    let message = error.data.message.clone().or_else(plain).unwrap_or_else(|| words::paragraph(body));
    match (status, error.name.as_str()) {
        (404, _) => Failure::new(FailureKind::SessionUnknown, words::paragraph(&message)),
        (_, name) if name.starts_with("Config") => Failure::new(
            FailureKind::Task,
            format!("opencode cannot read its configuration: {}", words::paragraph(&message)),
        ),
        _ => {
            let failure = errors::failure(&error, Clock::System.now());
            Failure { message: format!("{} (HTTP {status})", words::paragraph(&message)), ..failure }
        }
    }
}

/// The server, for requests about one directory.
#[derive(Clone)]
pub(crate) struct Scoped {
    http: Http,
    directory: PathBuf,
}

/// What `POST /session` is told.
pub(crate) struct NewSession<'a> {
    pub(crate) title: &'a str,
    pub(crate) stream: &'a StreamId,
    pub(crate) thread: ThreadId,
    pub(crate) environment: &'a BTreeMap<String, String>,
    pub(crate) questions: bool,
}

impl NewSession<'_> {
    /// What the plugin reads, and what we said of questions.
    fn mark(&self) -> Value {
        json!({
            "stream": self.stream,
            "thread": self.thread,
            "env": self.environment,
            "questions": self.questions,
        })
    }

    /// A rule on questions. Rules are only ever added to a session, and the last one that fits holds.
    fn rule(&self) -> Value {
        let action = if self.questions { "allow" } else { "deny" };
        json!([{ "permission": "question", "pattern": "*", "action": action }])
    }
}

impl Scoped {
    /// The server's signs of life.
    pub(crate) fn vitals(&self) -> &Vitals {
        &self.http.vitals
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // In the header it is decoded once; as a query it would be decoded twice.
        self.http.request(method, path).header("x-opencode-directory", encoded(&self.directory))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.http.decode(self.http.send(self.request(Method::GET, path).timeout(LONG)).await?).await
    }

    async fn post(&self, path: &str, body: &Value, limit: Duration) -> Result<Response, Failure> {
        self.http.send(self.request(Method::POST, path).json(body).timeout(limit)).await
    }

    /// Creates a session that knows whom it works for, and whether somebody answers questions.
    pub(crate) async fn create(&self, new: &NewSession<'_>) -> Result<SessionInfo, Failure> {
        let mut body = json!({ "title": new.title, "metadata": { "work": new.mark() } });
        if !new.questions {
            body["permission"] = new.rule();
        }
        let response = self.post("/session", &body, LONG).await?;
        self.http.decode(response).await
    }

    /// Makes sure that a session knows whom it works for now, and whether somebody answers questions. What
    /// others keep with it stays.
    pub(crate) async fn claim(&self, session: &SessionInfo, new: &NewSession<'_>) -> Result<(), Failure> {
        let mark = new.mark();
        if session.metadata.get("work") == Some(&mark) {
            return Ok(());
        }
        // Before a session of ours was so marked it could not ask.
        let could_ask = session.metadata.get("work").is_some_and(|work| work["questions"] == true);
        let mut metadata = session.metadata.clone();
        metadata.insert("work".to_owned(), mark);
        let request = self.request(Method::PATCH, &format!("/session/{}", session.id));
        let mut body = json!({ "metadata": metadata });
        if could_ask != new.questions {
            body["permission"] = new.rule();
        }
        self.http.send(request.json(&body)).await.map(|_| ())
    }

    /// A session.
    pub(crate) async fn session(&self, id: &str) -> Result<SessionInfo, Failure> {
        self.get(&format!("/session/{id}")).await
    }

    /// The newest sessions of the directory, without those of sub-agents; the newest first.
    pub(crate) async fn sessions(&self, limit: u32) -> Result<Vec<SessionInfo>, Failure> {
        self.get(&format!("/session?roots=true&limit={limit}")).await
    }

    /// The sessions of its sub-agents.
    pub(crate) async fn children(&self, id: &str) -> Result<Vec<SessionInfo>, Failure> {
        self.get(&format!("/session/{id}/children")).await
    }

    /// The newest messages, oldest first.
    pub(crate) async fn messages(&self, id: &str, limit: u32) -> Result<Vec<Message>, Failure> {
        let messages: Vec<Value> = self.get(&format!("/session/{id}/message?limit={limit}")).await?;
        Ok(messages.iter().filter_map(|message| Message::deserialize(message).ok()).collect())
    }

    /// Whether a turn of the session runs.
    pub(crate) async fn is_busy(&self, id: &str) -> Result<bool, Failure> {
        let mut all: std::collections::HashMap<String, Status> = self.get("/session/status").await?;
        Ok(all.remove(id).is_some_and(|status| !matches!(status, Status::Idle)))
    }

    /// Sends a prompt. The answer only says that it was well-formed.
    pub(crate) async fn prompt(
        &self,
        id: &str,
        message: &str,
        prompt: &PromptRequest,
    ) -> Result<(), Failure> {
        let model = &prompt.model;
        let mut body = json!({
            "messageID": message,
            "model": { "providerID": model.provider, "modelID": model.model },
            "parts": [{ "type": "text", "text": prompt.text }],
        });
        for (key, value) in [("variant", &model.variant), ("agent", &prompt.persona)] {
            if let Some(value) = value {
                body[key] = json!(value);
            }
        }
        self.post(&format!("/session/{id}/prompt_async"), &body, LONG).await.map(|_| ())
    }

    /// Cancels a turn and its tools; answered when they are gone.
    pub(crate) async fn abort(&self, id: &str, limit: Duration) -> Result<(), Failure> {
        self.post(&format!("/session/{id}/abort"), &json!({}), limit).await.map(|_| ())
    }

    /// Requests for permission that wait, of all sessions of the directory.
    pub(crate) async fn permissions(&self) -> Result<Vec<PermissionRequest>, Failure> {
        self.get("/permission").await
    }

    /// Questions that wait, of all sessions of the directory.
    pub(crate) async fn questions(&self) -> Result<Vec<QuestionRequest>, Failure> {
        self.get("/question").await
    }

    /// Answers a request for permission with `once`, `always` or `reject`.
    pub(crate) async fn reply(&self, id: &str, reply: &str, message: Option<&str>) -> Result<(), Failure> {
        let body = match message {
            Some(message) => json!({ "reply": reply, "message": message }),
            None => json!({ "reply": reply }),
        };
        self.post(&format!("/permission/{id}/reply"), &body, SHORT).await.map(|_| ())
    }

    /// Answers a question, each of its parts.
    pub(crate) async fn reply_question(&self, id: &str, answers: &[String]) -> Result<(), Failure> {
        let answers: Vec<[&String; 1]> = answers.iter().map(|answer| [answer]).collect();
        self.post(&format!("/question/{id}/reply"), &json!({ "answers": answers }), SHORT).await.map(|_| ())
    }

    /// Leaves a question unanswered.
    pub(crate) async fn reject_question(&self, id: &str) -> Result<(), Failure> {
        self.post(&format!("/question/{id}/reject"), &json!({}), SHORT).await.map(|_| ())
    }

    /// The providers that are connected, with their models.
    pub(crate) async fn providers(&self) -> Result<ProviderList, Failure> {
        self.get("/config/providers").await
    }

    /// The stream of the directory's events; its body has no deadline.
    pub(crate) async fn events(&self) -> Result<Response, Failure> {
        let day = Duration::from_secs(24 * 60 * 60);
        let response =
            tokio::time::timeout(SHORT, self.http.send(self.request(Method::GET, "/event").timeout(day)));
        response.await.map_err(|_| {
            self.http.vitals.doubt();
            unreachable_server(&self.http.url, "no stream of events in time")
        })?
    }
}

/// Percent-encoded as a URL's component is.
fn encoded(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut text = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_encoded_for_a_header() {
        assert_eq!(encoded(Path::new("/home/a b/ä%2F")), "%2Fhome%2Fa%20b%2F%C3%A4%252F");
    }

    #[test]
    fn each_refusal_has_its_kind() {
        let kind = |status, body| route_failure(status, body).kind;
        let missing = r#"{"name":"NotFoundError","data":{"message":"Session not found: ses_1"}}"#;
        assert_eq!(kind(404, missing), FailureKind::SessionUnknown);
        let config = r#"{"name":"ConfigJsonError","data":{"path":"x","message":"line 3"}}"#;
        assert_eq!(kind(400, config), FailureKind::Task);
        assert_eq!(kind(500, "oh no"), FailureKind::Provider);
        let gone = r#"{"_tag":"PermissionNotFoundError","message":"Permission request not found"}"#;
        assert_eq!(route_failure(404, gone).message, "Permission request not found");
        assert!(route_failure(500, "oh no").message.contains("oh no (HTTP 500)"));
    }
}

//! A blocking HTTP client for servers of our own on the loopback.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

/// A server, and what every request to it carries.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    base: String,
    headers: Vec<(&'static str, String)>,
    limit: Duration,
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The body; null when it is empty or no JSON.
    pub(crate) json: Value,
}

impl Http {
    /// A server at `base`, such as `http://127.0.0.1:4096`.
    pub(crate) fn new(base: &str) -> Self {
        Self { base: base.to_owned(), headers: Vec::new(), limit: Duration::from_secs(120) }
    }

    /// Sends a header with every request.
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Gives up on an answer after `limit`, instead of two minutes.
    pub(crate) fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Where the server is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Asks for `path`, which may have a query.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).expect("an answer to GET")
    }

    /// Posts JSON to `path`, and waits for the answer.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).expect("an answer to POST")
    }

    /// Sends a request; fails when there is no answer, whatever the answer says.
    pub(crate) fn send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Answer> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            // A proxy in the environment is not for the loopback.
            // Who installed one before has the same.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().no_proxy().timeout(self.limit).build()?;
            let mut request = client.request(method, format!("{}{path}", self.base));
            for (name, value) in &self.headers {
                request = request.header(*name, value);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let response = request.send().await?;
            let status = response.status().as_u16();
            let json = serde_json::from_str(&response.text().await?).unwrap_or(Value::Null);
            Ok(Answer { status, json })
        })
    }
}

//! What was asked: every request, in the order of arrival, and what became of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::rc::Rc;

use hyper::HeaderMap;
use serde_json::{Map, Value, json};
use work::sys::clock::Clock;

use super::request::ChatRequest;

/// Headers whose values are secrets.
const SECRET: &[&str] = &["authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"];

/// The header by which opencode names its session.
const SESSION: &str = "x-session-id";

/// The requests so far. Cheap to clone; all clones are one log.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Memory>>);

#[derive(Default)]
struct Memory {
    arrived: u64,
    entries: Vec<Value>,
    seen: HashMap<u64, usize>,
}

/// Which requests to list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Those whose messages contain this text.
    pub(crate) contains: Option<String>,
    /// Those that ask this model.
    pub(crate) model: Option<String>,
    /// Those of this session.
    pub(crate) session: Option<String>,
}

/// A request that is being answered. Dropped without a word, it says that the client went.
pub(crate) struct Ticket {
    log: Log,
    /// The number of the request, from 1.
    pub(crate) number: u64,
    open: bool,
}

impl Log {
    /// Counts a request, and says how many equal ones came before.
    pub(crate) fn count(&self, request: &ChatRequest, headers: &HeaderMap) -> usize {
        let mut hasher = DefaultHasher::new();
        request.model().hash(&mut hasher);
        session(headers).hash(&mut hasher);
        Value::from(request.messages()).to_string().hash(&mut hasher);
        let mut memory = self.0.borrow_mut();
        let seen = memory.seen.entry(hasher.finish()).or_default();
        *seen += 1;
        *seen - 1
    }

    /// Remembers a request and why it is answered as it is.
    pub(crate) fn open(&self, request: &ChatRequest, headers: &HeaderMap, reason: &str) -> Ticket {
        let mut memory = self.0.borrow_mut();
        memory.arrived += 1;
        let number = memory.arrived;
        memory.entries.push(json!({
            "number": number,
            "at": Clock::System.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "model": request.model(),
            "session": session(headers),
            "reply": reason,
            "state": "open",
            "tools": request.tools(),
            "messages": request.messages(),
            "parameters": request.parameters(),
            "headers": shown(headers),
        }));
        Ticket { log: self.clone(), number, open: true }
    }

    /// The requests that pass a filter.
    pub(crate) fn list(&self, filter: &Filter) -> Value {
        let memory = self.0.borrow();
        memory.entries.iter().filter(|entry| filter.passes(entry)).cloned().collect()
    }

    /// How many requests are remembered.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().entries.len()
    }

    /// Forgets all requests, and how often equal ones came.
    pub(crate) fn clear(&self) {
        let mut memory = self.0.borrow_mut();
        memory.entries.clear();
        memory.seen.clear();
    }

    fn set_state(&self, number: u64, state: &str) {
        let mut memory = self.0.borrow_mut();
        if let Some(entry) = memory.entries.iter_mut().rev().find(|entry| entry["number"] == number) {
            entry["state"] = Value::from(state);
        }
    }
}

impl Ticket {
    /// Says how the answer ended.
    pub(crate) fn close(mut self, state: &str) {
        self.open = false;
        self.log.set_state(self.number, state);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.open {
            self.log.set_state(self.number, "client-gone");
        }
    }
}

impl Filter {
    fn passes(&self, entry: &Value) -> bool {
        let equal = |wanted: &Option<String>, field: &str| {
            wanted.as_ref().is_none_or(|wanted| entry[field].as_str() == Some(wanted))
        };
        let contains = self.contains.as_ref().is_none_or(|text| has_text(&entry["messages"], text));
        equal(&self.model, "model") && equal(&self.session, "session") && contains
    }
}

/// Whether any string in a value contains a text.
fn has_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(items) => items.iter().any(|item| has_text(item, text)),
        Value::Object(fields) => fields.values().any(|field| has_text(field, text)),
        _ => false,
    }
}

fn session(headers: &HeaderMap) -> Option<String> {
    headers.get(SESSION).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Headers as they may be shown: a secret is named, but not told.
fn shown(headers: &HeaderMap) -> Map<String, Value> {
    let show = |name: &str, value: &[u8]| {
        if SECRET.contains(&name) { "(hidden)".into() } else { String::from_utf8_lossy(value).into_owned() }
    };
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(show(name.as_str(), value.as_bytes()))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn request(text: &str) -> ChatRequest {
        let body = json!({ "model": "ok", "messages": [{ "role": "user", "content": text }] });
        ChatRequest::parse(body.to_string().as_bytes()).expect("a request")
    }

    #[test]
    fn a_secret_is_named_but_not_told() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer key"));
        headers.insert("x-session-id", HeaderValue::from_static("ses_1"));
        let log = Log::default();
        log.open(&request("one"), &headers, "title").close("complete");
        let all = log.list(&Filter::default());
        assert_eq!(all[0]["headers"], json!({ "authorization": "(hidden)", "x-session-id": "ses_1" }));
        assert_eq!((&all[0]["session"], &all[0]["state"]), (&json!("ses_1"), &json!("complete")));
    }

    #[test]
    fn filters_look_at_the_text_and_not_at_its_escapes() {
        let log = Log::default();
        for text in ["say \"one\"\nand go", "two"] {
            log.open(&request(text), &HeaderMap::new(), "").close("complete");
        }
        let count = |filter: Filter| log.list(&filter).as_array().map_or(0, Vec::len);
        let contains = |text: &str| Filter { contains: Some(text.to_owned()), ..Filter::default() };
        assert_eq!(count(contains("\"one\"\nand")), 1);
        assert_eq!(count(Filter { model: Some("other".to_owned()), ..Filter::default() }), 0);
        assert_eq!(count(Filter { session: Some("ses_1".to_owned()), ..contains("one") }), 0);
        log.clear();
        assert_eq!(log.len(), 0);
    }

    #[test]
    fn equal_requests_are_counted_a_session() {
        let log = Log::default();
        let mut other = HeaderMap::new();
        other.insert("x-session-id", HeaderValue::from_static("ses_2"));
        let count = |text, headers: &HeaderMap| log.count(&request(text), headers);
        assert_eq!([count("a", &HeaderMap::new()), count("a", &HeaderMap::new())], [0, 1]);
        assert_eq!([count("b", &HeaderMap::new()), count("a", &other)], [0, 0]);
    }

    #[test]
    fn a_dropped_ticket_says_that_the_client_went() {
        let log = Log::default();
        drop(log.open(&request("a"), &HeaderMap::new(), ""));
        assert_eq!(log.list(&Filter::default())[0]["state"], "client-gone");
    }
}

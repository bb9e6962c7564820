//! The agent: its sessions, and what it answers at once.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::Options;
use super::turn::{Heard, Turn};

/// The code for a request that can't be granted.
const NO: i64 = -32602;

/// What all turns share.
pub(crate) struct Agent {
    pub(crate) options: Options,
    out: Mutex<io::Stdout>,
    received: Mutex<File>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The sessions that are open, each with its turn if one runs.
    sessions: HashMap<String, Option<Sender<Heard>>>,
    /// Who waits for an answer, by the id of its request.
    asked: HashMap<String, Sender<Heard>>,
    requests: u64,
    model: String,
    effort: String,
}

impl Agent {
    pub(crate) fn new(options: Options) -> io::Result<Arc<Self>> {
        std::fs::create_dir_all(&options.folder)?;
        let received = appended(&options.folder.join("received"))?;
        let model = options.models.iter().chain(&options.model_options).next().cloned().unwrap_or_default();
        let state = State { model, effort: "low".to_owned(), ..State::default() };
        let (out, received, state) = (Mutex::new(io::stdout()), Mutex::new(received), Mutex::new(state));
        Ok(Arc::new(Self { options, out, received, state }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line from the client.
    pub(crate) fn take(self: &Arc<Self>, line: &str) -> io::Result<()> {
        writeln!(self.received.lock().unwrap_or_else(PoisonError::into_inner), "{line}")?;
        let message: Value = serde_json::from_str(line).map_err(io::Error::other)?;
        let (id, params) = (&message["id"], &message["params"]);
        let session = params["sessionId"].as_str().unwrap_or_default();
        match message["method"].as_str() {
            None => {
                let asker = self.state().asked.remove(&id.to_string());
                if let Some(asker) = asker {
                    // A turn that is over waits no more.
                    let _ = asker.send(Heard::Answer(message));
                }
                Ok(())
            }
            Some("session/cancel") => {
                let turn = self.state().sessions.get(session).cloned().flatten();
                turn.into_iter().for_each(|turn| drop(turn.send(Heard::Cancel)));
                Ok(())
            }
            Some("session/prompt") if self.state().sessions.contains_key(session) => {
                let text = params["prompt"][0]["text"].as_str().unwrap_or_default();
                writeln!(appended(&self.file(session))?, "{}", json!(text))?;
                let (turn, heard) = Turn::new(Arc::clone(self), session, id, text);
                self.state().sessions.insert(session.to_owned(), Some(heard));
                std::thread::spawn(move || turn.run());
                Ok(())
            }
            Some("initialize") if self.options.mute => Ok(()),
            Some(method) => match self.answer(method, session, params) {
                Ok(result) => self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result })),
                Err((code, words)) => self.refuse(id, code, &words),
            },
        }
    }

    fn answer(&self, method: &str, session: &str, params: &Value) -> Result<Value, (i64, String)> {
        let options = &self.options;
        match method {
            "initialize" => {
                let resume = !options.no_resume || options.false_resume;
                let sessions = if resume { json!({ "resume": {} }) } else { json!({}) };
                let can = json!({ "loadSession": !options.no_load, "sessionCapabilities": sessions });
                Ok(json!({ "protocolVersion": 1, "agentCapabilities": can, "authMethods": [] }))
            }
            "session/new" if options.log_in => Err((-32000, "Authentication required".to_owned())),
            "session/new" => {
                let id = format!("acp_{}_{}", std::process::id(), self.state().sessions.len());
                self.state().sessions.insert(id.clone(), None);
                let mut answer = self.offers();
                answer["sessionId"] = json!(id);
                Ok(answer)
            }
            "session/resume" if !options.no_resume && self.file(session).exists() => self.open(session),
            "session/load" if !options.no_load && (options.loads_any || self.file(session).exists()) => {
                for prompt in self.past(session) {
                    let content = json!({ "type": "text", "text": prompt });
                    let update = json!({ "sessionUpdate": "user_message_chunk", "content": content });
                    self.update(session, &update).map_err(|error| (NO, error.to_string()))?;
                }
                self.open(session)
            }
            "session/resume" if options.false_resume => Err((-32601, "Method not found".to_owned())),
            "session/resume" | "session/load" => Err((NO, format!("Session not found: {session}"))),
            "session/set_model" => {
                self.state().model = params["modelId"].as_str().unwrap_or_default().to_owned();
                Ok(json!({}))
            }
            "session/set_config_option" => {
                let value = params["value"].as_str().unwrap_or_default().to_owned();
                let mut state = self.state();
                if params["configId"] == "model" {
                    state.model = value;
                } else {
                    state.effort = value;
                }
                drop(state);
                Ok(self.offers())
            }
            _ => Err((-32601, "Method not found".to_owned())),
        }
    }

    fn open(&self, session: &str) -> Result<Value, (i64, String)> {
        self.state().sessions.insert(session.to_owned(), None);
        Ok(self.offers())
    }

    /// What may be chosen, and what is chosen.
    fn offers(&self) -> Value {
        let state = self.state();
        let Options { models, model_options, .. } = &self.options;
        let mut offers = json!({});
        if !models.is_empty() {
            let all: Vec<_> = models.iter().map(|name| json!({ "modelId": name, "name": name })).collect();
            offers["models"] = json!({ "currentModelId": state.model, "availableModels": all });
        }
        if !model_options.is_empty() {
            let option = |id: &str, category: &str, current: &str, values: &[String]| {
                let values: Vec<_> = values.iter().map(|value| json!({ "value": value })).collect();
                json!({ "id": id, "category": category, "currentValue": current, "options": values })
            };
            let efforts = ["low", "high", "default"].map(str::to_owned);
            let model = option("model", "model", &state.model, model_options);
            offers["configOptions"] =
                json!([model, option("effort", "thought_level", &state.effort, &efforts)]);
        }
        offers
    }

    /// The model and the effort that are chosen.
    pub(crate) fn chosen(&self) -> String {
        let state = self.state();
        format!("{} {}", state.model, state.effort)
    }

    /// The prompts of a session, oldest first.
    pub(crate) fn past(&self, session: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.file(session)).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn file(&self, session: &str) -> PathBuf {
        self.options.folder.join(format!("{session}.jsonl"))
    }

    /// Asks the client; the answer goes to the turn.
    pub(crate) fn ask(&self, method: &str, params: &Value, answer: Sender<Heard>) -> io::Result<()> {
        let mut state = self.state();
        let number = state.requests;
        state.requests += 1;
        let id = if self.options.text_ids { json!(format!("ask-{number}")) } else { json!(number) };
        state.asked.insert(id.to_string(), answer);
        drop(state);
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    }

    /// Tells of a session.
    pub(crate) fn update(&self, session: &str, update: &Value) -> io::Result<()> {
        let params = json!({ "sessionId": session, "update": update });
        self.send(&json!({ "jsonrpc": "2.0", "method": "session/update", "params": params }))
    }

    /// Refuses a request.
    pub(crate) fn refuse(&self, id: &Value, code: i64, words: &str) -> io::Result<()> {
        let error = json!({ "code": code, "message": words });
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "error": error }))
    }

    /// Says a message.
    pub(crate) fn send(&self, message: &Value) -> io::Result<()> {
        self.say(&message.to_string())
    }

    /// Says a line, whatever it is.
    pub(crate) fn say(&self, line: &str) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(out, "{line}")?;
        out.flush()
    }
}

fn appended(file: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(file)
}

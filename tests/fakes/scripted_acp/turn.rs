//! One turn: the directives of a prompt, one after another.

use std::io::{self, Read as _};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};
use work::sys::env;
use work::sys::process::{self, Signal};

use super::agent::Agent;
use super::script::{self, Directive};

/// What a turn hears while it runs.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The client cancels it.
    Cancel,
    /// The client answers a request.
    Answer(Value),
    /// A command has ended, and wrote this.
    Output(String),
}

/// Why a turn ends before its script does.
enum End {
    Cancelled,
    Refused(i64, String),
    Lost,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

/// A turn of a session.
pub(crate) struct Turn {
    agent: Arc<Agent>,
    session: String,
    id: Value,
    prompt: String,
    inbox: Receiver<Heard>,
    outbox: Sender<Heard>,
    heeds: bool,
    late: bool,
    calls: usize,
    usage: Value,
    stop: String,
}

impl Turn {
    /// A turn that is to be run, and how to reach it.
    pub(crate) fn new(agent: Arc<Agent>, session: &str, id: &Value, prompt: &str) -> (Self, Sender<Heard>) {
        let (outbox, inbox) = channel();
        let turn = Self {
            agent,
            session: session.to_owned(),
            id: id.clone(),
            prompt: prompt.to_owned(),
            inbox,
            outbox: outbox.clone(),
            heeds: true,
            late: false,
            calls: 0,
            usage: Value::Null,
            stop: "end_turn".to_owned(),
        };
        (turn, outbox)
    }

    /// Runs it. What can't be told any more has nobody to be told to.
    pub(crate) fn run(mut self) {
        let script = script::read(&self.prompt);
        let ended = script.iter().try_for_each(|directive| self.act(directive));
        let stop = match ended {
            Ok(()) => self.stop.clone(),
            Err(End::Cancelled) if self.agent.options.lies => "end_turn".to_owned(),
            Err(End::Cancelled) => "cancelled".to_owned(),
            Err(End::Refused(code, words)) => {
                let _ = self.agent.refuse(&self.id, code, &words);
                return;
            }
            Err(End::Lost) => return,
        };
        let mut result = json!({ "stopReason": stop });
        if !self.usage.is_null() {
            result["usage"] = self.usage.clone();
        }
        let _ = self.agent.send(&json!({ "jsonrpc": "2.0", "id": self.id, "result": result }));
        if self.late {
            let _ = self.tool("completed", "late", json!({ "content": words("too late") }));
        }
    }

    fn act(&mut self, directive: &Directive) -> Result<(), End> {
        let rest = directive.rest.as_str();
        match directive.name.as_str() {
            "text" => {
                rest.split_inclusive(' ').try_for_each(|word| self.tell("agent_message_chunk", word))?;
            }
            "think" => {
                rest.split_inclusive(' ').try_for_each(|word| self.tell("agent_thought_chunk", word))?;
            }
            "recall" => self.tell("agent_message_chunk", &self.agent.past(&self.session).join("\n---\n"))?,
            "model" => self.tell("agent_message_chunk", &self.agent.chosen())?,
            "env" => {
                let value = env::raw(rest).unwrap_or_default();
                self.tell("agent_message_chunk", &value.to_string_lossy())?;
            }
            "bash" => return self.bash(rest),
            "diff" => {
                let parts: Vec<_> = rest.split(' ').collect();
                let [path, old, new] = parts[..] else { return Err(End::Lost) };
                let diff = json!({ "type": "diff", "path": path, "oldText": old, "newText": new });
                self.calls += 1;
                self.tool("completed", "write", json!({ "content": [diff] }))?;
            }
            "permission" => return self.permission(rest),
            "request" => {
                let params = json!({ "sessionId": self.session });
                self.agent.ask(rest, &params, self.outbox.clone())?;
                let answer = self.answer()?;
                self.tell("agent_message_chunk", &format!("code {}", answer["error"]["code"]))?;
            }
            "usage" => {
                let count = |name: &str| script::value(rest, name).unwrap_or(0.0) as u64;
                let (input, output) = (count("input"), count("output"));
                self.usage =
                    json!({ "inputTokens": input, "outputTokens": output, "totalTokens": input + output });
                if let Some(amount) = script::value(rest, "cost") {
                    let cost = json!({ "amount": amount, "currency": "USD" });
                    let update =
                        json!({ "sessionUpdate": "usage_update", "used": 1, "size": 2, "cost": cost });
                    self.agent.update(&self.session, &update)?;
                }
            }
            "sleep" => drop(self.wait(Some(script::time(rest)))?),
            "hang" => drop(self.wait(None)?),
            "ignore-cancel" => self.heeds = false,
            "garbage" => {
                self.agent.say("Debugger attached. {\"jsonrpc\"")?;
                self.agent
                    .update(&self.session, &json!({ "sessionUpdate": "a_later_kind", "content": 3 }))?;
                self.agent.send(&json!({ "jsonrpc": "2.0", "id": 987_654, "result": "for nobody" }))?;
            }
            "huge" => {
                let size = rest.parse::<usize>().unwrap_or(1) * 1024 * 1024;
                self.tell("agent_message_chunk", &"x".repeat(size))?;
            }
            "fail" => {
                let (code, words) = rest.split_once(' ').unwrap_or((rest, ""));
                return Err(End::Refused(code.parse().unwrap_or(-32603), words.to_owned()));
            }
            "stop" => rest.clone_into(&mut self.stop),
            "late" => self.late = true,
            "crash" => {
                io::Write::write_all(&mut io::stderr(), format!("{rest}\n").as_bytes())?;
                std::process::exit(3);
            }
            other => self.tell("agent_message_chunk", &format!("`@{other}` is no directive"))?,
        }
        Ok(())
    }

    fn tell(&self, kind: &str, text: &str) -> io::Result<()> {
        let content = json!({ "type": "text", "text": text });
        self.agent.update(&self.session, &json!({ "sessionUpdate": kind, "content": content }))
    }

    /// Tells of the current tool call.
    fn tool(&self, status: &str, title: &str, more: Value) -> io::Result<()> {
        let kind = if matches!(status, "pending" | "in_progress") { "tool_call" } else { "tool_call_update" };
        let mut update = json!({ "sessionUpdate": kind, "toolCallId": format!("call_{}", self.calls),
            "title": title, "kind": "execute", "status": status });
        if let (Some(update), Value::Object(more)) = (update.as_object_mut(), more) {
            update.extend(more);
        }
        self.agent.update(&self.session, &update)
    }

    /// Waits for something other than a cancel.
    fn wait(&self, limit: Option<Duration>) -> Result<Option<Heard>, End> {
        loop {
            let heard = match limit {
                Some(limit) => self.inbox.recv_timeout(limit),
                None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match heard {
                Ok(Heard::Cancel) if self.heeds => return Err(End::Cancelled),
                Ok(Heard::Cancel) => {}
                Ok(heard) => return Ok(Some(heard)),
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(End::Lost),
            }
        }
    }

    fn answer(&self) -> Result<Value, End> {
        match self.wait(None)? {
            Some(Heard::Answer(answer)) => Ok(answer),
            _ => Err(End::Lost),
        }
    }

    fn bash(&mut self, line: &str) -> Result<(), End> {
        self.calls += 1;
        self.tool("in_progress", line, json!({ "rawInput": { "command": line } }))?;
        let mut command = process::command("sh");
        let mut child = command.args(["-c", line]).stdout(Stdio::piped()).spawn()?;
        let (group, done) = (child.id(), self.outbox.clone());
        std::thread::spawn(move || {
            let mut text = String::new();
            child.stdout.take().into_iter().for_each(|mut pipe| drop(pipe.read_to_string(&mut text)));
            let _ = child.wait();
            done.send(Heard::Output(text))
        });
        match self.wait(None) {
            Ok(Some(Heard::Output(text))) => {
                Ok(self.tool("completed", line, json!({ "rawOutput": text }))?)
            }
            ended => {
                process::signal_group(group, Signal::SIGKILL);
                self.tool("failed", line, json!({ "rawOutput": "cancelled" }))?;
                ended.map(drop)
            }
        }
    }

    fn permission(&mut self, line: &str) -> Result<(), End> {
        self.calls += 1;
        let id = format!("call_{}", self.calls);
        let call =
            json!({ "toolCallId": id, "kind": "execute", "title": line, "rawInput": { "command": line } });
        let option = |kind: &str| json!({ "optionId": format!("my-{kind}"), "name": format!("{kind} {line}"), "kind": kind });
        let options = ["allow_always", "allow_once", "reject_once"].map(option);
        let params = json!({ "sessionId": self.session, "toolCall": call, "options": options });
        self.agent.ask("session/request_permission", &params, self.outbox.clone())?;
        // Like some real ones, it ends only when it is answered, even if it is cancelled meanwhile.
        let heeds = std::mem::replace(&mut self.heeds, false);
        let answer = self.answer()?;
        self.heeds = heeds;
        let outcome = &answer["result"]["outcome"];
        match outcome["optionId"].as_str() {
            Some(option) => Ok(self.tell("agent_message_chunk", &format!("chose {option} "))?),
            None => Err(End::Cancelled),
        }
    }
}

fn words(text: &str) -> Value {
    json!([{ "type": "content", "content": { "type": "text", "text": text } }])
}

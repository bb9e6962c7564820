//! The tool calls of a turn: each message tells a part of one, and only what is new is passed on. Pure.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::diff;
use super::wire::Update;
use crate::agent::words::{self, cap, capped};
use crate::model::{AgentEvent, ToolStatus};

/// A call, as far as it was told.
#[derive(Debug, Clone, PartialEq)]
struct Call {
    name: String,
    title: String,
    status: ToolStatus,
    input: Option<Value>,
}

/// All calls of one turn.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    calls: HashMap<String, Call>,
    /// Those of the turn before; what comes late of them is not of this one.
    past: HashSet<String>,
}

impl Tools {
    /// For the turn after this one.
    pub(crate) fn next(&mut self) -> Self {
        Self { calls: HashMap::new(), past: self.calls.drain().map(|(id, _)| id).collect() }
    }

    /// Whether one of them runs.
    pub(crate) fn any_runs(&self) -> bool {
        self.calls.values().any(|call| call.status == ToolStatus::Running)
    }

    /// The name of the tool that a request is about, and what exactly it wants to do.
    pub(crate) fn asked(&self, update: &Update) -> (String, Vec<String>) {
        let call = self.merged(update);
        let argument = argument(call.input.as_ref());
        let places: Vec<String> = update.tool.locations.iter().map(|place| place.path.clone()).collect();
        let exactly = match (argument, places.is_empty()) {
            (Some(argument), _) => vec![argument],
            (None, false) => places,
            (None, true) => vec![call.title],
        };
        (call.name, exactly)
    }

    /// A message about a call. `None` when it tells nothing new.
    pub(crate) fn update(&mut self, update: &Update) -> Option<AgentEvent> {
        let id = update.tool.tool_call_id.clone();
        let begins = update.session_update == "tool_call";
        if id.is_empty() || (!begins && self.past.contains(&id) && !self.calls.contains_key(&id)) {
            return None;
        }
        let call = self.merged(update);
        let told = self.calls.get(&id);
        if told.is_some_and(|told| *told == call || ended(told.status)) {
            return None;
        }
        let output = ended(call.status).then(|| output(update)).flatten();
        self.calls.insert(id.clone(), call.clone());
        let Call { name, title, status, input } = call;
        Some(AgentEvent::ToolCall { id, name, title, status, input, output })
    }

    /// The call with what this message adds to it.
    fn merged(&self, update: &Update) -> Call {
        let tool = &update.tool;
        let known = self.calls.get(&tool.tool_call_id);
        let title = tool.title.as_deref().filter(|title| !title.is_empty()).map(words::line);
        let input = Some(&tool.raw_input).filter(|input| has_arguments(input)).map(capped);
        let input = input.or_else(|| known.and_then(|known| known.input.clone()));
        let status = match tool.status.as_deref() {
            Some("in_progress") => ToolStatus::Running,
            Some("completed") => ToolStatus::Completed,
            Some("failed") => ToolStatus::Failed,
            Some("pending") => ToolStatus::Pending,
            _ => known.map_or(ToolStatus::Pending, |known| known.status),
        };
        let name = known.map_or_else(|| name(update, title.as_deref()), |known| known.name.clone());
        // A title that only repeats the tool's name says less than what it is told to do.
        let said = title.or_else(|| known.map(|known| known.title.clone())).filter(|title| *title != name);
        let title = said.or_else(|| argument(input.as_ref())).unwrap_or_else(|| name.clone());
        Call { name, title, status, input }
    }
}

/// The tool's own name where the agent tells it; else what kind of thing it does.
fn name(update: &Update, title: Option<&str>) -> String {
    let own = update
        .meta
        .tool_name
        .as_deref()
        .or_else(|| update.meta.goose.pointer("/toolCall/toolName")?.as_str());
    let one_word =
        |title: &&str| title.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    own.or_else(|| title.filter(one_word)).or(update.tool.kind.as_deref()).unwrap_or("tool").to_owned()
}

fn ended(status: ToolStatus) -> bool {
    matches!(status, ToolStatus::Completed | ToolStatus::Failed)
}

fn has_arguments(input: &Value) -> bool {
    input.as_object().is_some_and(|map| !map.is_empty())
}

/// The argument that says most.
fn argument(input: Option<&Value>) -> Option<String> {
    ["command", "filePath", "file_path", "path", "pattern", "url", "query"]
        .iter()
        .find_map(|name| input?.get(name)?.as_str())
        .map(words::line)
}

/// What came of it: the tool's own output, or what is shown to people, and the changes that it made.
fn output(update: &Update) -> Option<String> {
    let raw = &update.tool.raw_output;
    let own = match raw {
        Value::String(text) => Some(text.as_str()),
        raw => ["output", "stdout", "error"].iter().find_map(|name| raw.get(name)?.as_str()),
    };
    let own = own.filter(|text| !text.is_empty()).map(str::to_owned);
    let shown = update.content.as_array().into_iter().flatten();
    let (mut texts, mut diffs) = (Vec::new(), Vec::new());
    for item in shown {
        let field = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        match field("type") {
            "content" => {
                texts.extend(item.pointer("/content/text").and_then(Value::as_str).map(str::to_owned));
            }
            "diff" => diffs.push(diff::render(field("path"), field("oldText"), field("newText"))),
            _ => {}
        }
    }
    let said = own.or_else(|| (!texts.is_empty()).then(|| texts.join("\n")));
    let all: Vec<String> = said.into_iter().chain(diffs).collect();
    (!all.is_empty()).then(|| cap(&all.join("\n")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::agent::acp::wire;

    /// What is told of each message, in short.
    fn told(tools: &mut Tools, messages: &[Value]) -> Vec<String> {
        let tell = |message: &Value| match tools.update(&wire::read(message.clone())) {
            Some(AgentEvent::ToolCall { name, title, status, output, .. }) => {
                format!("{name} | {title} | {status:?} | {}", output.unwrap_or_default())
            }
            _ => "-".to_owned(),
        };
        messages.iter().map(tell).collect()
    }

    #[test]
    fn a_call_is_told_when_something_of_it_is_new() {
        let opencode = [
            json!({"sessionUpdate":"tool_call","toolCallId":"c","title":"bash","kind":"execute","status":"pending","rawInput":{"cwd":"/p"}}),
            json!({"sessionUpdate":"tool_call_update","toolCallId":"c","status":"in_progress","title":"echo hi","rawInput":{"command":"echo hi"}}),
            json!({"sessionUpdate":"tool_call_update","toolCallId":"c","status":"in_progress","title":"echo hi","rawInput":{"command":"echo hi"},"content":[{"type":"content","content":{"type":"text","text":"hi\n"}}]}),
            json!({"sessionUpdate":"tool_call_update","toolCallId":"c","status":"completed","title":"echo hi","content":[{"type":"content","content":{"type":"text","text":"hi"}}],"rawOutput":{"output":"hi"}}),
            json!({"sessionUpdate":"tool_call_update","toolCallId":"c","status":"in_progress"}),
        ];
        let mut tools = Tools::default();
        assert_eq!(
            told(&mut tools, &opencode),
            [
                "bash | bash | Pending | ",
                "bash | echo hi | Running | ",
                "-",
                "bash | echo hi | Completed | hi",
                "-"
            ]
        );
        let qwen = [
            json!({"sessionUpdate":"tool_call","toolCallId":"q","status":"in_progress","title":"Shell: echo hi","kind":"execute","rawInput":{"command":"echo hi"},"_meta":{"toolName":"run_shell_command"}}),
            json!({"sessionUpdate":"tool_call_update","toolCallId":"q","status":"completed","content":[{"type":"content","content":{"type":"text","text":"Command: echo hi"}}],"rawOutput":""}),
        ];
        assert_eq!(
            told(&mut tools, &qwen),
            [
                "run_shell_command | Shell: echo hi | Running | ",
                "run_shell_command | Shell: echo hi | Completed | Command: echo hi"
            ]
        );
        let gemini = [
            json!({"sessionUpdate":"tool_call_update","toolCallId":"g","status":"completed","title":"Writing to a.txt","content":[{"type":"diff","path":"/a.txt","oldText":"x","newText":"y"}],"kind":"edit"}),
        ];
        assert_eq!(told(&mut tools, &gemini), ["edit | Writing to a.txt | Completed | --- /a.txt\n-x\n+y"]);
    }

    /// Mutant: `past` not looked at.
    #[test]
    fn what_comes_late_of_the_last_turn_is_not_of_this_one() {
        let begun =
            json!({"sessionUpdate":"tool_call","toolCallId":"c","title":"bash","status":"in_progress"});
        let late = json!({"sessionUpdate":"tool_call_update","toolCallId":"c","status":"completed"});
        let mut first = Tools::default();
        told(&mut first, std::slice::from_ref(&begun));
        assert!(first.any_runs());
        let mut second = first.next();
        assert_eq!(told(&mut second, std::slice::from_ref(&late)), ["-"]);
        assert_eq!(
            told(&mut second, &[begun, late]),
            ["bash | bash | Running | ", "bash | bash | Completed | "]
        );
    }

    #[test]
    fn a_request_names_the_tool_and_what_it_wants() {
        let tools = Tools::default();
        let asked = |json: Value| tools.asked(&wire::read(json));
        let run =
            json!({"toolCallId":"c","kind":"execute","title":"touch x","rawInput":{"command":"touch x"}});
        assert_eq!(asked(run), ("execute".to_owned(), vec!["touch x".to_owned()]));
        let edit = json!({"toolCallId":"c","kind":"edit","title":"Writing","locations":[{"path":"/a"}]});
        assert_eq!(asked(edit), ("edit".to_owned(), vec!["/a".to_owned()]));
        assert_eq!(asked(json!({"title":"Do it"})), ("tool".to_owned(), vec!["Do it".to_owned()]));
    }
}

//! `work/agents.yaml`: the agents that threads are given to.
//!
//! One invariant: every agent that is handed out has a name of its own, at least one model, and a command
//! if its backend needs one.

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use serde::{Deserialize, Serialize};

use crate::model::{AgentName, BackendKind, ModelRef, Policy};

use super::place::{Place, place};
use super::reader::{Codes, Reader};
use super::yaml::{Key, Node, Value};

/// What to write into a file without agents; `work init` leaves a file alone that is there.
const EXAMPLE: &str = "the shortest file that works is `agents: [{ name: default, models: [provider/model] }]`; \
                       `opencode models` lists the models";

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its name.
    pub name: AgentName,
    /// What it is.
    pub description: String,
    /// What it is best for.
    pub best_for: String,
    /// How we talk to it.
    pub backend: BackendKind,
    /// Its models, in order of preference; never empty.
    pub models: Vec<ModelRef>,
    /// The program that speaks ACP, with its arguments; empty for opencode.
    pub command: Vec<String>,
    /// Variables for its process, or for opencode's tools, since all agents share one opencode.
    pub env: BTreeMap<String, String>,
    /// The name of the agent at opencode that takes the prompt, if it is not the default one.
    pub opencode_agent: Option<String>,
    /// What happens when it asks for a permission, or a question; `None` is as the project has it.
    pub permissions: Option<Policy>,
    /// Where it runs.
    #[serde(default)]
    pub place: Place,
}

impl Agent {
    /// The words that start its program, with whatever launches it in front; empty for opencode.
    #[must_use]
    pub fn command_line(&self) -> String {
        let launcher = match &self.place {
            Place::Launched(launcher) => launcher.command.as_slice(),
            Place::Here | Place::Server(_) => &[],
        };
        launcher.iter().chain(&self.command).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// All agents, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agents {
    /// The agents.
    pub agents: Vec<Agent>,
}

impl Agents {
    /// The agent of this name.
    #[must_use]
    pub fn get(&self, name: &AgentName) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.name == *name)
    }

    /// The agent that takes what names none: the one called `default`, else the first one.
    #[must_use]
    pub fn default_agent(&self) -> Option<&Agent> {
        self.get(&AgentName("default".to_owned())).or(self.agents.first())
    }
}

/// Agents and all that was found about their file.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedAgents {
    /// The agents that can be used.
    pub agents: Agents,
    /// What is wrong or doubtful.
    pub diagnostics: Vec<Diagnostic>,
}

/// The text of `agents.yaml` that `work init` writes.
pub const DEFAULT_AGENTS: &str = "\
# The agents that `work` gives threads to. A plan names one with `**Agent:** NAME`; a thread without a name
# goes to `default`. `opencode models` lists the models that you can use.
#
# models      in order of preference: the next one is tried when one has no quota left.
#             `provider/model`, `provider/model#variant`, or { model: provider/model, variant: high }
# backend     `opencode` (the default), or `acp` with a command, for any agent that speaks the
#             Agent Client Protocol
# permissions `allow`, `deny` or `ask` a person, when the agent asks; see the README for the default
# env         variables for the agent's process, or for its tools with opencode; no secrets
# launcher    what starts the agent's program elsewhere, such as [ssh, build1]; only with backend `acp`
# server      the address of an opencode server that runs already; its password is in the variable
#             that `server_password_env` names
# directory   the repository's folder over there, when it is not the same path
agents:
  - name: default
    description: General-purpose agent
    best_for: Everyday development
    models:
      - anthropic/claude-sonnet-4-5

  # - name: reviewer
  #   description: Reads code carefully
  #   best_for: Reviews, debugging
  #   models: [openai/gpt-5.2-codex#high]

  # - name: qwen
  #   description: Qwen Code over ACP
  #   best_for: Small, well-described changes
  #   backend: acp
  #   command: [qwen, --acp]
  #   models: [qwen/qwen3-coder]
";

const CODES: Codes = Codes { syntax: "A001", unknown_key: "A002", duplicate_key: "A003", wrong_type: "A004" };

const KEYS: &[&str] = &[
    "name",
    "description",
    "best_for",
    "backend",
    "models",
    "command",
    "env",
    "opencode_agent",
    "permissions",
    "launcher",
    "server",
    "server_password_env",
    "directory",
];

/// Reads the text of `agents.yaml`.
#[must_use]
pub fn parse_agents(source: &str) -> ParsedAgents {
    let mut reader = Reader::new(CODES);
    let mut agents: Vec<(Agent, std::ops::Range<usize>)> = Vec::new();
    let Some(root) = reader.read(source) else {
        return ParsedAgents { agents: Agents::default(), diagnostics: reader.found };
    };
    let list = match &root.value {
        Value::Null => None,
        _ => reader.map(&root, "the file", &["agents"]).unwrap_or_default().first().map(|(_, node)| *node),
    };
    let nodes = list.map_or(&[][..], |list| reader.list(list, "`agents`"));
    for node in nodes {
        let Some((agent, name)) = agent(&mut reader, node) else { continue };
        if let Some((_, first)) = agents.iter().find(|(other, _)| other.name == agent.name) {
            let finding = Diagnostic::error("A005", format!("two agents are called `{}`", agent.name))
                .at(name, "the second one")
                .and_at(first.clone(), "the first one");
            reader.found.push(finding.help("give one of them another name"));
        } else {
            agents.push((agent, name));
        }
    }
    if nodes.is_empty() && reader.found.iter().all(|finding| finding.code != "A004") {
        let finding = Diagnostic::error("A006", "there are no agents");
        let finding = match list {
            Some(list) => finding.at(list.span.clone(), ""),
            None => finding,
        };
        reader.found.push(finding.help(EXAMPLE));
    }
    let agents = agents.into_iter().map(|(agent, _)| agent).collect();
    ParsedAgents { agents: Agents { agents }, diagnostics: reader.found }
}

/// What stands in an entry.
pub(super) type Entries<'a> = Vec<(&'a Key, &'a Node)>;

/// Reads one agent; `None` when it cannot be used. The bytes of its name come with it.
fn agent(reader: &mut Reader, node: &Node) -> Option<(Agent, std::ops::Range<usize>)> {
    let entries = reader.map(node, "an agent", KEYS)?;
    let get = |name: &str| entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| *node);
    let errors = reader.found.len();
    let name = name(reader, node, get("name"));
    let mut text = |key: &str| {
        let node = get(key).filter(|node| node.value != Value::Null)?;
        reader.text(node, &format!("`{key}`"))
    };
    let (description, best_for) = (text("description"), text("best_for"));
    let opencode_agent = text("opencode_agent");
    let backend = backend(reader, get("backend"));
    let models = models(reader, node, &entries);
    let command = command(reader, node, backend, get("command"));
    let env = env(reader, get("env"));
    let permissions = get("permissions").and_then(|node| policy(reader, node, "A014"));
    let place = place(reader, &entries, backend);
    let usable = reader.found[errors..].iter().all(|finding| finding.severity < crate::diag::Severity::Error);
    let (name, span) = name.filter(|_| usable)?;
    let agent = Agent {
        name,
        description: description.unwrap_or_default(),
        best_for: best_for.unwrap_or_default(),
        backend: backend?,
        models,
        command,
        env,
        opencode_agent,
        permissions,
        place,
    };
    Some((agent, span))
}

fn name(
    reader: &mut Reader,
    agent: &Node,
    node: Option<&Node>,
) -> Option<(AgentName, std::ops::Range<usize>)> {
    let help = "write `name: …`, a name on one line";
    let Some(node) = node else {
        reader.error("A007", first_line(agent), "this agent has no name".to_owned(), help);
        return None;
    };
    let name = reader.text(node, "`name`")?;
    if name.trim().is_empty()
        || name.trim() != name
        || name.contains('`')
        || name.chars().any(char::is_control)
    {
        let message = "this name of an agent cannot stand in a plan".to_owned();
        reader.error("A007", node.span.clone(), message, help);
        return None;
    }
    Some((AgentName(name), node.span.clone()))
}

fn backend(reader: &mut Reader, node: Option<&Node>) -> Option<BackendKind> {
    let Some(node) = node else { return Some(BackendKind::Opencode) };
    let text = reader.text(node, "`backend`")?;
    let known = [BackendKind::Opencode, BackendKind::Acp].into_iter().find(|kind| kind.name() == text);
    if known.is_none() {
        let message = format!("there is no backend `{text}`");
        reader.error("A008", node.span.clone(), message, "write `opencode` or `acp`");
    }
    known
}

fn models(reader: &mut Reader, agent: &Node, entries: &Entries<'_>) -> Vec<ModelRef> {
    let help = "list at least one: `models: [provider/model]`";
    let Some((key, node)) = entries.iter().find(|(key, _)| key.name == "models") else {
        reader.error("A009", first_line(agent), "this agent has no models".to_owned(), help);
        return Vec::new();
    };
    let single = matches!(node.value, Value::Text(_));
    let nodes = if single { std::slice::from_ref(*node) } else { reader.list(node, "`models`") };
    if nodes.is_empty() && matches!(node.value, Value::Null | Value::List(_)) {
        reader.error("A009", key.span.clone(), "this agent has no models".to_owned(), help);
    }
    nodes.iter().filter_map(|node| model(reader, node)).collect()
}

fn model(reader: &mut Reader, node: &Node) -> Option<ModelRef> {
    let (name, variant) = match &node.value {
        Value::Map(_) => {
            let entries = reader.map(node, "a model", &["model", "variant"])?;
            let get = |name: &str| entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| *node);
            let Some(name) = get("model") else {
                let message = "this model has no `model`".to_owned();
                reader.error(
                    "A010",
                    node.span.clone(),
                    message,
                    "write `{ model: provider/model, variant: high }`",
                );
                return None;
            };
            let variant = get("variant").filter(|node| node.value != Value::Null);
            (name, variant.and_then(|node| reader.text(node, "`variant`")))
        }
        _ => (node, None),
    };
    let text = reader.text(name, "a model")?;
    match text.parse::<ModelRef>() {
        Ok(model) if model.variant.is_some() && variant.is_some() => {
            let message = "this model has two variants".to_owned();
            reader.error("A010", node.span.clone(), message, "write the variant once");
            None
        }
        Ok(model) => {
            let own = model.variant.clone();
            Some(model.with_variant(variant.or(own)))
        }
        Err(error) => {
            reader.error("A010", name.span.clone(), error.to_string(), "`opencode models` lists the models");
            None
        }
    }
}

fn command(
    reader: &mut Reader,
    agent: &Node,
    backend: Option<BackendKind>,
    node: Option<&Node>,
) -> Vec<String> {
    let help = "write the program and its arguments as a list: `command: [qwen, --acp]`";
    let words: Vec<String> = node.map_or_else(Vec::new, |node| {
        let nodes = reader.list(node, "`command`");
        nodes.iter().filter_map(|word| reader.text(word, "a word of `command`")).collect()
    });
    match (backend, node) {
        (Some(BackendKind::Acp), _) if words.first().is_none_or(String::is_empty) => {
            let span = node.map_or_else(|| first_line(agent), |node| node.span.clone());
            reader.error("A011", span, "an agent with backend `acp` needs a command".to_owned(), help);
        }
        (Some(BackendKind::Opencode), Some(node)) => {
            let finding = Diagnostic::warning("A012", "`command` is only used with backend `acp`");
            reader
                .found
                .push(finding.at(node.span.clone(), "not used").help("add `backend: acp`, or remove it"));
        }
        _ => {}
    }
    words
}

fn env(reader: &mut Reader, node: Option<&Node>) -> BTreeMap<String, String> {
    let Some(node) = node.filter(|node| node.value != Value::Null) else { return BTreeMap::new() };
    let mut env = BTreeMap::new();
    for (key, value) in reader.map(node, "`env`", &[]).unwrap_or_default() {
        if key.name.is_empty() || key.name.contains(['=', '\0']) {
            let message = format!("`{}` is no name of a variable", key.name.escape_debug());
            reader.error("A013", key.span.clone(), message, "a name holds no `=`");
        } else if let Some(text) = reader.text(value, &format!("`env.{}`", key.name)) {
            env.insert(key.name.clone(), text);
        }
    }
    env
}

/// What happens when an agent asks; `code` is reported for any other word.
pub(super) fn policy(reader: &mut Reader, node: &Node, code: &'static str) -> Option<Policy> {
    let text = reader.text(node, "`permissions`")?;
    let known = Policy::ALL.into_iter().find(|policy| policy.name() == text);
    if known.is_none() {
        let message = format!("`{text}` says nothing about permissions");
        reader.error(code, node.span.clone(), message, "write `allow`, `deny` or `ask`");
    }
    known
}

/// Where an agent that lacks something is shown: its start, since its end may be far below.
fn first_line(agent: &Node) -> std::ops::Range<usize> {
    match &agent.value {
        Value::Map(entries) => entries.first().map_or(agent.span.clone(), |(key, _)| key.span.clone()),
        _ => agent.span.clone(),
    }
}

//! What the commands that run threads have in common: how a thread is to run, and what would run.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::{Prepared, TurnRequest};
use crate::model::{Mode, Policy, ThreadId};
use crate::ui::one_line;

/// How a thread is to run.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct How {
    /// Use this agent, this time, instead of the assigned one
    #[arg(short, long, value_name = "NAME")]
    pub(super) agent: Option<String>,
    /// Use this model instead of the agent's own: `provider/model` or `provider/model#variant`
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// Add these words to the end of the prompt
    #[arg(short, long, value_name = "TEXT")]
    pub(super) message: Option<String>,
    /// Run a thread though PLAN.md changed it after it was approved
    #[arg(long)]
    pub(super) allow_drift: bool,
    /// Run the agent within this command instead of in the supervisor
    #[arg(long)]
    pub(super) no_supervisor: bool,
    /// When the agent asks for a permission, or asks a question: allow, deny, or ask a person (default: as
    /// agents.yaml or config.yaml say, else ask where somebody can see it, and deny where nobody can)
    #[arg(long, value_name = "POLICY", value_parser = policy)]
    pub(super) permissions: Option<Policy>,
}

fn policy(word: &str) -> Result<Policy, String> {
    let known = Policy::ALL.into_iter().find(|policy| policy.name() == word);
    known.ok_or_else(|| "it is `allow`, `deny` or `ask`".to_owned())
}

impl How {
    pub(super) fn request(&self, thread: &str) -> TurnRequest {
        TurnRequest {
            thread: thread.to_owned(),
            agent: self.agent.clone(),
            model: self.model.clone(),
            message: self.message.clone(),
            allow_drift: self.allow_drift,
            permissions: self.permissions,
        }
    }

    /// The same as words of a command line, for a window.
    pub(super) fn flags(&self) -> Vec<String> {
        let Self { agent, model, message, allow_drift, no_supervisor, permissions } = self;
        let permissions = permissions.map(|policy| policy.name().to_owned());
        let valued =
            [("--agent", agent), ("--model", model), ("--message", message), ("--permissions", &permissions)];
        // One word each, so that a value that begins with a hyphen stays a value.
        let valued =
            valued.into_iter().filter_map(|(flag, value)| Some(format!("{flag}={}", value.as_ref()?)));
        let set = [("--allow-drift", *allow_drift), ("--no-supervisor", *no_supervisor)];
        valued.chain(set.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag.to_owned())).collect()
    }
}

/// What `--dry-run` tells.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Would<'a> {
    thread: ThreadId,
    name: &'a str,
    agent: &'a str,
    models: Vec<String>,
    mode: Mode,
    #[serde(serialize_with = "crate::engine::lossy::path")]
    directory: &'a std::path::Path,
    prompt_bytes: usize,
    warnings: &'a [String],
}

impl<'a> Would<'a> {
    pub(super) fn of(prepared: &'a Prepared) -> Self {
        Self {
            thread: prepared.spec.thread,
            name: &prepared.name,
            agent: &prepared.spec.agent.name.0,
            models: prepared.spec.models.iter().map(ToString::to_string).collect(),
            mode: prepared.spec.mode,
            directory: &prepared.spec.directory,
            prompt_bytes: prepared.spec.prompt.len(),
            warnings: &prepared.warnings,
        }
    }

    pub(super) fn words(&self) -> String {
        format!(
            "would run {} {} with {} ({}) in {}, {}; `work prompt --thread {}` shows its {} bytes of prompt\n",
            self.thread,
            one_line(self.name),
            self.agent,
            self.models.join(", then "),
            self.directory.display(),
            self.mode.name(),
            self.thread,
            self.prompt_bytes
        )
    }
}

//! What the commands that run threads have in common: how a thread is to run, and what would run.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::asking::policy_of;
use super::context::Context;
use super::failed::Failed;
use crate::config::{Settings, Window};
use crate::engine::{Approach, Prepared, TurnRequest, Workspace};
use crate::model::{Mode, Policy, SessionId, ThreadId};
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
    /// Go on in the last session instead of a new one; with `--agent`, in that agent's last one
    #[arg(long)]
    pub(super) resume: bool,
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
    /// Tell nobody what becomes of it (see `notify` of config.yaml)
    #[arg(long)]
    pub(super) no_notify: bool,
    /// Run each thread in a git worktree of its own; `work changes apply` brings over what it changed there
    #[arg(long)]
    pub(super) worktree: bool,
    /// Run it though its budget, or the stream's, is used up (see `budget` of config.yaml)
    #[arg(long)]
    pub(super) over_budget: bool,
}

fn policy(word: &str) -> Result<Policy, String> {
    let known = Policy::ALL.into_iter().find(|policy| policy.name() == word);
    known.ok_or_else(|| "it is `allow`, `deny` or `ask`".to_owned())
}

impl How {
    /// Refuses an agent that would spend more than a person has allowed.
    pub(super) fn allowed(&self, ctx: &Context) -> Result<(), Failed> {
        if self.over_budget { ctx.needs_person("go over a budget") } else { Ok(()) }
    }

    pub(super) fn request(&self, thread: &str) -> TurnRequest {
        TurnRequest {
            thread: thread.to_owned(),
            agent: self.agent.clone(),
            model: self.model.clone(),
            message: self.message.clone(),
            allow_drift: self.allow_drift,
            approach: if self.resume { Approach::Resume } else { Approach::NewSession },
            permissions: self.permissions,
            quiet: self.no_notify,
            worktree: self.worktree,
            over_budget: self.over_budget,
        }
    }

    /// The same as words of a command line, for a window.
    pub(super) fn flags(&self) -> Vec<String> {
        let Self {
            agent,
            model,
            message,
            resume,
            allow_drift,
            no_supervisor,
            permissions,
            no_notify,
            worktree,
            over_budget,
        } = self;
        let permissions = permissions.map(|policy| policy.name().to_owned());
        let valued =
            [("--agent", agent), ("--model", model), ("--message", message), ("--permissions", &permissions)];
        // One word each, so that a value that begins with a hyphen stays a value.
        let valued =
            valued.into_iter().filter_map(|(flag, value)| Some(format!("{flag}={}", value.as_ref()?)));
        let set = [
            ("--resume", *resume),
            ("--allow-drift", *allow_drift),
            ("--no-supervisor", *no_supervisor),
            ("--no-notify", *no_notify),
            ("--worktree", *worktree),
            ("--over-budget", *over_budget),
        ];
        valued.chain(set.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag.to_owned())).collect()
    }
}

/// How threads are watched: in windows, or not at all.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Watching {
    /// Queue them as background jobs instead of opening windows, and return at once
    #[arg(long, conflicts_with_all = ["window", "attach", "no_supervisor"])]
    pub(super) headless: bool,
    /// Run at most so many of these jobs at once (default: as config.yaml says, else 4)
    #[arg(long, value_name = "N", requires = "headless", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_parallel: Option<u32>,
    /// What the windows show (default: `window` of config.yaml, else the agent's own UI)
    #[arg(long)]
    window: Option<Shown>,
    /// Wait until all turns have ended; their progress is shown meanwhile
    #[arg(short, long)]
    pub(super) wait: bool,
    /// When all threads of the batch are done, bring what they changed in their worktrees into this checkout; where
    /// that conflicts nothing is applied, and the exit code is 1
    #[arg(long, requires = "wait")]
    pub(super) apply: bool,
    /// Go to the windows once they have started (Ctrl-B d comes back)
    #[arg(long)]
    pub(super) attach: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shown {
    /// The agent's own terminal UI
    Tui,
    /// The turn as streamed text
    Stream,
}

impl Watching {
    /// The same, but waiting for the ends.
    pub(super) fn waiting(&self) -> Self {
        Self { wait: true, ..self.clone() }
    }

    /// The mode of turns in windows.
    pub(super) fn mode(&self, ctx: &Context, workspace: &Workspace) -> Result<Mode, Failed> {
        if self.headless {
            return Ok(Mode::Headless);
        }
        Ok(match (self.window, ctx.settings(workspace)?.window) {
            (Some(Shown::Tui), _) | (None, Window::Tui) => Mode::Tui,
            (Some(Shown::Stream), _) | (None, Window::Stream) => Mode::Plain,
        })
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
    /// The session that goes on, and the attempt that it was last used in.
    resume: Option<Resumed<'a>>,
    #[serde(serialize_with = "crate::engine::lossy::path")]
    directory: &'a std::path::Path,
    prompt_bytes: usize,
    /// With which flags `work prompt` shows the same prompt.
    #[serde(skip)]
    prompt_flags: String,
    /// What happens when the agent asks for a permission, or asks a question.
    permissions: Policy,
    warnings: &'a [String],
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Resumed<'a> {
    session_id: &'a SessionId,
    attempt: u32,
}

impl<'a> Would<'a> {
    /// What the turn would be; `watched` says whether somebody would see it.
    pub(super) fn of(prepared: &'a Prepared, settings: &Settings, how: &How, watched: bool) -> Self {
        Self {
            thread: prepared.spec.thread,
            name: &prepared.name,
            agent: &prepared.spec.agent.name.0,
            models: prepared.spec.models.iter().map(ToString::to_string).collect(),
            mode: prepared.spec.mode,
            resume: prepared
                .spec
                .resume
                .as_ref()
                .map(|(session_id, attempt)| Resumed { session_id, attempt: *attempt }),
            directory: &prepared.spec.directory,
            prompt_bytes: prepared.spec.prompt.len(),
            prompt_flags: prompt_flags(prepared),
            permissions: policy_of(settings, prepared, watched, how.no_supervisor),
            warnings: &prepared.warnings,
        }
    }

    pub(super) fn words(&self) -> String {
        let (thread, name, agent) = (self.thread, one_line(self.name), self.agent);
        let how = match &self.resume {
            Some(Resumed { session_id, attempt }) => {
                format!(
                    "would go on with {thread} {name} in session {session_id} of attempt {attempt}, by {agent}"
                )
            }
            None => format!("would run {thread} {name} with {agent}"),
        };
        format!(
            "{how} ({}) in {}, {}, permissions: {}; `work prompt --thread {thread}{}` shows its {} bytes of \
             prompt\n",
            self.models.join(", then "),
            self.directory.display(),
            self.mode.name(),
            self.permissions.name(),
            self.prompt_flags,
            self.prompt_bytes
        )
    }
}

/// With which flags `work prompt` shows the prompt of this turn.
fn prompt_flags(prepared: &Prepared) -> String {
    let which = match (&prepared.spec.resume, prepared.handover) {
        (Some(_), _) => " --resume",
        (None, true) => " --handover",
        (None, false) => "",
    };
    let message = if prepared.request.message.is_some() { " --message …" } else { "" };
    format!("{which}{message}")
}

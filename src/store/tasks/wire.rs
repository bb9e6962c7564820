//! The format of `tasks.json`, version 2, field by field. Its JSON Schema is made from these.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::{Word, read_fields};
pub(super) use super::time::Time;
pub(super) use super::usage::WireUsage;
use crate::model::{
    Ask, BackendKind, Extra, FailureKind, Mode, OutsidePaths, Owner, TaskId, TaskStatus, ThreadId, Usage,
    Verification,
};

/// What a person said of a stream as a whole; nothing is said of an open one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StreamWord {
    /// It rests until somebody takes it up again.
    OnHold,
    /// It is finished, whatever its tasks say.
    Completed,
}

/// Whether an attempt runs, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SessionWord {
    /// Nobody has written its end yet.
    Running,
    /// The agent ended its turn by itself.
    Completed,
    /// It failed.
    Failed,
    /// It was cancelled, or its owner died.
    Interrupted,
}

/// The state of one workstream, as `work` keeps it. Unknown fields survive, at every level.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "tasks.json")]
pub(super) struct WireFile {
    /// Where the schema of this file is, for editors.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub(super) schema: Option<String>,
    /// The version of the format. A newer first number is read-only for this program.
    #[schemars(with = "String", regex(pattern = r"^2\."))]
    pub(super) version: Option<String>,
    /// The stream itself.
    pub(super) stream: WireStream,
    /// When anything in here last changed.
    pub(super) updated_at: Time,
    /// The threads, in order of their ids.
    pub(super) threads: Vec<WireThread>,
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) extra: Extra,
}
read_fields!(WireFile, "an object with `version`, `stream` and `threads`",
    required { stream: "stream", updated_at: "updatedAt", threads: "threads" }
    optional { schema: "$schema", version: "version" }
);

/// A workstream.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Stream")]
pub(super) struct WireStream {
    /// `NNN-slug`, also the name of the folder.
    #[schemars(regex(pattern = r"^[0-9]{3,6}-[a-z0-9._-]+$"))]
    pub(super) id: String,
    /// Its name for people.
    pub(super) name: String,
    /// When it was created.
    pub(super) created_at: Time,
    /// What a person said of it as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<StreamWord>")]
    pub(super) status: Option<Word<StreamWord>>,
    /// What may run.
    #[schemars(default)]
    pub(super) approvals: WireApprovals,
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) extra: Extra,
}
read_fields!(WireStream, "a stream",
    required { id: "id", created_at: "createdAt" }
    optional { name: "name", status: "status", approvals: "approvals" }
);

/// The approvals of a stream.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Approvals")]
pub(super) struct WireApprovals {
    /// Of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<WireApproval>,
    /// Of finished stages, by their ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(default, with = "BTreeMap<String, WireApproval>")]
    pub(super) stages: BTreeMap<String, Value>,
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) extra: Extra,
}
read_fields!(WireApprovals, "approvals", required {} optional { plan: "plan", stages: "stages" });

/// A person's word that something may run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Approval")]
pub(super) struct WireApproval {
    /// When.
    pub(super) at: Time,
    /// Who.
    pub(super) by: String,
    /// The hash of what the plan meant at that moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<String>,
    /// The hash of the plan's bytes and of the threads taken over from it; without it, or when it does not
    /// fit, the plan is compared thread by thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seal: Option<String>,
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) extra: Extra,
}
read_fields!(WireApproval, "an approval", required { at: "at", by: "by" } optional { hash: "hash", seal: "seal" });

/// A thread: what one agent does from start to end, beside the other threads of its batch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Thread")]
pub(super) struct WireThread {
    /// `01.02.03`: stage, batch, thread.
    #[schemars(with = "String", regex(pattern = r"^[0-9]{2}(\.[0-9]{2}){2}$"))]
    pub(super) id: ThreadId,
    /// The name of its stage.
    #[schemars(default)]
    pub(super) stage: String,
    /// The name of its batch.
    #[schemars(default)]
    pub(super) batch: String,
    /// Its name.
    pub(super) name: String,
    /// The agent it was assigned to, by its name in `agents.yaml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<String>,
    /// The hash of what it meant in the plan when it was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan_hash: Option<String>,
    /// `false` when the plan no longer has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_plan: Option<bool>,
    /// What was said of the thread as a whole.
    #[schemars(with = "TaskStatus", default)]
    pub(super) status: Option<Word<TaskStatus>>,
    /// A report on the thread as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) report: Option<String>,
    /// The session of the record that is running. Derived from the records when written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current_session_id: Option<String>,
    /// Its attempts, oldest first.
    pub(super) sessions: Vec<WireSession>,
    /// Its tasks, in order.
    pub(super) tasks: Vec<WireTask>,
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) extra: Extra,
}
read_fields!(WireThread, "a thread",
    required { id: "id", sessions: "sessions", tasks: "tasks" }
    optional {
        stage: "stage", batch: "batch", name: "name", agent: "agent", plan_hash: "planHash", in_plan: "inPlan",
        status: "status", report: "report", current_session_id: "currentSessionId",
    }
);

/// One attempt at a thread in one session of an agent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SessionRecord")]
pub(super) struct WireSession {
    /// The agent's own id of the session; missing when no session came to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_id: Option<String>,
    /// `false` when the id was made up by an older tool, and no agent knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resumable: Option<bool>,
    /// The agent's name in `agents.yaml`.
    pub(super) agent_name: String,
    /// `provider/model`.
    #[schemars(default)]
    pub(super) model: String,
    /// The model's variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<String>,
    /// When it began.
    pub(super) started_at: Time,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) completed_at: Option<Time>,
    /// Whether it runs, or how it ended.
    #[schemars(with = "SessionWord")]
    pub(super) status: Word<SessionWord>,
    /// The exit code of the command that ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exit_code: Option<i32>,
    /// The number of the attempt within its thread, from 1.
    #[schemars(with = "u32", range(min = 1), default)]
    pub(super) attempt: Option<u32>,
    /// How we talked to the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BackendKind>")]
    pub(super) backend: Option<Word<BackendKind>>,
    /// How it was watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Mode>")]
    pub(super) mode: Option<Word<Mode>>,
    /// The directory the agent worked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) directory: Option<String>,
    /// The earlier attempt whose session this one continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resumed_from: Option<u32>,
    /// Its turns, by number; each is the name of a journal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(super) turns: Vec<u32>,
    /// Tokens and cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Usage>")]
    pub(super) usage: Option<WireUsage>,
    /// Where the check of what it left stands; missing when none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Verification>")]
    pub(super) verification: Option<Value>,
    /// What its turn changed outside the `**Paths:**` of its thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OutsidePaths>")]
    pub(super) outside_paths: Option<Value>,
    /// Why it failed or was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WireError>")]
    pub(super) error: Option<Value>,
    /// Who or what interrupted it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interrupted_by: Option<String>,
    /// The process that runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Owner>")]
    pub(super) owner: Option<Value>,
    /// What its agent asks a person, and waits for, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Ask>>")]
    pub(super) asks: Option<Value>,
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) extra: Extra,
}
read_fields!(WireSession, "a session record",
    required { agent_name: "agentName", started_at: "startedAt", status: "status" }
    optional {
        session_id: "sessionId", resumable: "resumable", model: "model", variant: "variant",
        completed_at: "completedAt", exit_code: "exitCode", attempt: "attempt", backend: "backend", mode: "mode",
        directory: "directory", resumed_from: "resumedFrom", turns: "turns", usage: "usage",
        verification: "verification", outside_paths: "outsidePaths", error: "error",
        interrupted_by: "interruptedBy", owner: "owner", asks: "asks",
    }
);

/// Why an attempt failed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Error")]
pub(super) struct WireError {
    /// The kind of failure.
    #[schemars(with = "FailureKind")]
    pub(super) kind: Word<FailureKind>,
    /// What the agent or provider said.
    #[serde(default)]
    pub(super) message: String,
    /// When the provider said that its limit resets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reset_at: Option<Time>,
}

/// A task: the smallest thing that an agent reports on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Task")]
pub(super) struct WireTask {
    /// `01.02.03.04`: stage, batch, thread, task.
    #[schemars(with = "String", regex(pattern = r"^[0-9]{2}(\.[0-9]{2}){3}$"))]
    pub(super) id: TaskId,
    /// What is to be done.
    pub(super) name: String,
    /// How far it is.
    #[schemars(with = "TaskStatus")]
    pub(super) status: Word<TaskStatus>,
    /// What was done, in the agent's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) report: Option<String>,
    /// Where the agent was, for whoever continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) breadcrumb: Option<String>,
    /// When it came into the state.
    pub(super) created_at: Time,
    /// When it last changed.
    pub(super) updated_at: Time,
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) extra: Extra,
}
read_fields!(WireTask, "a task",
    required { id: "id", name: "name", status: "status", created_at: "createdAt", updated_at: "updatedAt" }
    optional { report: "report", breadcrumb: "breadcrumb" }
);

//! The shapes of what the commands print with `--json`. A test keeps `schemas/` fresh.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{
    answer, batch, changes, close, continue_stream, copies, create, failed, fix_left, headless, how, import,
    jobs, jobs_wait, multi, preview, prompt, session_connect, show, supervisor, use_stream, validate,
    worktree,
};
use crate::engine::agents::AgentRow;
use crate::engine::approve::{Approved, Revoked, StageApproved};
use crate::engine::assign::Assigned;
use crate::engine::changes::{Applied, ChangeRow, Collected, Undone, WorktreeUse};
use crate::engine::edits::{Added, Deleted, EditedByHand, StreamDeleted};
use crate::engine::fix::Case;
use crate::engine::init::Initialized;
use crate::engine::jobs::JobRow;
use crate::engine::notice::Notification;
use crate::engine::report::Report;
use crate::engine::review::Review;
use crate::engine::session::SessionView;
use crate::engine::standing::Standing;
use crate::engine::status::StatusReport;
use crate::engine::verify::Checked;
use crate::engine::why::Why;
use crate::engine::{StreamSummary, Updated};

/// `work approve plan`, `work approve stage`, and either with `--revoke`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Approval {
    /// A plan that was approved, or would be.
    Plan(Approved),
    /// A stage that was approved.
    Stage(StageApproved),
    /// An approval that was taken back.
    Revoked(Revoked),
}

/// `work answer` without and with an answer.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Answer {
    /// What waits.
    Waiting(answer::Waiting<'static>),
    /// What was answered.
    Answered(answer::Answered<'static>),
}

/// Every document by the name of its schema: the command, and what kind of document where there are
/// several. `tree` prints the document of `status`.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("add", of::<Added>()),
        ("agents", of::<Vec<AgentRow>>()),
        ("answer", of::<Answer>()),
        ("approve", of::<Approval>()),
        ("assign", of::<Assigned>()),
        ("changes", of::<Vec<ChangeRow>>()),
        ("changes-apply", of::<Applied>()),
        ("changes-show", of::<changes::Shown>()),
        ("changes-snapshot", of::<changes::Snapshot>()),
        ("changes-undo", of::<Undone>()),
        ("close", of::<close::Document>()),
        ("continue-dry-run", of::<continue_stream::WouldContinue<'static>>()),
        ("create", of::<create::Created>()),
        ("delete", of::<Deleted>()),
        ("delete-stream", of::<StreamDeleted>()),
        ("edit", of::<EditedByHand>()),
        ("error", of::<failed::ErrorDocument<'static>>()),
        ("execute-dry-run", of::<how::Would<'static>>()),
        ("fix", of::<Vec<Case>>()),
        ("fix-dry-run", of::<fix_left::WouldFix<'static>>()),
        ("gc", of::<Collected>()),
        ("import", of::<import::Document<'static>>()),
        ("init", of::<Initialized>()),
        ("jobs", of::<Vec<JobRow>>()),
        ("jobs-gone", of::<jobs::Gone>()),
        ("jobs-queued", of::<headless::Document<'static>>()),
        ("jobs-show", of::<JobRow>()),
        ("jobs-wait", of::<jobs_wait::Line<'static>>()),
        ("list", of::<Vec<StreamSummary>>()),
        ("multi", of::<batch::Document<'static>>()),
        ("multi-dry-run", of::<multi::WouldRun<'static>>()),
        ("notification", of::<Notification>()),
        ("preview", of::<preview::Document>()),
        ("prompt", of::<prompt::Document>()),
        ("report", of::<Report>()),
        ("review", of::<Review>()),
        ("show", of::<show::Document<'static>>()),
        ("standing", of::<Standing>()),
        ("session", of::<SessionView>()),
        ("session-connect", of::<session_connect::Document<'static>>()),
        ("session-list", of::<Vec<SessionView>>()),
        ("status", of::<StatusReport>()),
        ("supervisor-logs", of::<supervisor::Log>()),
        ("supervisor-status", of::<supervisor::Document>()),
        ("update", of::<Updated>()),
        ("use", of::<use_stream::Current>()),
        ("validate", of::<validate::Document<'static>>()),
        ("validate-copies", of::<copies::Document>()),
        ("validate-explain", of::<validate::Explained<'static>>()),
        ("verify", of::<Checked>()),
        ("why", of::<Why>()),
        ("worktree", of::<worktree::Place>()),
        ("worktree-list", of::<Vec<WorktreeUse>>()),
    ]
}

fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().into()
}

//! A failed command: its exit code, what is said, and what to do next.

use serde::Serialize;

use super::Exit;
use crate::adapters::tmux::TmuxError;
use crate::diag::Diagnostic;
use crate::engine::agents::ConfigError;
use crate::engine::answer::AnswerError;
use crate::engine::approve::ApproveError;
use crate::engine::assign::AssignError;
use crate::engine::batch::BatchError;
use crate::engine::changes::ChangeError;
use crate::engine::connected::ConnectError;
use crate::engine::edits::PlanEditError;
use crate::engine::import::ImportError;
use crate::engine::init::InitError;
use crate::engine::jobs::JobError;
use crate::engine::report::ReportFileError;
use crate::engine::restore::RestoreError;
use crate::engine::session::SessionUseError;
use crate::engine::standing::StandingError;
use crate::engine::verify::VerifyError;
use crate::engine::{
    Hint, PrepareError, ResolveError, SessionError, StreamError, UpdateError, WorkspaceError,
};
use crate::ipc::{ClientError, Refusal};
use crate::store::journal::JournalError;
use crate::store::private::PrivateError;
use crate::store::{JobStoreError, StoreError};
use crate::supervisor::{EnsureError, RunError};
use crate::sys::lock::LockError;

/// What a command returns.
pub(super) type CommandResult = Result<Exit, Failed>;

/// Findings to draw, with the file that they are in.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failed {
    /// The exit code.
    pub(super) exit: Exit,
    /// The kind of error, for scripts.
    pub(super) kind: &'static str,
    /// The error and its causes, outermost first.
    pub(super) messages: Vec<String>,
    /// What to do next.
    pub(super) hints: Vec<String>,
    /// What to draw above it.
    pub(super) drawn: Option<Drawn>,
}

/// A failure as JSON; its shape is in `schemas/error.schema.json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct ErrorDocument<'a> {
    error: ErrorBody<'a>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct ErrorBody<'a> {
    /// The kind of error.
    kind: &'a str,
    /// The exit code.
    code: u8,
    /// What happened.
    message: &'a str,
    /// Why, outermost first.
    causes: &'a [String],
    /// What to do next.
    hints: &'a [String],
    /// Findings in a file.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    diagnostics: &'a [Diagnostic],
}

impl Failed {
    /// A failure with one message.
    pub(super) fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Self {
        Self { exit, kind, messages: vec![message.into()], hints: Vec::new(), drawn: None }
    }

    /// The same, with something to do next.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A plan that can't be read.
    pub(super) fn unreadable_plan(path: &std::path::Path, error: &std::io::Error) -> Self {
        let mut failed = Self::new(Exit::Failed, "plan", format!("cannot read `{}`", path.display()));
        failed.messages.push(error.to_string());
        failed.hint("a plan is a file of UTF-8 text; bring it back with git, or write a new one")
    }

    fn of(exit: Exit, kind: &'static str, error: &dyn std::error::Error) -> Self {
        let mut failed = Self::new(exit, kind, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if failed.messages.last().is_none_or(|last| !last.ends_with(&cause_text)) {
                failed.messages.push(cause_text);
            }
            source = cause.source();
        }
        failed
    }

    fn hinted(exit: Exit, kind: &'static str, error: &(impl std::error::Error + Hint)) -> Self {
        let mut failed = Self::of(exit, kind, error);
        failed.hints = error.hints();
        failed
    }

    /// The document for `--json`.
    pub(super) fn document(&self) -> String {
        let (message, causes) =
            self.messages.split_first().map_or(("", &[][..]), |(m, rest)| (m.as_str(), rest));
        let diagnostics = self.drawn.as_ref().map_or(&[][..], |drawn| &drawn.diagnostics);
        let body = ErrorBody {
            kind: self.kind,
            code: self.exit.code(),
            message,
            causes,
            hints: &self.hints,
            diagnostics,
        };
        serde_json::to_string(&ErrorDocument { error: body }).unwrap_or_default()
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        let (exit, kind) = match &error {
            StoreError::Corrupt { .. } => (Exit::State, "state-corrupt"),
            StoreError::Newer { .. } => (Exit::State, "state-newer"),
            StoreError::Lock(LockError::Held { .. }) => (Exit::Busy, "locked"),
            StoreError::Missing { .. } => (Exit::Failed, "state-missing"),
            _ => (Exit::Failed, "state-io"),
        };
        let mut failed = Self::of(exit, kind, &error);
        failed.hints = error.hint().into_iter().collect();
        failed
    }
}

impl From<WorkspaceError> for Failed {
    fn from(error: WorkspaceError) -> Self {
        let exit = match error {
            WorkspaceError::NoFolder { .. } => Exit::Usage,
            WorkspaceError::Git(_) | WorkspaceError::NotInitialized { .. } => Exit::Failed,
        };
        Self::hinted(exit, "workspace", &error)
    }
}

impl From<ResolveError> for Failed {
    fn from(error: ResolveError) -> Self {
        match &error {
            ResolveError::NotApproved(_) => Self::hinted(Exit::Waiting, "not-approved", &error),
            _ => Self::hinted(Exit::Usage, "unknown-id", &error),
        }
    }
}

impl From<StreamError> for Failed {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Store(error) => error.into(),
            error @ StreamError::Lock(LockError::Held { .. }) => Self::hinted(Exit::Busy, "locked", &error),
            error @ (StreamError::Unknown { .. } | StreamError::Ambiguous { .. } | StreamError::Name(_)) => {
                Self::hinted(Exit::Usage, "stream", &error)
            }
            error => Self::hinted(Exit::Failed, "stream", &error),
        }
    }
}

impl From<SessionUseError> for Failed {
    fn from(error: SessionUseError) -> Self {
        match error {
            SessionUseError::Store(error) => error.into(),
            SessionUseError::Resolve(error) => error.into(),
            error @ (SessionUseError::Unknown(..) | SessionUseError::NoAttempt { .. }) => {
                Self::hinted(Exit::Usage, "unknown-id", &error)
            }
            error => Self::hinted(Exit::Failed, "session", &error),
        }
    }
}

impl From<ChangeError> for Failed {
    fn from(error: ChangeError) -> Self {
        let (exit, kind) = match error {
            ChangeError::Store(error) => return error.into(),
            ChangeError::Private(error) => return error.into(),
            ChangeError::Lock(LockError::Held { .. }) => (Exit::Busy, "locked"),
            ChangeError::Git(_) => (Exit::Program, "git"),
            ChangeError::NoSnapshot { .. } => (Exit::Usage, "unknown-id"),
            ChangeError::NothingPending(_) | ChangeError::NothingApplied | ChangeError::NoWorktree(_) => {
                (Exit::Failed, "nothing-to-do")
            }
            ChangeError::Blocked(_) => (Exit::Failed, "conflict"),
            ChangeError::Bug(_) => (Exit::Bug, "bug"),
            _ => (Exit::Failed, "refused"),
        };
        Self::hinted(exit, kind, &error)
    }
}

impl From<ConnectError> for Failed {
    fn from(error: ConnectError) -> Self {
        Self::hinted(Exit::Failed, "session", &error)
    }
}

impl From<PrivateError> for Failed {
    fn from(error: PrivateError) -> Self {
        Self::of(Exit::Failed, "private-folder", &error)
    }
}

impl From<UpdateError> for Failed {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Store(error) => error.into(),
            UpdateError::Resolve(error) => error.into(),
            error @ (UpdateError::Level { .. } | UpdateError::ThreadBreadcrumb(_)) => {
                Self::hinted(Exit::Usage, "unknown-id", &error)
            }
            error => Self::hinted(Exit::Failed, "refused", &error),
        }
    }
}

impl From<AssignError> for Failed {
    fn from(error: AssignError) -> Self {
        match error {
            AssignError::Store(error) => error.into(),
            AssignError::Resolve(error) => error.into(),
            error @ (AssignError::Plan(_) | AssignError::Write(_)) => {
                Self::hinted(Exit::Failed, "plan", &error)
            }
            error => Self::hinted(Exit::Usage, "agent", &error),
        }
    }
}

impl From<ApproveError> for Failed {
    fn from(error: ApproveError) -> Self {
        match error {
            ApproveError::Store(error) => error.into(),
            error @ ApproveError::Errors { .. } => Self::hinted(Exit::Invalid, "plan", &error),
            error @ ApproveError::NoStage(_) => Self::hinted(Exit::Usage, "unknown-id", &error),
            error => Self::hinted(Exit::Failed, "refused", &error),
        }
    }
}

impl From<PlanEditError> for Failed {
    fn from(error: PlanEditError) -> Self {
        use crate::plan::edit::EditError::{BadName, BadText, NotFound};
        match error {
            PlanEditError::Store(error) => error.into(),
            PlanEditError::Resolve(error) => error.into(),
            PlanEditError::Stream(error) => error.into(),
            PlanEditError::Agent(error) => error.into(),
            error @ PlanEditError::Lock(LockError::Held { .. }) => Self::hinted(Exit::Busy, "locked", &error),
            error @ (PlanEditError::EditorStart { .. } | PlanEditError::EditorFailed { .. }) => {
                Self::hinted(Exit::Program, "editor", &error)
            }
            error @ (PlanEditError::NoEditor { .. }
            | PlanEditError::Id(_)
            | PlanEditError::Level { .. }
            | PlanEditError::Edit(BadName(_) | BadText | NotFound(_))) => {
                Self::hinted(Exit::Usage, "usage", &error)
            }
            error @ PlanEditError::Read { .. } => Self::hinted(Exit::Failed, "plan", &error),
            error => Self::hinted(Exit::Failed, "refused", &error),
        }
    }
}

impl From<ReportFileError> for Failed {
    fn from(error: ReportFileError) -> Self {
        Self::hinted(Exit::Failed, "refused", &error)
    }
}

impl From<StandingError> for Failed {
    fn from(error: StandingError) -> Self {
        match error {
            StandingError::Store(error) => error.into(),
            error => Self::hinted(Exit::Failed, "refused", &error),
        }
    }
}

impl From<InitError> for Failed {
    fn from(error: InitError) -> Self {
        Self::of(Exit::Failed, "init", &error)
    }
}

impl From<RestoreError> for Failed {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Store(error) => error.into(),
            error @ RestoreError::NoCopy(_) => Self::hinted(Exit::Failed, "no-copy", &error),
            error @ RestoreError::Unknown { .. } => Self::hinted(Exit::Usage, "unknown-copy", &error),
            error @ RestoreError::Running(_) => Self::hinted(Exit::Failed, "refused", &error),
        }
    }
}

impl From<ImportError> for Failed {
    fn from(error: ImportError) -> Self {
        let exit = match &error {
            ImportError::Several(_) | ImportError::Name(_) | ImportError::NoStream(_) => Exit::Usage,
            ImportError::Lock(LockError::Held { .. }) => Exit::Busy,
            _ => Exit::Failed,
        };
        Self::hinted(exit, "import", &error)
    }
}

impl From<ConfigError> for Failed {
    fn from(error: ConfigError) -> Self {
        let mut failed = Self::hinted(Exit::Invalid, "config", &error);
        if let ConfigError::Wrong(checked) = error {
            let name = checked.path.display().to_string();
            failed.drawn = Some(Drawn { name, source: checked.source, diagnostics: checked.diagnostics });
        } else {
            failed.exit = Exit::Failed;
        }
        failed
    }
}

impl From<PrepareError> for Failed {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Store(error) => error.into(),
            PrepareError::Settings(error) => error.into(),
            PrepareError::Changes(error) => error.into(),
            PrepareError::Resolve(error) => error.into(),
            error @ (PrepareError::NotApproved(_) | PrepareError::Drifted(_)) => {
                Self::hinted(Exit::Waiting, "not-approved", &error)
            }
            error @ PrepareError::OverBudget { .. } => Self::hinted(Exit::Waiting, "over-budget", &error),
            error @ (PrepareError::NoSession { .. } | PrepareError::NoDirectory { .. }) => {
                Self::hinted(Exit::Failed, "no-session", &error)
            }
            error @ (PrepareError::NoAgent { .. } | PrepareError::Model(_) | PrepareError::TwoSessions) => {
                Self::hinted(Exit::Usage, "agent", &error)
            }
            error => Self::hinted(Exit::Failed, "refused", &error),
        }
    }
}

impl From<SessionError> for Failed {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(error) => error.into(),
            error => Self::of(Exit::Failed, "session", &error),
        }
    }
}

impl From<VerifyError> for Failed {
    fn from(error: VerifyError) -> Self {
        let (exit, kind) = match error {
            VerifyError::Session(error) => return error.into(),
            VerifyError::NotApproved(_) | VerifyError::Changed(_) => (Exit::Waiting, "not-approved"),
            VerifyError::NoCommands(_) => (Exit::Failed, "nothing-to-do"),
            VerifyError::Running { .. } => (Exit::Failed, "running"),
            VerifyError::Gone(_) | VerifyError::Plan { .. } => (Exit::Failed, "plan"),
        };
        Self::hinted(exit, kind, &error)
    }
}

impl From<EnsureError> for Failed {
    fn from(error: EnsureError) -> Self {
        Self::of(Exit::Unreachable, "supervisor", &error)
            .hint("`work supervisor logs` tells more")
            .hint("`--no-supervisor` runs it inside this command")
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        if let ClientError::Refused { reason: Refusal::NoUi | Refusal::NoServer, message } = error {
            return Self::new(Exit::Program, "agent", message).hint("`work supervisor logs` tells more");
        }
        Self::of(Exit::Unreachable, "supervisor", &error).hint("`work supervisor logs` tells more")
    }
}

impl From<RunError> for Failed {
    fn from(error: RunError) -> Self {
        match error {
            error @ RunError::AlreadyServing => Self::of(Exit::Busy, "supervisor", &error),
            error => Self::of(Exit::Unreachable, "supervisor", &error),
        }
    }
}

impl From<BatchError> for Failed {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Store(error) => error.into(),
            BatchError::Resolve(error) => error.into(),
            BatchError::Thread(error) => error.into(),
            error => Self::hinted(Exit::Failed, "nothing-to-do", &error),
        }
    }
}

impl From<AnswerError> for Failed {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Resolve(error) => error.into(),
            error @ (AnswerError::NothingWaits(_) | AnswerError::NoLonger(_)) => {
                Self::hinted(Exit::Failed, "nothing-waits", &error)
            }
            error @ (AnswerError::Several { .. }
            | AnswerError::Streams { .. }
            | AnswerError::Unfit { .. }) => Self::hinted(Exit::Usage, "wrong-answer", &error),
            error @ (AnswerError::Elsewhere { .. } | AnswerError::Client(_)) => {
                Self::hinted(Exit::Unreachable, "supervisor", &error)
            }
        }
    }
}

impl From<JobStoreError> for Failed {
    fn from(error: JobStoreError) -> Self {
        let hints = error.hint().into_iter().collect();
        Self { hints, ..Self::from(error.0) }
    }
}

impl From<JobError> for Failed {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Store(error) => error.into(),
            error @ JobError::Unknown(_) => Self::hinted(Exit::Usage, "unknown-id", &error),
            error @ JobError::Queued { .. } => Self::hinted(Exit::Failed, "queued", &error),
            error => Self::hinted(Exit::Failed, "refused", &error),
        }
    }
}

impl From<JournalError> for Failed {
    fn from(error: JournalError) -> Self {
        Self::of(Exit::Failed, "journal", &error)
    }
}

impl From<TmuxError> for Failed {
    fn from(error: TmuxError) -> Self {
        let mut failed = Self::of(Exit::Program, "tmux", &error);
        failed.hints = error.hint().into_iter().map(str::to_owned).collect();
        failed
    }
}

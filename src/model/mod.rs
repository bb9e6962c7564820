//! The words of the domain as types: ids, tasks, threads, session records, statuses.
//!
//! Pure: no clock, no file, no process, and no import from any other room. Everything here can be
//! built in a test with literals. One invariant: a status changes only through `transition`.

mod agent_process;
mod ask;
mod budget;
mod change;
mod event;
mod failure;
mod ids;
mod job;
mod notice;
mod progress;
mod resume;
mod session;
mod spent;
mod status;
mod stream;
#[cfg(test)]
mod tests;
mod transition;
mod turn;
mod verification;

pub use agent_process::{AgentProcess, AgentState, ClosedAgent, KeptFor};
pub use ask::{Ask, Policy, Question, Reply, Unfit, Wish};
pub use budget::{Amount, Budget, BudgetCheck, BudgetOf, Limit, Limits, Verdict, judge};
pub use change::{Hindrance, Mark, ObjectId, Obstacle, OutsidePaths, PathFacts, TurnMark, WorktreeFacts};
pub use event::{AgentEvent, Busyness, CommandPurpose, CommandStep, ToolStatus};
pub use failure::{Failure, FailureKind, Remedy};
pub use ids::{
    AgentName, BatchId, IdError, ModelRef, NodeId, Ordinal, SessionId, StageId, StreamId, TaskId, ThreadId,
};
pub use job::{Job, JobId, JobState, JobStatus, JobStep, JobTurn, Jobs, Order};
pub use notice::NoticeKind;
pub use progress::Progress;
pub use resume::NoSession;
pub use session::{
    BackendKind, End, KnownSession, Mode, Outcome, Owner, SessionRecord, SessionRef, SessionState, Usage,
};
pub use spent::{Money, Spent, Tokens, Told, grouped};
pub use status::{TaskStatus, ThreadStatus, thread_status};
pub use stream::{Approval, Approvals, Extra, Stream, StreamState, Task, Thread};
pub use transition::{
    TransitionError, begin_check, begin_session, end_check, end_session, name_session, set_asks, set_stream,
    set_task, set_thread, take_over_session, waive_check,
};
pub use turn::{CancelCause, TurnNumber, TurnOutcome};
pub use verification::{CheckRun, CheckStep, CheckVerdict, CheckedCommand, CommandEnd, Verification};

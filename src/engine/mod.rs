//! Use cases: what a command does, without a terminal and without a running agent. Synchronous.
//!
//! Owns the rules that combine plan, configuration and state. Prints nothing, prompts nobody. One
//! invariant: state is changed only inside `store::transact`, and nothing slow happens in there.

mod adopt;
pub mod agents;
pub mod allowed;
pub mod answer;
pub mod approve;
pub mod approved;
pub mod assign;
pub mod batch;
pub mod budget;
pub mod changes;
pub mod connected;
mod conversation;
pub mod drift;
pub mod edits;
pub mod fix;
mod folders;
pub mod hint;
mod history;
pub mod import;
pub mod init;
mod isolate;
pub mod jobs;
mod kept;
pub mod keys;
pub mod launch;
mod left;
pub mod logs;
pub mod lossy;
pub mod next;
pub mod notice;
pub mod owner;
mod prepare;
mod prepare_error;
mod prompt;
pub mod report;
mod resolve;
pub mod restore;
pub mod review;
pub mod session;
mod sessions;
mod spot;
pub mod standing;
pub mod status;
mod streams;
#[cfg(test)]
mod tests;
pub mod turn;
mod update;
pub mod user_command;
pub mod validate;
pub mod verify;
pub mod why;
pub mod windows;
mod workspace;

pub use adopt::{Adopted, Orphan, adopt, strays};
pub use conversation::resumable_agents;
pub use hint::Hint;
pub use kept::{Facts, TurnEnd, Written, begin_or_keep, write_facts};
pub use prepare::{Approach, Prepared, PromptOf, TurnRequest, prepare, prompt_of};
pub use prepare_error::PrepareError;
pub use prompt::{prompt, resume_prompt};
pub use resolve::{ResolveError, batch, node, stage, thread};
pub use sessions::{
    Begun, SessionError, SessionStart, begin_session, close_lost, end_own, end_session, fail_unopened,
    recover, recover_all, show_asks,
};
pub use streams::{
    StreamError, StreamHandle, StreamSummary, create, list, make_current, open_streams, read_text, select,
};
pub use update::{UpdateError, UpdateRequest, UpdateTarget, Updated, update};
pub use workspace::{Workspace, WorkspaceError};

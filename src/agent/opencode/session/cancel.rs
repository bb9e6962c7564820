//! Cancels a session's turn, and takes back what its agent had asked.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{ABORT, OpencodeSession, SETTLE};
use crate::agent::opencode::turn::{Phase, Request};
use crate::model::{CancelCause, Failure, FailureKind};

impl OpencodeSession {
    /// Cancels until the turn is over: an abort that comes before the prompt's turn has begun is in vain.
    pub(super) async fn abort(&mut self) {
        self.turn.cancelling(CancelCause::Person);
        let deadline = Instant::now() + ABORT;
        let mut settle = SETTLE / 6;
        while !self.resting() && Instant::now() < deadline {
            let scoped = self.scoped();
            let aborted = tokio::select! {
                biased;
                failure = self.server.exited() => return self.fail(failure),
                aborted = scoped.abort(&self.id.0, ABORT) => aborted,
            };
            let patience = if aborted.is_ok() { settle } else { Duration::from_millis(300) };
            // One that came too early is soon repeated; one that takes its time is not hurried.
            settle = (settle * 2).min(SETTLE);
            let _ = timeout(patience, self.advance_to_the_end()).await;
            match self.turn.phase() {
                Phase::Open => self.look_again().await,
                Phase::Sent if !self.taken && aborted.is_ok() => self.give_up_unsent().await,
                Phase::Sent | Phase::Resting => {}
            }
        }
        if !self.resting() {
            let words = "opencode did not confirm the cancellation";
            self.fail(Failure::new(FailureKind::ServerUnreachable, words));
        }
    }

    /// The cancel came while the prompt was on its way. If it has not arrived by now, it never will: the
    /// connection that it was sent on was dropped with it.
    async fn give_up_unsent(&mut self) {
        self.look_again().await;
        if self.turn.phase() == Phase::Sent {
            self.fail(Failure::new(FailureKind::Task, "the prompt was cancelled before opencode had it"));
        }
    }

    async fn advance_to_the_end(&mut self) {
        while !self.resting() {
            self.advance().await;
        }
    }

    /// Withdraws what an earlier turn of the session left waiting: the server keeps it until it ends, and
    /// would ask it again.
    pub(super) async fn tidy(&self) -> Result<(), Failure> {
        if self.fresh {
            return Ok(());
        }
        let scoped = self.scoped();
        let (permissions, questions) = tokio::try_join!(scoped.permissions(), scoped.questions())?;
        for request in permissions.iter().filter(|request| request.session_id == self.id.0) {
            // What is gone meanwhile is as good.
            let _ = scoped.reply(&request.id, "reject", None).await;
        }
        for request in questions.iter().filter(|request| request.session_id == self.id.0) {
            let _ = scoped.reject_question(&request.id).await;
        }
        Ok(())
    }

    /// The same for what waited when the last turn was cancelled.
    pub(super) async fn withdraw(&mut self) {
        let scoped = self.scoped();
        for (id, request) in self.turn.take_left() {
            // A server that is gone has forgotten them as well.
            let _ = match request {
                Request::Permission => scoped.reply(&id, "reject", None).await,
                Request::Question(_) => scoped.reject_question(&id).await,
            };
        }
    }
}

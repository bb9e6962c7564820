//! Answers on their way to a turn that waits for them, and what became of each.

use tokio::sync::{mpsc, oneshot};

use crate::ipc::Refusal;
use crate::model::Reply;

/// Why an answer was not taken. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnswered {
    /// The reason as a kind.
    pub reason: Refusal,
    /// The reason in words.
    pub message: String,
}

impl NotAnswered {
    /// Nothing waits for it.
    pub(super) fn nothing(message: impl Into<String>) -> Self {
        Self { reason: Refusal::NothingWaits, message: message.into() }
    }

    /// It is none to what is asked.
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Self { reason: Refusal::WrongAnswer, message: message.into() }
    }
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    /// Which request; `None` for the only one.
    pub(super) request: Option<String>,
    /// The answer.
    pub(super) reply: Reply,
    /// Who waits to hear what became of it.
    done: oneshot::Sender<Result<(), NotAnswered>>,
}

/// The way to one turn.
#[derive(Debug, Clone)]
pub struct Answers(mpsc::UnboundedSender<Answer>);

/// The turn's side of it.
#[derive(Debug)]
pub struct Given(mpsc::UnboundedReceiver<Answer>);

impl Answers {
    /// Both sides.
    #[must_use]
    pub fn channel() -> (Self, Given) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), Given(receiver))
    }
}

impl Answer {
    /// Gives an answer to a turn, and tells what became of it. A turn that is over takes none.
    pub fn give(
        to: Option<&Answers>,
        request: Option<String>,
        reply: Reply,
    ) -> impl Future<Output = Result<(), NotAnswered>> + Send + use<> {
        let (done, became) = oneshot::channel();
        if let Some(Answers(turn)) = to {
            // Where it is over, the answer is dropped here, and `done` with it.
            let _ = turn.send(Self { request, reply, done });
        }
        async move { became.await.unwrap_or_else(|_| Err(NotAnswered::nothing("the turn is over"))) }
    }

    /// Tells what became of it.
    pub(super) fn tell(self, outcome: Result<(), NotAnswered>) {
        // Whoever gave it may have left.
        let _ = self.done.send(outcome);
    }
}

impl Given {
    /// The next answer; waits for ever when none can come any more.
    pub(super) async fn next(&mut self) -> Answer {
        match self.0.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

//! Acting out an answer, in time: as a stream of events, or as one completion.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::log::Ticket;
use super::reply;
use super::script::{Act, Answer};
use super::sse::{self, Completion};

/// The connection is broken on purpose.
#[derive(Debug, thiserror::Error)]
#[error("cut by the script")]
pub(crate) struct Cut;

/// The body of an answer: pieces as they come, or an end by a cut.
pub(crate) struct Pieces(mpsc::Receiver<Result<String, Cut>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.0
            .poll_recv(context)
            .map(|piece| piece.map(|piece| piece.map(|text| Frame::data(Bytes::from(text)))))
    }
}

impl Pieces {
    /// A body that is one text.
    pub(crate) fn whole(text: String) -> Self {
        let (out, pieces) = mpsc::channel(1);
        let sent = out.try_send(Ok(text));
        debug_assert!(sent.is_ok(), "there is room for one piece");
        Self(pieces)
    }

    /// A body that breaks at once.
    pub(crate) fn cut() -> Self {
        let (out, pieces) = mpsc::channel(1);
        let sent = out.try_send(Err(Cut));
        debug_assert!(sent.is_ok(), "there is room for one piece");
        Self(pieces)
    }
}

/// How a stream came to its end.
enum End {
    /// As the script says.
    Complete,
    /// By `@cut`.
    Cut,
    /// The client went first.
    ClientGone,
}

/// Starts to stream an answer; what comes of it is written to the log.
pub(crate) fn stream(answer: Answer, completion: Completion, usage: Option<Value>, ticket: Ticket) -> Pieces {
    let (out, pieces) = mpsc::channel(1);
    tokio::task::spawn_local(async move {
        let mut stream = Stream { out, delay: answer.chunk_delay, completion, tools: 0, lines: 0 };
        match stream.play(&answer, usage.as_ref()).await {
            End::Complete => ticket.close("complete"),
            End::Cut => ticket.close("cut"),
            End::ClientGone => ticket.close("client-gone"),
        }
    });
    Pieces(pieces)
}

/// A stream that is being played.
struct Stream {
    out: mpsc::Sender<Result<String, Cut>>,
    delay: Duration,
    completion: Completion,
    tools: usize,
    lines: usize,
}

/// The client went, so nothing more need be said.
struct Gone;

impl Stream {
    async fn play(&mut self, answer: &Answer, usage: Option<&Value>) -> End {
        // What a tool did must not be lost when the client goes while the stream is silent.
        let gone = self.out.clone();
        tokio::select! {
            end = self.acts(answer, usage) => end.unwrap_or(End::ClientGone),
            () = gone.closed() => End::ClientGone,
        }
    }

    async fn acts(&mut self, answer: &Answer, usage: Option<&Value>) -> Result<End, Gone> {
        let opening = self.completion.delta(&json!({ "role": "assistant", "content": "" }));
        self.send(opening).await?;
        for act in &answer.acts {
            match act {
                Act::Text(text) => self.text(text).await?,
                Act::Reason(text) => self.words("reasoning_content", text).await?,
                Act::Tool { name, arguments } => self.tool(name, arguments).await?,
                Act::Sleep(time) => tokio::time::sleep(*time).await,
                Act::Hang(_) => std::future::pending().await,
                Act::Cut(_) => return self.cut().await,
                Act::Garbage(_) => self.send(sse::GARBAGE.to_owned()).await?,
            }
        }
        self.send(self.completion.finish(&reply::finish(answer))).await?;
        if let Some(usage) = usage {
            self.send(self.completion.usage(usage)).await?;
        }
        self.send(sse::DONE.to_owned()).await?;
        Ok(End::Complete)
    }

    async fn text(&mut self, text: &str) -> Result<(), Gone> {
        if self.lines > 0 {
            self.words("content", "\n").await?;
        }
        self.lines += 1;
        self.words("content", text).await
    }

    async fn words(&mut self, field: &str, text: &str) -> Result<(), Gone> {
        for piece in reply::pieces(text) {
            tokio::time::sleep(self.delay).await;
            let mut delta = Map::new();
            delta.insert(field.to_owned(), Value::from(piece));
            self.send(self.completion.delta(&Value::Object(delta))).await?;
        }
        Ok(())
    }

    async fn tool(&mut self, name: &str, arguments: &Value) -> Result<(), Gone> {
        let index = self.tools;
        self.tools += 1;
        self.send(self.completion.tool_begins(index, name)).await?;
        for piece in reply::pieces(&arguments.to_string()) {
            tokio::time::sleep(self.delay).await;
            self.send(self.completion.tool_continues(index, piece)).await?;
        }
        Ok(())
    }

    /// Breaks the connection, once what was said has had the time to leave.
    async fn cut(&mut self) -> Result<End, Gone> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.out.send(Err(Cut)).await.map_err(|_| Gone)?;
        Ok(End::Cut)
    }

    async fn send(&self, event: String) -> Result<(), Gone> {
        self.out.send(Ok(event)).await.map_err(|_| Gone)
    }
}

/// Plays an answer in silence, and says it as one message; [`Cut`] breaks the connection.
pub(crate) async fn whole(answer: &Answer, completion: &Completion, usage: &Value) -> Result<Value, Cut> {
    let mut said = Vec::new();
    let mut thought = Vec::new();
    let mut calls = Vec::new();
    for act in &answer.acts {
        match act {
            Act::Text(text) => said.push(text.as_str()),
            Act::Reason(text) => thought.push(text.as_str()),
            Act::Tool { name, arguments } => calls.push(completion.tool(calls.len(), name, arguments)),
            Act::Sleep(time) => tokio::time::sleep(*time).await,
            Act::Hang(_) => match std::future::pending::<Infallible>().await {},
            Act::Cut(_) => return Err(Cut),
            Act::Garbage(_) => return Ok(Value::from("this is no completion")),
        }
    }
    let mut message = json!({ "role": "assistant", "content": said.join("\n") });
    if !thought.is_empty() {
        message["reasoning_content"] = Value::from(thought.concat());
    }
    if !calls.is_empty() {
        message["tool_calls"] = Value::from(calls);
    }
    Ok(completion.whole(&message, &reply::finish(answer), usage))
}

//! A second look at a session: what it has and waits for now, whatever the events told of it.

use serde_json::json;

use super::http::Scoped;
use super::wire::{Event, Message, QuestionItem};
use crate::model::{AgentEvent, Failure};

/// How many messages are read again after a break. A turn of more steps loses tool calls, not its end.
const REREAD: u32 = 100;

/// What a second look shows.
pub(crate) struct Seen {
    pub(crate) messages: Vec<Message>,
    pub(crate) busy: bool,
    /// Requests that wait, as the events that announce them.
    pub(crate) requests: Vec<Event>,
}

/// Requests that were told and not answered, and wait no more: somebody answered while nobody listened.
pub(crate) fn answered_meanwhile(told: &[AgentEvent], waiting: &[Event]) -> Vec<AgentEvent> {
    let mut open = Vec::new();
    for event in told {
        match event {
            AgentEvent::Permission { id, .. } | AgentEvent::Question { id, .. } => open.push(id.clone()),
            AgentEvent::Answered { id, .. } => open.retain(|one| one != id),
            _ => {}
        }
    }
    let waits = |id: &String| waiting.iter().any(|request| request.properties["id"] == id.as_str());
    let answer = "answered elsewhere".to_owned();
    let gone = open.into_iter().filter(|id| !waits(id));
    gone.map(|id| AgentEvent::Answered { id, answer: answer.clone() }).collect()
}

/// Takes a second look.
pub(crate) async fn see(server: &Scoped, session: &str) -> Result<Seen, Failure> {
    // The status first: messages that are read after it are at least as new.
    let busy = server.is_busy(session).await?;
    let messages = server.messages(session, REREAD).await?;
    let asked = |kind: &str, properties| Event { kind: kind.to_owned(), properties };
    let permissions = server.permissions().await?.into_iter().map(|request| {
        asked(
            "permission.asked",
            json!({ "id": request.id, "sessionID": request.session_id,
                    "permission": request.permission, "patterns": request.patterns,
                    "always": request.always }),
        )
    });
    let questions = server.questions().await?.into_iter().map(|request| {
        let part = |item: &QuestionItem| {
            let options: Vec<_> = item.options.iter().map(|one| json!({ "label": one.label })).collect();
            json!({ "question": item.question, "options": options })
        };
        let questions: Vec<_> = request.questions.iter().map(part).collect();
        asked(
            "question.asked",
            json!({ "id": request.id, "sessionID": request.session_id, "questions": questions }),
        )
    });
    // A session that rests waits for nobody; what is left there was forgotten by the server.
    let requests = if busy { permissions.chain(questions).collect() } else { Vec::new() };
    Ok(Seen { messages, busy, requests })
}

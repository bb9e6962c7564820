//! What a turn asks of a person: permissions and answers, its own and its sub-agents'.

use serde::Deserialize as _;

use super::{Phase, Request, Turn};
use crate::agent::opencode::wire::{Event, PermissionRequest, QuestionRequest, Replied};
use crate::model::AgentEvent;

impl Turn {
    /// Requests for permission, questions, and their answers; a sub-agent's as well.
    pub(super) fn ask(&mut self, event: &Event) -> Vec<AgentEvent> {
        if self.phase != Phase::Open {
            return Vec::new();
        }
        let body = &event.properties;
        let asked = match event.kind.as_str() {
            "permission.asked" => {
                PermissionRequest::deserialize(body).ok().and_then(|it| self.permission(it))
            }
            "question.asked" => QuestionRequest::deserialize(body).ok().and_then(|it| self.question(&it)),
            "permission.replied" | "question.replied" | "question.rejected" => {
                Replied::deserialize(body).ok().and_then(|reply| self.replied(&event.kind, &reply))
            }
            _ => None,
        };
        asked.into_iter().collect()
    }

    fn permission(&mut self, request: PermissionRequest) -> Option<AgentEvent> {
        let known = self.requests.insert(request.id.clone(), Request::Permission).is_some();
        (!known).then_some(AgentEvent::Permission {
            id: request.id,
            permission: request.permission,
            patterns: request.patterns,
        })
    }

    fn question(&mut self, request: &QuestionRequest) -> Option<AgentEvent> {
        let known = self.requests.insert(request.id.clone(), Request::Question).is_some();
        let lines: Vec<String> = request
            .questions
            .iter()
            .map(|item| {
                let labels: Vec<_> = item.options.iter().map(|option| option.label.as_str()).collect();
                match labels.as_slice() {
                    [] => item.question.clone(),
                    labels => format!("{} ({})", item.question, labels.join(" / ")),
                }
            })
            .collect();
        (!known).then(|| AgentEvent::Question { id: request.id.clone(), text: lines.join("\n") })
    }

    fn replied(&mut self, kind: &str, reply: &Replied) -> Option<AgentEvent> {
        self.requests.remove(&reply.request_id)?;
        let answer = match kind {
            "question.rejected" => {
                self.refusal = Some("its question was not answered".to_owned());
                "rejected".to_owned()
            }
            "question.replied" => reply.answers.concat().join(", "),
            _ => {
                let word = reply.reply.clone().unwrap_or_default();
                if word == "reject" {
                    self.refusal = Some("a permission that it asked for was refused".to_owned());
                }
                word
            }
        };
        Some(AgentEvent::Answered { id: reply.request_id.clone(), answer })
    }
}

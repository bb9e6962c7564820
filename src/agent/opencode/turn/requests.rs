//! What a turn asks of a person: permissions and answers, its own and its sub-agents'.

use std::collections::HashMap;

use serde::Deserialize as _;

use super::{Phase, Request, Turn};
use crate::agent::opencode::wire::{Event, PermissionRequest, QuestionRequest, Replied};
use crate::model::{AgentEvent, Question};

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
            always: request.always,
        })
    }

    fn question(&mut self, request: &QuestionRequest) -> Option<AgentEvent> {
        let part = Request::Question(request.questions.len());
        let known = self.requests.insert(request.id.clone(), part).is_some();
        let questions: Vec<Question> = request
            .questions
            .iter()
            .map(|item| Question {
                question: item.question.clone(),
                options: item.options.iter().map(|option| option.label.clone()).collect(),
            })
            .collect();
        let text = questions.iter().map(Question::words).collect::<Vec<_>>().join("\n");
        (!known).then(|| AgentEvent::Question { id: request.id.clone(), text, questions })
    }

    /// Which requests wait, as the server lists them now. One that is not among them was answered while
    /// nobody listened.
    pub(crate) fn still_asked(&mut self, listed: &[&str]) -> Vec<AgentEvent> {
        let (gone, waiting) = self.requests.drain().partition(|(id, _)| !listed.contains(&id.as_str()));
        self.requests = waiting;
        let gone: HashMap<String, Request> = gone;
        gone.into_keys()
            .map(|id| AgentEvent::Answered { id, answer: "answered elsewhere".to_owned() })
            .collect()
    }

    /// Requests that waited when their turn ended.
    pub(crate) fn take_left(&mut self) -> Vec<(String, Request)> {
        std::mem::take(&mut self.left)
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

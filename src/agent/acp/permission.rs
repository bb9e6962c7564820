//! A request for permission: what it asks, and which of the offered answers stands for which of ours. Pure.

use serde_json::{Value, json};

use super::wire::PermissionOption;
use crate::agent::PermissionReply;

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Request {
    /// The agent's own id of it: a number, from 0, or a text.
    pub(crate) id: Value,
    options: Vec<PermissionOption>,
}

/// The answer to a request.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    /// As it is sent.
    pub(crate) result: Value,
    /// In words.
    pub(crate) words: &'static str,
}

impl Request {
    /// A request with its options.
    pub(crate) fn new(id: Value, options: Vec<PermissionOption>) -> Self {
        Self { id, options }
    }

    /// What would be allowed with `always`, in the agent's words.
    pub(crate) fn always(&self) -> Vec<String> {
        self.of("allow_always").map(|option| option.name.clone()).into_iter().collect()
    }

    fn of(&self, kind: &str) -> Option<&PermissionOption> {
        self.options.iter().find(|option| option.kind == kind)
    }

    /// The option that stands for a reply. What can't be allowed for ever is allowed once, and the other way
    /// round; never does a `no` become a `yes`. `None` for words, which nobody asked for.
    pub(crate) fn answer(&self, reply: &PermissionReply) -> Option<Answer> {
        let kinds: [(&str, &str); 2] = match reply {
            PermissionReply::Once => [("allow_once", "once"), ("allow_always", "always")],
            PermissionReply::Always => [("allow_always", "always"), ("allow_once", "once")],
            PermissionReply::Reject(_) => [("reject_once", "reject"), ("reject_always", "reject")],
            PermissionReply::Text(_) => return None,
        };
        let chosen = kinds.iter().find_map(|(kind, words)| self.of(kind).map(|option| (option, *words)));
        match (chosen, reply) {
            (Some((option, words)), _) => {
                let outcome = json!({ "outcome": "selected", "optionId": option.option_id });
                Some(Answer { result: json!({ "outcome": outcome }), words })
            }
            (None, PermissionReply::Reject(_)) => Some(Answer { result: cancelled(), words: "reject" }),
            (None, _) => None,
        }
    }
}

/// The answer to a request whose turn is cancelled.
pub(crate) fn cancelled() -> Value {
    json!({ "outcome": { "outcome": "cancelled" } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::acp::wire;

    fn request(kinds: &[&str]) -> Request {
        let options = kinds.iter().map(|kind| {
            wire::read(
                json!({ "optionId": format!("id-{kind}"), "kind": kind, "name": format!("To {kind}") }),
            )
        });
        Request::new(json!(0), options.collect())
    }

    /// Mutant: the kinds of `Always` for `Once`.
    #[test]
    fn an_option_is_picked_by_its_kind() {
        let all = ["allow_always", "allow_once", "reject_once", "reject_always"];
        let (once, always, no) =
            (PermissionReply::Once, PermissionReply::Always, PermissionReply::Reject("why".to_owned()));
        for (kinds, reply, expected) in [
            (&all[..], &once, Some(("id-allow_once", "once"))),
            (&all, &always, Some(("id-allow_always", "always"))),
            (&all, &no, Some(("id-reject_once", "reject"))),
            (&["allow_once"], &always, Some(("id-allow_once", "once"))),
            (&["reject_always"], &no, Some(("id-reject_always", "reject"))),
            (&["reject_once"], &once, None),
            (&all, &PermissionReply::Text(vec![]), None),
        ] {
            let answer = request(kinds).answer(reply);
            let chosen = answer.as_ref().map(|answer| {
                (answer.result["outcome"]["optionId"].as_str().unwrap_or_default(), answer.words)
            });
            assert_eq!(chosen, expected, "{kinds:?} {reply:?}");
        }
        assert_eq!(request(&["allow_once"]).answer(&no).expect("an answer").result, cancelled());
        assert_eq!(request(&all).always(), ["To allow_always"]);
    }
}

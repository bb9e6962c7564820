//! What an agent asks a person while its turn waits, what may be answered, and who decides unasked.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What happens when an agent asks for a permission, or asks a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Permissions are given, each for that one time; the agent decides its questions by itself.
    Allow,
    /// Permissions are refused with a reason, and the turn goes on.
    Deny,
    /// The turn waits for a person, for some time.
    Ask,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::Ask];

    /// The word in files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Ask => "ask",
        }
    }
}

/// One question of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The question.
    pub question: String,
    /// The answers that it offers; any other is allowed as well.
    #[serde(default)]
    pub options: Vec<String>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Wish {
    /// A permission.
    Permission {
        /// For what, e.g. `bash`.
        permission: String,
        /// For what exactly, e.g. the command or path patterns.
        #[serde(default)]
        patterns: Vec<String>,
        /// What else would be allowed with `always`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        always: Vec<String>,
    },
    /// Answers; one for each question.
    Question {
        /// The questions.
        #[serde(default)]
        questions: Vec<Question>,
    },
    /// Something that only a newer version knows.
    #[serde(other)]
    Unknown,
}

/// A request of an agent that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ask {
    /// The request's id at the agent.
    pub id: String,
    /// What is asked for.
    #[serde(flatten)]
    pub wish: Wish,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// When it is denied if nobody has answered.
    pub until: DateTime<Utc>,
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// Yes, this once.
    Allow,
    /// Yes, and to the same from now on, for as long as the agent's server lives.
    Always,
    /// No; the turn goes on without it.
    Deny {
        /// Why, for the agent.
        reason: Option<String>,
    },
    /// An answer to each question.
    Text {
        /// In the order of the questions.
        answers: Vec<String>,
    },
}

/// A reply that is none to what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Words for a permission.
    #[error("a permission is asked for, which words can't give")]
    Words,
    /// A permission for a question.
    #[error("a question is asked, which can't be allowed")]
    Permission,
    /// As many answers as questions are needed.
    #[error("{questions} questions are asked, and there are {answers} answers")]
    Count {
        /// How many are asked.
        questions: usize,
        /// How many were given.
        answers: usize,
    },
    /// Nobody knows what is asked.
    #[error("only a newer version of work knows what is asked")]
    Unknown,
}

impl Ask {
    /// What is asked for, on one line for each question.
    #[must_use]
    pub fn words(&self) -> String {
        self.wish.words()
    }

    /// Whether it is a question, which is answered with words.
    #[must_use]
    pub fn is_question(&self) -> bool {
        matches!(self.wish, Wish::Question { .. })
    }

    /// The reply as the agent takes it: the option that was meant, where one was.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn fit(&self, reply: &Reply) -> Result<Reply, Unfit> {
        match (&self.wish, reply) {
            (Wish::Unknown, _) => Err(Unfit::Unknown),
            (Wish::Permission { .. }, Reply::Text { .. }) => Err(Unfit::Words),
            (Wish::Question { .. }, Reply::Allow | Reply::Always) => Err(Unfit::Permission),
            (Wish::Question { questions }, Reply::Text { answers }) => {
                if questions.len() != answers.len() {
                    return Err(Unfit::Count { questions: questions.len(), answers: answers.len() });
                }
                let chosen = questions.iter().zip(answers).map(|(question, answer)| question.choose(answer));
                Ok(Reply::Text { answers: chosen.collect() })
            }
            (Wish::Permission { .. } | Wish::Question { .. }, _) => Ok(reply.clone()),
        }
    }
}

impl Wish {
    /// What is asked for, on one line for each question.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Permission { permission, patterns, .. } => format!("{permission}: {}", patterns.join(" ")),
            Self::Question { questions } => {
                questions.iter().map(Question::words).collect::<Vec<_>>().join("\n")
            }
            Self::Unknown => "something that only a newer version of work knows".to_owned(),
        }
    }
}

impl Question {
    /// The question, and the answers that it offers.
    #[must_use]
    pub fn words(&self) -> String {
        match self.options.as_slice() {
            [] => self.question.clone(),
            options => format!("{} ({})", self.question, options.join(" / ")),
        }
    }

    /// The option that is meant, whatever its case; else the words as they are.
    fn choose(&self, answer: &str) -> String {
        let meant = |option: &&String| option.trim().to_lowercase() == answer.trim().to_lowercase();
        self.options.iter().find(meant).map_or_else(|| answer.to_owned(), Clone::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(wish: Wish) -> Ask {
        Ask { id: "r".into(), wish, since: DateTime::UNIX_EPOCH, until: DateTime::UNIX_EPOCH }
    }

    fn question(options: &[&str]) -> Question {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Question { question: "Which?".into(), options }
    }

    fn text(answers: &[&str]) -> Reply {
        Reply::Text { answers: answers.iter().map(|&answer| answer.to_owned()).collect() }
    }

    #[test]
    fn each_wish_takes_its_own_replies() {
        let permission = ask(Wish::Permission {
            permission: "bash".into(),
            patterns: vec!["ls".into()],
            always: Vec::new(),
        });
        let two = ask(Wish::Question { questions: vec![question(&["Red", "Blue"]), question(&[])] });
        let deny = Reply::Deny { reason: None };
        for reply in [Reply::Allow, Reply::Always, deny.clone()] {
            assert_eq!(permission.fit(&reply), Ok(reply));
        }
        assert_eq!(permission.fit(&text(&["ls"])), Err(Unfit::Words));
        assert_eq!(two.fit(&deny), Ok(deny));
        assert_eq!(two.fit(&Reply::Always), Err(Unfit::Permission));
        assert_eq!(two.fit(&text(&["red"])), Err(Unfit::Count { questions: 2, answers: 1 }));
        assert_eq!(two.fit(&text(&[" red", "Green"])), Ok(text(&["Red", "Green"])));
        assert_eq!(two.words(), "Which? (Red / Blue)\nWhich?");
        assert_eq!(ask(Wish::Unknown).fit(&Reply::Allow), Err(Unfit::Unknown));
    }

    #[test]
    fn a_wish_of_a_newer_version_is_still_one() {
        let json =
            r#"{"id":"x","kind":"login","since":"2026-01-01T00:00:00Z","until":"2026-01-01T00:00:00Z"}"#;
        assert_eq!(serde_json::from_str::<Ask>(json).map(|ask| ask.wish).ok(), Some(Wish::Unknown));
    }
}

//! A script as a list of answers, where it stands in a prompt, and which answer is due. Pure.

use std::time::Duration;

use serde_json::Value;

/// What the model does over one user message: its answers, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Script {
    /// One answer a request.
    pub(crate) answers: Vec<Answer>,
}

/// What the model does in one request.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Answer {
    /// Refuse instead of answering.
    pub(crate) refusal: Option<Refusal>,
    /// What it says and does, in order.
    pub(crate) acts: Vec<Act>,
    /// How long it waits before every piece.
    pub(crate) chunk_delay: Duration,
    /// The reason for its end; by default it follows from the acts.
    pub(crate) finish: Option<String>,
    /// What it reports as used; by default an estimate.
    pub(crate) usage: Option<Usage>,
}

/// One thing the model does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// Says this.
    Text(String),
    /// Thinks this.
    Reason(String),
    /// Calls a tool.
    Tool {
        /// The tool's name.
        name: String,
        /// Its arguments, a JSON object.
        arguments: Value,
    },
    /// Waits.
    Sleep(Duration),
    /// Is silent until the client goes.
    Hang(Times),
    /// Breaks the connection.
    Cut(Times),
    /// Sends what is no JSON.
    Garbage(Times),
}

/// For how many equal requests of a session a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// For each of them.
    Always,
    /// For the first so many.
    First(usize),
}

impl Times {
    /// Whether it happens to a request that came so often before.
    pub(crate) fn holds(self, earlier: usize) -> bool {
        match self {
            Self::Always => true,
            Self::First(times) => earlier < times,
        }
    }
}

/// An answer that is an HTTP error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// The status code.
    pub(crate) status: u16,
    /// Response headers.
    pub(crate) headers: Vec<(String, String)>,
    /// The body; by default one that names the status.
    pub(crate) body: Option<Value>,
    /// How often, before the request is answered after all.
    pub(crate) times: Times,
}

/// Tokens, counted as the API does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub(crate) input: u64,
    /// Tokens of the answer, reasoning included.
    pub(crate) output: u64,
    /// Tokens of the prompt that were cached.
    pub(crate) cached: u64,
    /// Tokens of the answer that were thought.
    pub(crate) reasoning: u64,
}

impl Answer {
    /// How many tools it calls.
    pub(crate) fn tools(&self) -> usize {
        self.acts.iter().filter(|act| matches!(act, Act::Tool { .. })).count()
    }

    /// The answer without the faults that no longer happen to a request that came so often before.
    pub(crate) fn after(mut self, earlier: usize) -> Self {
        self.refusal = self.refusal.filter(|refusal| refusal.times.holds(earlier));
        self.acts.retain(|act| match act {
            Act::Hang(times) | Act::Cut(times) | Act::Garbage(times) => times.holds(earlier),
            _ => true,
        });
        self
    }

    /// An answer that only says `words`.
    pub(crate) fn saying(words: &str) -> Self {
        Self { acts: vec![Act::Text(words.to_owned())], ..Self::default() }
    }
}

impl Script {
    /// The answer that is due after so many tool results; none when the script has ended.
    pub(crate) fn due(&self, tool_results: usize) -> Option<&Answer> {
        let mut left = tool_results;
        for answer in &self.answers {
            match answer.tools() {
                0 => return Some(answer),
                tools if tools > left => return Some(answer),
                tools => left -= tools,
            }
        }
        None
    }
}

/// The directives in the last fenced script of a prompt.
pub(crate) fn find(prompt: &str) -> Option<String> {
    let mut found = None;
    let mut lines = prompt.lines();
    while let Some(line) = lines.next() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let Some(fence) = line.trim().strip_suffix("script") else { continue };
        if fence.len() < 3 || fence.chars().any(|c| c != '`') {
            continue;
        }
        let mut body = String::new();
        for inner in lines.by_ref() {
            let closing = inner.trim();
            if closing.len() >= fence.len() && closing.chars().all(|c| c == '`') {
                break;
            }
            body.push_str(inner.strip_prefix(indent).unwrap_or(inner));
            body.push('\n');
        }
        found = Some(body);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::directives::parse;
    use super::*;

    fn parsed(text: &str) -> Script {
        parse(text).expect("a good script")
    }

    #[test]
    fn the_number_of_tool_results_says_which_answer_is_due() {
        let script = parsed("@bash 1\n@also @bash 2\n@tool x {}\n@text end");
        let due = |results| script.due(results).cloned();
        assert_eq!(due(0), Some(script.answers[0].clone()));
        assert_eq!(due(1), Some(script.answers[0].clone()));
        assert_eq!(due(2), Some(script.answers[1].clone()));
        assert_eq!(due(3), Some(script.answers[2].clone()));
        assert_eq!(due(9), Some(script.answers[2].clone()));
        assert_eq!(parsed("@bash 1").due(1), None);
        assert_eq!(parsed("").due(0), None);
    }

    #[test]
    fn a_limited_fault_is_over_after_so_many_equal_requests() {
        let answer = parsed("@status 500 times=1\n@text a\n@cut times=2\n@garbage").answers.remove(0);
        let faults = |earlier| {
            let after = answer.clone().after(earlier);
            (after.refusal.is_some(), after.acts.len())
        };
        assert_eq!([faults(0), faults(1), faults(2)], [(true, 3), (false, 3), (false, 2)]);
    }

    #[test]
    fn the_last_fenced_script_counts() {
        let prompt = "Do this.\n```script\n@text old\n```\n```sh\n@text no\n```\n  ````script\n  @text new\n  ```\n  ````\nThanks.";
        assert_eq!(find(prompt).as_deref(), Some("@text new\n```\n"));
        assert_eq!(find("a typescript\n```script"), Some(String::new()));
        assert_eq!(find("```typescript\n@text no\n```"), None);
        assert_eq!(find("Just words."), None);
    }
}

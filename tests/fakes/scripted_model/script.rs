//! The directives: a script's text as a list of answers. Pure.

use std::time::Duration;

use serde_json::{Value, json};

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

/// A script that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("script line {line}: {problem}")]
pub(crate) struct ScriptError {
    line: usize,
    problem: String,
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
    /// Reads directives.
    pub(crate) fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut writer = Writer::default();
        for directive in directives(text)? {
            let line = directive.line;
            writer.add(&directive).map_err(|problem| ScriptError { line, problem })?;
        }
        Ok(writer.script())
    }

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

/// A directive as it was written.
struct Directive {
    line: usize,
    also: bool,
    word: String,
    rest: String,
}

fn directives(text: &str) -> Result<Vec<Directive>, ScriptError> {
    let mut all: Vec<Directive> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        match line.strip_prefix('@') {
            Some(escaped) if escaped.starts_with('@') => extend(&mut all, index + 1, escaped)?,
            Some(directive) => all.push(one(index + 1, directive)),
            None => extend(&mut all, index + 1, line)?,
        }
    }
    for directive in &mut all {
        directive.rest.truncate(directive.rest.trim_end().len());
    }
    Ok(all)
}

fn one(line: usize, text: &str) -> Directive {
    let (also, text) = match split(text) {
        ("also", rest) => (true, rest.strip_prefix('@').unwrap_or(rest)),
        _ => (false, text),
    };
    let (word, rest) = split(text);
    Directive { line, also, word: word.to_owned(), rest: rest.to_owned() }
}

fn extend(all: &mut [Directive], line: usize, text: &str) -> Result<(), ScriptError> {
    match all.last_mut() {
        Some(directive) => {
            directive.rest.push('\n');
            directive.rest.push_str(text);
            Ok(())
        }
        None if text.trim().is_empty() => Ok(()),
        None => Err(ScriptError { line, problem: "a script begins with a directive".to_owned() }),
    }
}

/// The first word, and what follows the white space after it.
fn split(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim_start_matches(' ')))
}

/// Puts directives into answers.
#[derive(Default)]
struct Writer {
    done: Vec<Answer>,
    current: Answer,
    any: bool,
}

impl Writer {
    fn add(&mut self, directive: &Directive) -> Result<(), String> {
        let rest = directive.rest.as_str();
        let act = match directive.word.as_str() {
            "text" => Act::Text(rest.to_owned()),
            "reason" => Act::Reason(rest.to_owned()),
            "tool" => tool(rest)?,
            "bash" => bash(rest)?,
            "write" => write(rest)?,
            "sleep" => Act::Sleep(duration(rest)?),
            "hang" => Act::Hang(times(rest)?),
            "cut" => Act::Cut(times(rest)?),
            "garbage" => Act::Garbage(times(rest)?),
            setting => return self.set(setting, rest, directive.also),
        };
        self.open(directive.also).acts.push(act);
        Ok(())
    }

    /// Directives that are not an act, but say how the answer is given.
    fn set(&mut self, setting: &str, rest: &str, also: bool) -> Result<(), String> {
        match setting {
            "chunk-delay" => self.open(also).chunk_delay = duration(rest)?,
            "status" => self.open(also).refusal = Some(refusal(rest)?),
            "finish" if rest.is_empty() => return Err("`@finish` needs a reason".to_owned()),
            "finish" => self.open(true).finish = Some(rest.to_owned()),
            "usage" => self.open(true).usage = Some(usage(rest)?),
            unknown => return Err(format!("`@{unknown}` is no directive")),
        }
        Ok(())
    }

    /// The answer that takes the next directive: a tool call ends an answer.
    fn open(&mut self, also: bool) -> &mut Answer {
        if !also && self.current.tools() > 0 {
            let chunk_delay = self.current.chunk_delay;
            let next = Answer { chunk_delay, ..Answer::default() };
            self.done.push(std::mem::replace(&mut self.current, next));
        }
        self.any = true;
        &mut self.current
    }

    fn script(mut self) -> Script {
        if self.any {
            self.done.push(self.current);
        }
        Script { answers: self.done }
    }
}

fn tool(rest: &str) -> Result<Act, String> {
    let (name, arguments) = split(rest);
    let arguments = object(arguments)?;
    match name {
        "" => Err("`@tool` needs a name".to_owned()),
        name => Ok(Act::Tool { name: name.to_owned(), arguments }),
    }
}

fn bash(command: &str) -> Result<Act, String> {
    if command.is_empty() {
        return Err("`@bash` needs a command".to_owned());
    }
    let arguments = json!({ "command": command, "description": "Runs a scripted command" });
    Ok(Act::Tool { name: "bash".to_owned(), arguments })
}

fn write(rest: &str) -> Result<Act, String> {
    let (path, content) = split(rest);
    if path.is_empty() {
        return Err("`@write` needs a path".to_owned());
    }
    let arguments = json!({ "filePath": path, "content": format!("{content}\n") });
    Ok(Act::Tool { name: "write".to_owned(), arguments })
}

fn object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(Value::Object(map)),
        Ok(_) => Err(format!("`{text}` is no JSON object")),
        Err(error) => Err(format!("`{text}` is no JSON: {error}")),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write `500ms`, `2s` or `1m`");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(count)),
        "s" => Ok(Duration::from_secs(count)),
        "m" => Ok(Duration::from_secs(count * 60)),
        _ => Err(wrong()),
    }
}

fn refusal(rest: &str) -> Result<Refusal, String> {
    let (words, body) = rest.find('{').map_or((rest, None), |at| (&rest[..at], Some(&rest[at..])));
    let mut words = words.split_whitespace();
    let status = words.next().and_then(|word| word.parse().ok()).filter(|code| (400..=599).contains(code));
    let mut refusal = Refusal {
        status: status.ok_or("`@status` needs a code from 400 to 599")?,
        headers: Vec::new(),
        body: body.map(object).transpose()?,
        times: Times::Always,
    };
    for word in words {
        match word.split_once('=') {
            Some(("times", _)) => refusal.times = times(word)?,
            Some((name, value)) => refusal.headers.push((name.to_owned(), value.to_owned())),
            None => return Err(format!("`{word}` is neither `name=value` nor a JSON object")),
        }
    }
    Ok(refusal)
}

fn times(rest: &str) -> Result<Times, String> {
    match rest.strip_prefix("times=") {
        Some(count) => Ok(Times::First(number(count)?)),
        None if rest.is_empty() => Ok(Times::Always),
        None => Err(format!("`{rest}` is not `times=count`")),
    }
}

fn usage(rest: &str) -> Result<Usage, String> {
    let mut usage = Usage::default();
    for word in rest.split_whitespace() {
        let (name, count) = word.split_once('=').ok_or_else(|| format!("`{word}` is not `name=count`"))?;
        let field = match name {
            "input" => &mut usage.input,
            "output" => &mut usage.output,
            "cached" => &mut usage.cached,
            "reasoning" => &mut usage.reasoning,
            other => return Err(format!("`{other}` is no kind of usage")),
        };
        *field = number(count)?;
    }
    Ok(usage)
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Script {
        Script::parse(text).expect("a good script")
    }

    fn problem(text: &str) -> String {
        Script::parse(text).expect_err("a bad script").to_string()
    }

    #[test]
    fn a_tool_call_ends_an_answer_unless_joined() {
        let script = parsed("@reason Hm.\n@bash echo 1\n@also bash echo 2\n@usage input=9\n@text Done.");
        assert_eq!(script.answers.iter().map(Answer::tools).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(script.answers[0].usage, Some(Usage { input: 9, ..Usage::default() }));
        assert_eq!(script.answers[1].acts, [Act::Text("Done.".to_owned())]);
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
    fn lines_without_a_directive_continue_the_one_above() {
        let script = parsed("\n@bash cat <<X\n@@home\n  two\nX\n\n@write a.txt one\ntwo");
        let Act::Tool { arguments, .. } = &script.answers[0].acts[0] else { panic!("a tool") };
        assert_eq!(arguments["command"], "cat <<X\n@home\n  two\nX");
        let Act::Tool { arguments, .. } = &script.answers[1].acts[0] else { panic!("a tool") };
        assert_eq!(arguments, &json!({ "filePath": "a.txt", "content": "one\ntwo\n" }));
    }

    #[test]
    fn a_refusal_has_headers_a_body_and_a_limit() {
        let script = parsed(r#"@status 429 retry-after-ms=50 times=2 {"error":{"message":"a=b"}}"#);
        let refusal = script.answers[0].refusal.clone().expect("a refusal");
        assert_eq!(refusal.status, 429);
        assert_eq!(refusal.headers, [("retry-after-ms".to_owned(), "50".to_owned())]);
        assert_eq!(refusal.times, Times::First(2));
        assert_eq!(refusal.body.expect("a body")["error"]["message"], "a=b");
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
    fn a_chunk_delay_holds_to_the_end_of_the_script() {
        let script = parsed("@chunk-delay 2s\n@bash true\n@text end\n@finish length");
        assert!(script.answers.iter().all(|answer| answer.chunk_delay == Duration::from_secs(2)));
        assert_eq!(script.answers[1].finish.as_deref(), Some("length"));
    }

    #[test]
    fn a_wrong_directive_is_named_with_its_line() {
        assert_eq!(problem("@text a\n@nonsense"), "script line 2: `@nonsense` is no directive");
        assert_eq!(problem("words"), "script line 1: a script begins with a directive");
        for wrong in [
            "@tool bash {",
            "@tool bash []",
            "@tool {}",
            "@bash",
            "@write",
            "@sleep 5",
            "@sleep soon",
            "@status 200",
            "@status 429 soon",
            "@usage input",
            "@usage money=1",
            "@usage input=-1",
            "@finish",
            "@cut twice",
            "@hang times=x",
        ] {
            assert!(problem(wrong).starts_with("script line 1: `"), "{wrong}: {}", problem(wrong));
        }
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

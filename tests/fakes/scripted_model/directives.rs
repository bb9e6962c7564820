//! The directives: the text of a script, read line by line. Pure.

use std::time::Duration;

use serde_json::{Value, json};

use super::script::{Act, Answer, Refusal, Script, Times, Usage};

/// A script that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("script line {line}: {problem}")]
pub(crate) struct ScriptError {
    line: usize,
    problem: String,
}

/// Reads a script.
pub(crate) fn parse(text: &str) -> Result<Script, ScriptError> {
    let mut writer = Writer::default();
    for directive in directives(text)? {
        let line = directive.line;
        writer.add(&directive).map_err(|problem| ScriptError { line, problem })?;
    }
    Ok(writer.script())
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

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write `500ms`, `2s`, `1m` or `2h`");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(count)),
        "s" => Ok(Duration::from_secs(count)),
        "m" => Ok(Duration::from_secs(count * 60)),
        "h" => Ok(Duration::from_secs(count * 3600)),
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
        parse(text).expect("a good script")
    }

    fn problem(text: &str) -> String {
        parse(text).expect_err("a bad script").to_string()
    }

    #[test]
    fn a_tool_call_ends_an_answer_unless_joined() {
        let script = parsed("@reason Hm.\n@bash echo 1\n@also bash echo 2\n@usage input=9\n@text Done.");
        assert_eq!(script.answers.iter().map(Answer::tools).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(script.answers[0].usage, Some(Usage { input: 9, ..Usage::default() }));
        assert_eq!(script.answers[1].acts, [Act::Text("Done.".to_owned())]);
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
}

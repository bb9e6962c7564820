//! The decision: which answer a request gets. Pure.

use serde_json::{Value, json};

use super::directives;
use super::models;
use super::request::ChatRequest;
use super::script::{self, Act, Answer, Refusal, Script, Times, Usage};

/// What a request gets, and why.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    /// Why, for the log: `answer 2 of 3`, `title`, `model fail-401`.
    pub(crate) reason: String,
    /// What is done.
    pub(crate) answer: Answer,
}

/// Decides for a request that came `earlier` times before, equal in its session and conversation.
pub(crate) fn decide(request: &ChatRequest, earlier: usize) -> Reply {
    let mut reply = choose(request);
    reply.answer = reply.answer.after(earlier);
    reply.answer.chunk_delay = reply.answer.chunk_delay.max(models::chunk_delay(request.model()));
    reply
}

fn choose(request: &ChatRequest) -> Reply {
    let because = |reason: &str, answer| Reply { reason: reason.to_owned(), answer };
    if request.asks_to_be("title generator") {
        return because("title", Answer::saying("A scripted title"));
    }
    let summary = request.asks_to_be("summarization");
    if let Some(answer) = models::behaviour(request.model(), summary) {
        return Reply { reason: format!("model {}", request.model()), answer };
    }
    if summary {
        return because("summary", Answer::saying("A scripted summary of the conversation."));
    }
    let Some(text) = script::find(&request.last_user_text()) else {
        return because("no script", Answer::saying("Nothing is scripted for this message."));
    };
    match directives::parse(&text) {
        Ok(script) => step(&script, request.tool_results()),
        Err(error) => because("bad script", bad_script(&error.to_string())),
    }
}

fn step(script: &Script, tool_results: usize) -> Reply {
    let Some(answer) = script.due(tool_results) else {
        return Reply { reason: "script ended".to_owned(), answer: Answer::saying("The script has ended.") };
    };
    let at = script.answers.iter().position(|other| std::ptr::eq(other, answer)).map_or(0, |at| at + 1);
    Reply { reason: format!("answer {at} of {}", script.answers.len()), answer: answer.clone() }
}

fn bad_script(problem: &str) -> Answer {
    let body = json!({ "error": { "message": problem, "type": "invalid_request_error" } });
    let refusal = Refusal { status: 400, headers: Vec::new(), body: Some(body), times: Times::Always };
    Answer { refusal: Some(refusal), ..Answer::default() }
}

/// The body of a refusal.
pub(crate) fn refusal_body(refusal: &Refusal) -> Value {
    let status = refusal.status;
    let error = json!({ "message": format!("scripted status {status}"), "type": "scripted", "code": status.to_string() });
    refusal.body.clone().unwrap_or_else(|| json!({ "error": error }))
}

/// The reason that an answer gives for its end.
pub(crate) fn finish(answer: &Answer) -> String {
    let by_default = if answer.tools() > 0 { "tool_calls" } else { "stop" };
    answer.finish.clone().unwrap_or_else(|| by_default.to_owned())
}

/// The usage that an answer reports: what the script says, or four letters a token.
pub(crate) fn usage(answer: &Answer, request: &ChatRequest) -> Value {
    let usage = answer.usage.unwrap_or_else(|| estimate(answer, request));
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cached },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
    })
}

fn estimate(answer: &Answer, request: &ChatRequest) -> Usage {
    let tokens = |letters: usize| letters.div_ceil(4) as u64;
    let mut said = 0;
    let mut thought = 0;
    for act in &answer.acts {
        match act {
            Act::Text(text) => said += text.len(),
            Act::Reason(text) => thought += text.len(),
            Act::Tool { arguments, .. } => said += arguments.to_string().len(),
            _ => {}
        }
    }
    let reasoning = tokens(thought);
    Usage { input: tokens(request.length()), output: tokens(said) + reasoning, cached: 0, reasoning }
}

/// A text as the pieces that are streamed: words with the white space after them.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(model: &str, prompt: &str, results: usize) -> ChatRequest {
        let mut messages = vec![json!({ "role": "user", "content": prompt })];
        messages.extend((0..results).map(|_| json!({ "role": "tool", "content": "" })));
        let body = json!({ "model": model, "messages": messages }).to_string();
        ChatRequest::parse(body.as_bytes()).expect("a request")
    }

    #[test]
    fn the_reason_names_what_was_followed() {
        let script = "```script\n@bash true\n@text end\n```";
        for (model, prompt, results, reason) in [
            ("ok", script, 0, "answer 1 of 2"),
            ("ok", script, 1, "answer 2 of 2"),
            ("fail-401", script, 1, "model fail-401"),
            ("ok", "```script\n@bash true\n```", 1, "script ended"),
            ("ok", "```script\n@what\n```", 0, "bad script"),
            ("ok", "hello", 0, "no script"),
        ] {
            assert_eq!(decide(&request(model, prompt, results), 0).reason, reason, "{prompt}");
        }
    }

    #[test]
    fn an_equal_request_can_be_answered_otherwise() {
        let request = request("ok", "```script\n@status 500 times=2\n@text at last\n```", 0);
        let refused = |earlier| decide(&request, earlier).answer.refusal.is_some();
        assert_eq!([refused(0), refused(1), refused(2)], [true, true, false]);
    }

    #[test]
    fn pieces_make_the_text_again() {
        let text = "one two\n three ";
        assert_eq!(pieces(text).count(), 4);
        assert_eq!(pieces(text).collect::<String>(), text);
    }
}

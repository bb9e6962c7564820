//! Tokens and cost of a session, as far as its agent tells.

use serde_json::Value;

use super::wire::{Meta, PromptAnswer, Tokens};
use crate::model::Usage;

/// The sums of one session, over all turns in this child.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Totals {
    used: Usage,
    /// The agent's own sum of the cost when it was last told; unknown for a session that was made elsewhere.
    told: Option<f64>,
}

impl Totals {
    /// Of a session that nothing was used of yet.
    pub(crate) fn of_new() -> Self {
        Self { used: Usage::default(), told: Some(0.0) }
    }

    /// Of a session that was taken up again. What it cost before is told only with the first turn's own cost,
    /// which then counts for neither.
    pub(crate) fn of_resumed() -> Self {
        Self { used: Usage::default(), told: None }
    }

    /// What was used here.
    pub(crate) fn used(&self) -> Usage {
        self.used
    }

    /// The agent tells the cost of the whole session.
    pub(crate) fn cost(&mut self, amount: f64) {
        self.used.cost += self.told.map_or(0.0, |before| (amount - before).max(0.0));
        self.told = Some(amount);
    }

    /// The agent tells what a step used.
    pub(crate) fn step(&mut self, tokens: Tokens) {
        self.used = self.used.plus(usage(tokens));
    }

    /// The turn is over. What its end tells counts unless its steps were told one by one.
    pub(crate) fn end(&mut self, answer: &PromptAnswer, steps: bool) {
        if steps {
            return;
        }
        if let Some(tokens) = answer.usage.or_else(|| quota(&answer.meta)) {
            self.step(tokens);
        }
    }
}

/// Whether cached and thought tokens are among the others shows in the total.
fn usage(tokens: Tokens) -> Usage {
    let Tokens { input_tokens: input, output_tokens: output, .. } = tokens;
    let among = tokens.total_tokens == input + output;
    let less = |count: u64, part: u64| if among { count.saturating_sub(part) } else { count };
    Usage {
        input: less(input, tokens.cached_read_tokens),
        output: less(output, tokens.thought_tokens),
        reasoning: tokens.thought_tokens,
        cache_read: tokens.cached_read_tokens,
        cache_write: tokens.cached_write_tokens,
        cost: 0.0,
    }
}

fn quota(meta: &Meta) -> Option<Tokens> {
    let count = |name: &str| meta.quota.pointer("/token_count")?.get(name).and_then(Value::as_u64);
    let (input_tokens, output_tokens) = (count("input_tokens")?, count("output_tokens")?);
    Some(Tokens {
        input_tokens,
        output_tokens,
        total_tokens: input_tokens + output_tokens,
        ..Tokens::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::agent::acp::wire;

    fn counts(usage: Usage) -> [u64; 4] {
        [usage.input, usage.output, usage.reasoning, usage.cache_read]
    }

    #[test]
    fn each_agent_counts_in_its_own_way() {
        for (tokens, expected) in [
            // qwen: the cached among the input, the thought among the output.
            (
                json!({"inputTokens":500,"outputTokens":40,"totalTokens":540,"thoughtTokens":12,"cachedReadTokens":100}),
                [400, 28, 12, 100],
            ),
            // opencode: each by itself.
            (
                json!({"inputTokens":78,"outputTokens":18,"totalTokens":133,"thoughtTokens":4,"cachedReadTokens":33}),
                [78, 18, 4, 33],
            ),
            (json!({"inputTokens":100,"outputTokens":20,"totalTokens":120}), [100, 20, 0, 0]),
            (json!({}), [0; 4]),
        ] {
            assert_eq!(counts(usage(wire::read(tokens.clone()))), expected, "{tokens}");
        }
    }

    #[test]
    fn the_end_of_a_turn_counts_unless_its_steps_did() {
        let answer = |json: Value| wire::read::<PromptAnswer>(json);
        let usage = answer(
            json!({"stopReason":"end_turn","usage":{"inputTokens":9,"outputTokens":1,"totalTokens":10}}),
        );
        let quota = answer(json!({"_meta":{"quota":{"token_count":{"input_tokens":7,"output_tokens":2}}}}));
        let mut totals = Totals::of_new();
        totals.end(&usage, false);
        totals.end(&quota, false);
        totals.end(&usage, true);
        assert_eq!(counts(totals.used()), [16, 3, 0, 0]);
    }

    #[test]
    fn the_cost_of_others_is_not_ours() {
        let mut new = Totals::of_new();
        new.cost(0.5);
        new.cost(0.75);
        assert_eq!(new.used().cost, 0.75);
        let mut resumed = Totals::of_resumed();
        resumed.cost(8.0);
        resumed.cost(8.25);
        assert_eq!(resumed.used().cost, 0.25);
    }
}

//! What was told of a turn by somebody who died, as their events show it: laid over the parts that the
//! session has now, so that whoever goes on tells each byte once.

use std::collections::HashMap;

use super::{Parts, Spoken, Told, Voice, ended_at, voice, void_zone};
use crate::agent::opencode::wire::Part;
use crate::model::AgentEvent;

/// What was told with one voice, cut where the agent began anew.
struct Said {
    stretches: Vec<String>,
    /// The stretch whose parts come next; what was found of it is taken off its beginning.
    at: usize,
}

impl Said {
    fn of(told: &[AgentEvent], voice: Voice) -> Self {
        let mut stretches = vec![String::new()];
        for event in told {
            match event {
                AgentEvent::Restarted => stretches.push(String::new()),
                AgentEvent::Text { delta } if voice == Voice::Text => last(&mut stretches).push_str(delta),
                AgentEvent::Reasoning { delta } if voice == Voice::Reasoning => {
                    last(&mut stretches).push_str(delta);
                }
                _ => {}
            }
        }
        Self { stretches, at: 0 }
    }

    fn is_last(&self, at: usize) -> bool {
        at + 1 == self.stretches.len()
    }

    /// How much was told of a part whose whole text is this. Whether the agent began anew after it: then, if
    /// it was given up, that was told.
    fn of_whole(&mut self, text: &str) -> (String, bool) {
        for at in self.at..self.stretches.len() {
            let stretch = self.stretches[at].clone();
            // The end of the part before may have been trimmed after it was told.
            for rest in [stretch.as_str(), stretch.trim_start()] {
                let told = match () {
                    () if text.is_empty() => 0,
                    () if rest.starts_with(text) => text.len(),
                    () if self.is_last(at) && text.starts_with(rest) => rest.len(),
                    () => continue,
                };
                let (told, left) = (rest[..told].to_owned(), rest[told..].to_owned());
                if !told.is_empty() {
                    (self.at, self.stretches[at]) = (at, left);
                }
                return (told, !self.is_last(at));
            }
        }
        (String::new(), false)
    }

    /// How much was told of a part whose text is not known: all that is left. Whether it was taken back.
    fn of_begun(&mut self, void: bool) -> (String, bool) {
        if !void {
            self.at = self.stretches.len() - 1;
        }
        let told = std::mem::take(&mut self.stretches[self.at]);
        let taken_back = !self.is_last(self.at);
        if taken_back && !told.is_empty() {
            self.at += 1;
        }
        (told, taken_back)
    }
}

fn last(stretches: &mut [String]) -> &mut String {
    let last = stretches.len() - 1;
    &mut stretches[last]
}

impl Parts {
    /// The parts of a turn's answers, of which so much was told already. Deltas may be missing of all.
    pub(crate) fn inherited(answers: &[&[Part]], told: &[AgentEvent]) -> Self {
        let mut parts = Self { tools: tools(told), ..Self::default() };
        let mut said: HashMap<_, _> =
            [Voice::Text, Voice::Reasoning].map(|voice| (voice, Said::of(told, voice))).into();
        for answer in answers {
            let zone = void_zone(answer);
            parts.fresh = false;
            for (index, part) in answer.iter().enumerate() {
                // As when they were told: the model is asked, or its answer is whole.
                parts.fresh &= !matches!(part.kind.as_str(), "step-start" | "step-finish");
                let Some((voice, said)) = voice(part).and_then(|voice| Some((voice, said.get_mut(&voice)?)))
                else {
                    continue;
                };
                let (told, void) = match ended_at(part) {
                    true => said.of_whole(&part.text),
                    false => said.of_begun(zone.contains(&index)),
                };
                parts.fresh |= !told.is_empty() && !void;
                let known = Spoken { told, gap: true, void, done: void, ..Spoken::new(voice) };
                parts.spoken.insert(part.id.clone(), known);
            }
        }
        for (voice, mut said) in said {
            let (rest, _) = said.of_begun(false);
            if !rest.trim().is_empty() {
                parts.fresh = true;
                parts.unplaced.insert(voice, rest);
            }
        }
        parts
    }
}

/// The last thing that was told of each tool.
fn tools(told: &[AgentEvent]) -> HashMap<String, Told> {
    let tool = |event: &AgentEvent| match event {
        AgentEvent::ToolCall { id, title, status, input, .. } => {
            Some((id.clone(), Told { status: *status, title: title.clone(), input: input.clone() }))
        }
        _ => None,
    };
    told.iter().filter_map(tool).collect()
}

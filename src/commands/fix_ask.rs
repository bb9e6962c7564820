//! The questions of `work fix`: which thread, what to do with it, by whom; or a stage of its own for all of them.

use super::context::Context;
use super::how::How;
use crate::config::Agents;
use crate::engine::agents::rows;
use crate::engine::fix::{Action, Case};
use crate::ui::choose;

/// What a person chose.
pub(super) enum Choice {
    /// To take threads up.
    TakeUp(Answer),
    /// To make a stage of what is left, with this name.
    NewStage(String),
}

/// Which threads are taken up, and how.
pub(super) struct Answer {
    pub(super) cases: Vec<Case>,
    pub(super) how: How,
    pub(super) retry: bool,
}

/// Asks. `None` when the person wants nothing of it.
pub(super) fn ask(ctx: &Context, agents: &Agents, cases: &[Case], how: &How) -> Option<Answer> {
    match ask_all(ctx, agents, cases, how, false)? {
        Choice::TakeUp(answer) => Some(answer),
        Choice::NewStage(_) => None,
    }
}

/// Asks, and offers a new stage where `all` says that these are all that it would be made of.
pub(super) fn ask_all(
    ctx: &Context,
    agents: &Agents,
    cases: &[Case],
    how: &How,
    all: bool,
) -> Option<Choice> {
    let chosen = which(cases)?;
    let first = chosen.first()?;
    let actions = actions(&chosen);
    let mut words: Vec<String> = actions.iter().map(|action| describe(*action, &chosen)).collect();
    if all && chosen.len() == cases.len() {
        words.push("New stage: what is left as a stage of its own, to be approved first".to_owned());
    }
    let proposal = actions.iter().position(|action| *action == first.proposal).unwrap_or(0);
    let Some(&action) = actions.get(choose("what is to be done", &words, proposal)?) else {
        return crate::ui::ask("name of the new stage").map(Choice::NewStage);
    };
    let mut how = how.clone();
    match action {
        Action::Resume => how.resume = true,
        Action::Retry => {}
        Action::OtherModel => how.model = Some(model(agents, first)?),
        Action::ChangeAgent => how.agent = Some(agent(ctx, agents, first)?),
    }
    let retry = matches!(action, Action::Retry | Action::OtherModel);
    Some(Choice::TakeUp(Answer { cases: chosen, how, retry }))
}

/// One of the threads, or all of them.
fn which(cases: &[Case]) -> Option<Vec<Case>> {
    let [only] = cases else {
        let line = |case: &Case| {
            let thread = &case.thread;
            format!("{}  {}  {}: {}", thread.id, thread.name, thread.status.name(), case.why)
        };
        let mut items: Vec<String> = cases.iter().map(line).collect();
        items.push(format!("all {} of them", cases.len()));
        let index = choose("which thread", &items, 0)?;
        return Some(cases.get(index).map_or_else(|| cases.to_vec(), |case| vec![case.clone()]));
    };
    Some(vec![only.clone()])
}

/// What can be done with all of these.
fn actions(cases: &[Case]) -> Vec<Action> {
    let resumable = cases.iter().all(|case| case.not_resumable.is_none());
    let resume = resumable.then_some(Action::Resume);
    resume.into_iter().chain([Action::Retry, Action::OtherModel, Action::ChangeAgent]).collect()
}

fn describe(action: Action, cases: &[Case]) -> String {
    let session = match cases {
        [only] => only.thread.sessions.iter().rev().find(|row| row.resumable),
        _ => None,
    };
    let what = match (action, session) {
        (Action::Resume, Some(row)) => {
            format!("go on in the same session, with {} ({})", row.agent, row.model)
        }
        (Action::Resume, None) => "go on in the session of each".to_owned(),
        (Action::Retry, _) => "a new session of the same agent, told what happened".to_owned(),
        (Action::OtherModel, _) => "a new session, with a model that you choose".to_owned(),
        (Action::ChangeAgent, _) => "another agent takes over, told all that is known".to_owned(),
    };
    format!("{}: {what}", action.name())
}

/// One of the models that the thread's agent has, the others first.
fn model(agents: &Agents, case: &Case) -> Option<String> {
    let last = case.thread.sessions.last();
    let name = last.map(|row| &row.agent).or(case.thread.agent.as_ref());
    let agent = name.and_then(|name| agents.get(name)).or(agents.default_agent())?;
    let used = last.map(|row| row.model.as_str()).unwrap_or_default();
    let mut models: Vec<String> = agent.models.iter().map(ToString::to_string).collect();
    models.sort_by_key(|model| model == used);
    let words: Vec<String> = models
        .iter()
        .map(|model| if model == used { format!("{model}  (the last one used)") } else { model.clone() })
        .chain(["another one …".to_owned()])
        .collect();
    let index = choose("with which model", &words, 0)?;
    models.into_iter().nth(index).or_else(|| crate::ui::ask("model (provider/model)"))
}

/// One of the agents, with what it is best for; those that can't be used say why.
fn agent(ctx: &Context, agents: &Agents, case: &Case) -> Option<String> {
    let last = case.thread.sessions.last().map(|row| row.agent.clone());
    let rows = rows(agents, ctx.env.opencode.as_deref());
    let words: Vec<String> = rows
        .iter()
        .map(|row| {
            let remark = match (&row.unusable, last.as_ref() == Some(&row.name)) {
                (Some(why), _) => format!("  (can't be used: {why})"),
                (None, true) => "  (the last one)".to_owned(),
                (None, false) => String::new(),
            };
            format!("{}: {}{remark}", row.name, row.best_for)
        })
        .collect();
    let other = rows.iter().position(|row| row.unusable.is_none() && Some(&row.name) != last.as_ref());
    rows.get(choose("which agent", &words, other.unwrap_or(0))?).map(|row| row.name.to_string())
}

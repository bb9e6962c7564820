//! Threads taken up again: a single one in this terminal, several in windows.

use super::Exit;
use super::batch::Windowed;
use super::context::Context;
use super::execute::Watch;
use super::failed::{CommandResult, Failed};
use super::fix_ask::{Answer, ask};
use super::fix_left::{Left, WouldFix, divide, told};
use super::headless::Headless;
use super::how::{How, Watching, Would};
use super::turn::run_turn;
use crate::engine::batch::prepare_some;
use crate::engine::fix::{Action, Case, by_batch, case};
use crate::engine::{Approach, Prepared, StreamHandle, TurnRequest, Workspace, prepare};
use crate::model::{AgentName, Thread, ThreadId};
use crate::sys::signals::LastWords;
use crate::ui::confirm;

/// In which conversation each thread goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// As the flags say; a named agent that had the thread before goes on in its own conversation.
    AsTold,
    /// In a new one.
    New,
    /// As each case proposes.
    AsProposed,
}

/// What is taken up, and how.
pub(super) struct Fix<'a> {
    pub(super) ctx: &'a Context,
    pub(super) workspace: &'a Workspace,
    pub(super) handle: &'a StreamHandle,
    pub(super) how: How,
    pub(super) conversation: Take,
    pub(super) watching: &'a Watching,
    pub(super) mode: Option<Watch>,
}

/// The person wants nothing of it.
pub(super) fn nothing(ctx: &Context) -> Exit {
    ctx.screen.say("nothing was changed");
    Exit::Interrupted
}

/// Takes up threads before something else goes on: by asking, or where nobody can be asked as each proposes.
pub(super) fn first(
    ctx: &Context,
    (workspace, handle): (&Workspace, &StreamHandle),
    how: &How,
    watching: &Watching,
    cases: &[Case],
) -> CommandResult {
    let watching = watching.waiting();
    let fix = |how: How, conversation| Fix {
        ctx,
        workspace,
        handle,
        how,
        conversation,
        watching: &watching,
        mode: None,
    };
    if !ctx.screen.interactive || ctx.json {
        return fix(how.clone(), Take::AsProposed).apply(cases);
    }
    let asking = ctx.while_asking();
    match ask(ctx, &ctx.agents(workspace)?, cases, how) {
        None => {
            drop(asking);
            Ok(nothing(ctx))
        }
        Some(Answer { cases, how, retry }) => {
            fix(how, if retry { Take::New } else { Take::AsTold }).confirmed(&cases, false, asking)
        }
    }
}

impl Fix<'_> {
    /// Shows what will happen, and asks whether it may.
    pub(super) fn confirmed(&self, cases: &[Case], yes: bool, asking: Option<LastWords>) -> CommandResult {
        let prepared = self.prepared(cases)?;
        for would in self.would(&prepared)? {
            self.ctx.screen.say(would.words().trim_end());
        }
        let goes = yes || confirm(&self.ctx.screen, "go?");
        // From here on a signal is the turn's business.
        drop(asking);
        if goes { self.apply(cases) } else { Ok(nothing(self.ctx)) }
    }

    /// Resumes those of several threads that can be, and names the others. They are not done, so it fails.
    pub(super) fn able(&self, cases: &[Case], dry_run: bool) -> CommandResult {
        let (able, left) = divide(self, cases)?;
        told(&able, &left).iter().for_each(|line| self.ctx.screen.warn(line));
        if dry_run {
            return self.dry_run(&able, left);
        }
        let none_left = left.is_empty();
        let exit = self.apply(&able)?;
        Ok(if exit == Exit::Done && !none_left { Exit::Failed } else { exit })
    }

    /// Only says what would happen.
    pub(super) fn dry_run(&self, cases: &[Case], left: Vec<Left>) -> CommandResult {
        let prepared = self.prepared(cases)?;
        prepared.iter().flat_map(|one| &one.warnings).for_each(|warning| self.ctx.screen.warn(warning));
        let would = self.would(&prepared)?;
        let would = WouldFix { threads: would, left };
        self.ctx.print(&would, || would.threads.iter().map(Would::words).collect())?;
        Ok(Exit::Done)
    }

    fn would<'p>(&self, prepared: &'p [Prepared]) -> Result<Vec<Would<'p>>, Failed> {
        let settings = self.ctx.settings(self.workspace)?;
        // Several get a window each, and a window is seen.
        let watched = prepared.len() > 1 || self.ctx.screen.interactive;
        Ok(prepared.iter().map(|one| Would::of(one, &settings, &self.how, watched)).collect())
    }

    /// Takes them up.
    pub(super) fn apply(&self, cases: &[Case]) -> CommandResult {
        match cases {
            cases if self.is_headless() => self.queued(cases),
            [only] => self.here(only),
            several => self.in_windows(several),
        }
    }

    fn is_headless(&self) -> bool {
        self.watching.headless || self.mode == Some(Watch::Headless)
    }

    /// All of them as jobs; a batch begins after the batch before it.
    fn queued(&self, cases: &[Case]) -> CommandResult {
        let Self { ctx, workspace, handle, watching, .. } = *self;
        let prepared = self.prepared(cases)?;
        prepared.iter().flat_map(|one| &one.warnings).for_each(|warning| ctx.screen.warn(warning));
        let Watching { max_parallel, wait, .. } = *watching;
        Headless { ctx, workspace, handle, max_parallel, wait, apply: false }.threads(&prepared, &[])
    }

    fn request(&self, thread: &Thread) -> TurnRequest {
        let named = self.how.agent.clone().map(AgentName);
        let (mut resume, mut model) = (self.how.resume, self.how.model.clone());
        match self.conversation {
            Take::New => {}
            Take::AsTold => resume |= named.is_some_and(|agent| thread.resumable(Some(&agent)).is_ok()),
            Take::AsProposed => {
                let case = case(thread);
                resume |= case.proposal == Action::Resume;
                if case.proposal == Action::OtherModel {
                    model = model.or_else(|| self.next_model(&case));
                }
            }
        }
        let approach = if resume { Approach::Resume } else { Approach::NewSession };
        TurnRequest { approach, model, ..self.how.request(&thread.id.to_string()) }
    }

    /// The model of the agent that comes after the one that was used last, if there is one.
    fn next_model(&self, case: &Case) -> Option<String> {
        let last = case.thread.sessions.last()?;
        let agents = self.ctx.agents(self.workspace).ok()?;
        let mut models = agents.get(&last.agent)?.models.iter().map(ToString::to_string);
        models.by_ref().find(|model| *model == last.model)?;
        models.next()
    }

    /// One turn of these so many: a single one runs in this terminal, several in windows.
    pub(super) fn prepare(&self, thread: ThreadId, count: usize) -> Result<Prepared, Failed> {
        let agents = self.ctx.agents(self.workspace)?;
        let stream = self.handle.store.read()?;
        let thread = crate::engine::thread(&stream, &thread.to_string())?;
        let mode = match (self.is_headless(), count) {
            (true, _) => Watch::mode(Some(Watch::Headless), self.ctx)?,
            (false, 1) => Watch::mode(self.mode, self.ctx)?,
            (false, _) => self.watching.mode(self.ctx, self.workspace)?,
        };
        Ok(prepare(self.workspace, self.handle, &agents, &self.request(thread), mode)?)
    }

    fn prepared(&self, cases: &[Case]) -> Result<Vec<Prepared>, Failed> {
        cases.iter().map(|case| self.prepare(case.thread.id, cases.len())).collect()
    }

    /// One thread, in this terminal.
    fn here(&self, case: &Case) -> CommandResult {
        let prepared = self.prepare(case.thread.id, 1)?;
        prepared.warnings.iter().for_each(|warning| self.ctx.screen.warn(warning));
        run_turn(self.ctx, self.workspace, self.handle, &prepared, self.how.no_supervisor)
    }

    /// Several threads, each in a window; a batch after the batch before it.
    fn in_windows(&self, cases: &[Case]) -> CommandResult {
        let Self { ctx, workspace, handle, .. } = *self;
        let agents = ctx.agents(workspace)?;
        let mode = self.watching.mode(ctx, workspace)?;
        let batches = by_batch(cases);
        let mut worst = Exit::Done;
        for (index, (batch, threads)) in batches.iter().enumerate() {
            // The next batch builds on this one.
            let last = index + 1 == batches.len();
            let watching = if last { self.watching.clone() } else { self.watching.waiting() };
            let request = |thread: &Thread| self.request(thread);
            let prepare = || Ok(prepare_some(workspace, handle, &agents, (*batch, threads), &request, mode)?);
            let windowed = Windowed { ctx, workspace, handle, how: &self.how, watching: &watching };
            let exit = windowed.run(prepare)?;
            if exit != Exit::Done {
                worst = exit;
            }
        }
        Ok(worst)
    }
}

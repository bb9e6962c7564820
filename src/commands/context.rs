//! What every command needs: the screen, the environment, the workspace, the stream.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Exit;
use super::cli::Global;
use super::failed::Failed;
use crate::config::{Agents, Settings};
use crate::engine::{StreamHandle, Workspace, agents, select};
use crate::model::Stream;
use crate::sys::env::{Env, raw};
use crate::sys::signals::{self, LastWords};
use crate::ui::{Screen, abandon};

/// The surroundings of one command.
pub(super) struct Context {
    pub(super) screen: Screen,
    pub(super) env: Env,
    pub(super) json: bool,
    stream: Option<String>,
    repo: Option<PathBuf>,
}

impl Context {
    pub(super) fn new(screen: Screen, env: Env, global: Global) -> Self {
        Self { screen, env, json: global.json, stream: global.stream, repo: global.repo }
    }

    /// The workspace, whether it was set up or not.
    ///
    /// `--repo` decides, then `WORK_ROOT`, then the current folder.
    pub(super) fn workspace(&self) -> Result<Workspace, Failed> {
        let root = match &self.repo {
            Some(_) => None,
            None => self.env.root.as_deref(),
        };
        let start = self.repo.as_deref().unwrap_or(Path::new("."));
        Ok(Workspace::find(start, root, self.env.clock)?)
    }

    /// The workspace, which was set up.
    pub(super) fn ready(&self) -> Result<Workspace, Failed> {
        let workspace = self.workspace()?;
        workspace.initialized()?;
        Ok(workspace)
    }

    /// The stream that `--stream` names.
    pub(super) fn asked_stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// The stream that is meant.
    pub(super) fn stream(&self, workspace: &Workspace) -> Result<StreamHandle, Failed> {
        Ok(select(workspace, self.stream.as_deref(), self.env.stream.as_deref())?)
    }

    /// Workspace, stream and its state.
    pub(super) fn state(&self) -> Result<(Workspace, StreamHandle, Stream), Failed> {
        let workspace = self.ready()?;
        let handle = self.stream(&workspace)?;
        let stream = handle.store.read()?;
        Ok((workspace, handle, stream))
    }

    /// The agents, whose file has no errors.
    pub(super) fn agents(&self, workspace: &Workspace) -> Result<Agents, Failed> {
        let checked = agents::load_agents(workspace)?;
        for finding in &checked.diagnostics {
            self.screen.note(&format!(
                "{}: {} (`work validate agents` shows where)",
                finding.severity.name(),
                finding.message
            ));
        }
        Ok(checked.value)
    }

    /// The settings, whose file has no errors.
    pub(super) fn settings(&self, workspace: &Workspace) -> Result<Settings, Failed> {
        Ok(agents::load_settings(workspace)?)
    }

    /// Ctrl-C at a question leaves the terminal as it was, and says that nothing was changed.
    pub(super) fn while_asking(&self) -> Option<LastWords> {
        let screen = self.screen;
        signals::last_words(move || abandon(&screen, "nothing was changed")).ok()
    }

    /// Prints the one document of a command with `--json`, else its text.
    pub(super) fn print(
        &self,
        document: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failed> {
        if self.json {
            let json = serde_json::to_string(document)
                .map_err(|error| Failed::new(Exit::Bug, "json", format!("the result is no JSON: {error}")))?;
            self.screen.out(&json);
        } else {
            let text = text();
            if !text.is_empty() {
                self.screen.out(&text);
            }
        }
        Ok(())
    }

    /// What a window needs of our environment, since a tmux server has one of its own.
    pub(super) fn window_environment(&self, launch: &Path) -> Vec<(OsString, OsString)> {
        const PASSED: &[&str] = &[
            "PATH",
            "HOME",
            "XDG_RUNTIME_DIR",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
            "XDG_CACHE_HOME",
            "WORK_OPENCODE",
            "WORK_TMUX",
            "WORK_CLOCK",
            "NO_COLOR",
        ];
        let passed = PASSED.iter().filter_map(|name| Some((OsString::from(name), raw(name)?)));
        passed.chain([("WORK_LAUNCH".into(), launch.as_os_str().to_owned())]).collect()
    }

    /// Refuses what only a person may do, inside of an agent's session.
    pub(super) fn needs_person(&self, what: &str) -> Result<(), Failed> {
        let Some(thread) = &self.env.thread else { return Ok(()) };
        let message = format!("thread `{thread}` can't {what}: that is a person's word");
        Err(Failed::new(Exit::Waiting, "needs-person", message)
            .hint("a person gives it outside of the agent's session, where `WORK_THREAD` is not set"))
    }

    /// The name that approvals are signed with.
    pub(super) fn person(&self, by: Option<&str>) -> String {
        by.map_or_else(|| self.env.user.clone().unwrap_or_else(|| "somebody".to_owned()), str::to_owned)
    }
}

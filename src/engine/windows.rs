//! The tmux windows of a stream: one session, a window a thread, each running `work execute`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Prepared, StreamHandle, Workspace};
use crate::adapters::tmux::{Program, Server, SessionName, Title, TmuxError, WindowSpec};
use crate::ipc::Endpoint;
use crate::model::{StreamId, ThreadId};
use crate::sys::env::Env;

/// What runs in a window.
#[derive(Debug)]
pub struct WindowProgram {
    /// This program.
    pub work: PathBuf,
    /// Flags of `work execute`.
    pub flags: Vec<String>,
    /// Variables, since a tmux server has an environment of its own.
    pub environment: Vec<(OsString, OsString)>,
}

/// Where the windows of a stream are.
#[derive(Debug)]
pub struct Windows {
    server: Server,
    session: SessionName,
}

/// The window of a thread, as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WindowPlace {
    /// The tmux session.
    pub session: String,
    /// The window's number in it.
    pub number: u32,
    /// The window's name.
    pub name: String,
}

/// The windows of a stream's threads, on the tmux server that we are in and on our own. Of a thread that has
/// several it is the newest that lives. Where tmux can't be asked, nothing is known; nothing is started.
#[must_use]
pub fn places(env: &Env, endpoint: &Endpoint, stream: &StreamId) -> BTreeMap<ThreadId, WindowPlace> {
    let (inside, socket) = (env.tmux_server.as_deref(), endpoint.tmux_socket());
    if inside.is_none() && !socket.exists() {
        return BTreeMap::new();
    }
    let Ok(tmux) = Program::find(env.tmux.as_deref()) else { return BTreeMap::new() };
    let inside = inside.and_then(|server| Server::inside(&tmux, server, env.tmux_pane.as_deref()));
    let own = socket.exists().then(|| Server::private(&tmux, &socket).ok()).flatten();
    // Of two windows of one thread the one of our own server is taken last, and stays.
    let servers = inside.into_iter().chain(own);
    let windows = servers
        .flat_map(|server| server.list_windows(None, &["work_stream", "work_thread"]).unwrap_or_default());
    let mut found = BTreeMap::new();
    for window in windows.filter(|window| !window.dead) {
        let is_ours = window.tags.get("work_stream").is_some_and(|id| id == stream.as_str());
        let thread = window.tags.get("work_thread").and_then(|id| id.parse().ok());
        if let Some(thread) = thread.filter(|_| is_ours) {
            let place = WindowPlace { session: window.session, number: window.index, name: window.title };
            // They come in the order of their age.
            found.insert(thread, place);
        }
    }
    found
}

impl Windows {
    /// The tmux server that we are in, else one of our own; nothing is started yet.
    ///
    /// # Errors
    /// When tmux is missing or too old.
    pub fn find(env: &Env, endpoint: &Endpoint, handle: &StreamHandle) -> Result<Self, TmuxError> {
        let tmux = Program::find(env.tmux.as_deref())?;
        let inside = env.tmux_server.as_deref();
        let inside = inside.and_then(|server| Server::inside(&tmux, server, env.tmux_pane.as_deref()));
        let server = match inside {
            Some(server) => server,
            None => Server::private(&tmux, &endpoint.tmux_socket())?,
        };
        Ok(Self { server, session: SessionName::new(&format!("work-{}", handle.id)) })
    }

    /// The name of the tmux session.
    #[must_use]
    pub fn session(&self) -> &str {
        self.session.as_str()
    }

    /// Whether the server is our own, which nobody looks at before they attach.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.server.is_private()
    }

    /// Whether there are any.
    #[must_use]
    pub fn are_open(&self) -> bool {
        self.server.list_windows(Some(&self.session), &[]).is_ok_and(|windows| !windows.is_empty())
    }

    /// Opens the window of one thread. Whether its program really started, it tells itself.
    ///
    /// # Errors
    /// When tmux refuses.
    pub fn open(
        &self,
        workspace: &Workspace,
        handle: &StreamHandle,
        program: &WindowProgram,
        prepared: &Prepared,
    ) -> Result<(), TmuxError> {
        let thread = prepared.spec.thread.to_string();
        let mode = prepared.spec.mode.name();
        let mut argv: Vec<OsString> =
            vec![program.work.clone().into(), "--repo".into(), workspace.root.clone().into()];
        let words = ["--stream", handle.id.as_str(), "execute", "--thread", &thread, "--mode", mode];
        argv.extend(words.map(OsString::from));
        argv.extend(program.flags.iter().map(OsString::from));
        let spec = WindowSpec {
            session: self.session.clone(),
            title: Title::new(&match prepared.attempt {
                1 => format!("{thread} {}", prepared.name),
                again => format!("{thread} #{again} {}", prepared.name),
            }),
            directory: workspace.root.clone(),
            argv,
            environment: program.environment.clone(),
            tags: vec![("work_stream", handle.id.to_string()), ("work_thread", thread)],
        };
        self.server.open_window(&spec).map(drop)
    }

    /// The command line that goes to the windows.
    #[must_use]
    pub fn attach_line(&self) -> Vec<String> {
        let attach = self.server.attach(&self.session);
        let words = std::iter::once(attach.get_program()).chain(attach.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// Goes to the windows: within the server that we are in by switching, to our own by attaching, which
    /// takes until the person leaves.
    ///
    /// # Errors
    /// In words.
    pub fn go(&self) -> Result<(), String> {
        if self.server.is_private() {
            self.server.attach(&self.session).status().map(drop).map_err(|error| error.to_string())
        } else {
            self.server.switch_client(&self.session).map_err(|error| error.to_string())
        }
    }
}

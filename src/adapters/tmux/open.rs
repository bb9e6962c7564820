//! Opening a window: one run of tmux makes it, tags it and names it.
//!
//! All commands of a run are done before the server looks at anything else, so nobody ever sees a
//! window of ours without its tags. Until it has its title, the window bears a unique name by which
//! the commands after the first address it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::error::TmuxError;
use super::list::List;
use super::options;
use super::server::Server;
use super::window::{OPENED, Opened, PANE_OPTION, WindowSpec, encode_tag, parse_opened};

/// How long to try again when the server is ending just as we come.
const RETRY_FOR: Duration = Duration::from_secs(5);

impl Server {
    /// Opens a window in the background, and makes its session, or starts our server, when there is
    /// none. Success says that tmux has made the window, not that the program runs: only the
    /// program itself can report that.
    ///
    /// # Errors
    /// What can be checked beforehand: folder, program, variables, size. Or what tmux said.
    pub fn open_window(&self, spec: &WindowSpec) -> Result<Opened, TmuxError> {
        spec.check()?;
        let deadline = Instant::now() + RETRY_FOR;
        loop {
            let missed = match self.new_window(spec) {
                Err(error) if error.is_no_session() || error.is_no_server() => self.new_session(spec),
                result => result,
            };
            match missed {
                Err(error) if is_passing(&error) && Instant::now() < deadline => pause(),
                result => return result,
            }
        }
    }

    /// Opens a window in a session that is there.
    fn new_window(&self, spec: &WindowSpec) -> Result<Opened, TmuxError> {
        let mark = mark();
        let list = List::new().command("new-window").args(["-d", "-t", &spec.session.target()]);
        self.open(started(list, spec, &mark)?, spec, &mark)
    }

    /// Opens a window as the first of a new session.
    fn new_session(&self, spec: &WindowSpec) -> Result<Opened, TmuxError> {
        if !self.is_private() {
            // The end of our last window leads back to another session of the user's.
            return self.first_window(spec, "off");
        }
        self.start()?;
        let opened = self.first_window(spec, "on");
        if opened.is_err() {
            // Without a session it ends now; nobody else would see to that.
            let _ = self.run(List::new().words(&["set-option", "-s", "exit-empty", "on"]));
        }
        opened
    }

    /// Starts our server if it does not run, and sets its options. It holds on to the folder that it
    /// was started in, and that of the first window may be a worktree; so it is started by itself,
    /// in `/`, and may be empty until it has a session.
    fn start(&self) -> Result<(), TmuxError> {
        let start = List::new().words(&["start-server"]);
        let list = options::set(start.words(&["set-option", "-s", "exit-empty", "off"]));
        self.run_in(Path::new("/"), None, list).map(|_| ())
    }

    fn first_window(&self, spec: &WindowSpec, detach_on_destroy: &str) -> Result<Opened, TmuxError> {
        let mark = mark();
        let session = spec.session.target();
        let list = List::new().command("new-session").args(["-d", "-x", "200", "-y", "50"]);
        let list = started(list.args(["-s", spec.session.as_str()]), spec, &mark)?;
        // What this window was given is not for every window that the session will ever have.
        let list = spec.environment.iter().fold(list, |list, (name, _)| {
            list.command("set-environment").args(["-t", &session, "-u", "--"]).arg(name)
        });
        let option = |list: List, name, value| list.words(&["set-option", "-t", &session, name, value]);
        let list = option(list, "destroy-unattached", "off");
        let list = option(list, "detach-on-destroy", detach_on_destroy);
        let list =
            if self.is_private() { list.words(&["set-option", "-s", "exit-empty", "on"]) } else { list };
        self.open(list, spec, &mark)
    }

    fn open(&self, list: List, spec: &WindowSpec, mark: &str) -> Result<Opened, TmuxError> {
        let command = list.summary();
        let window = format!("{}={mark}", spec.session.target());
        let output = self.run_in(&spec.directory, spec.path(), finished(list, spec, &window));
        if output.as_ref().is_err_and(|error| !is_passing(error) && !error.is_no_session()) {
            // Should a command after the first have failed, there is a window that nobody knows of.
            let _ = self.run(List::new().words(&["kill-window", "-t", &window]));
        }
        let answer = output?.text();
        parse_opened(&answer).ok_or(TmuxError::Answer { command, answer })
    }
}

/// The arguments that new-session and new-window share.
fn started(list: List, spec: &WindowSpec, mark: &str) -> Result<List, TmuxError> {
    let list = list.args(["-P", "-F", OPENED, "-n", mark]);
    let list = spec.environment.iter().fold(list, |list, (name, value)| {
        let mut variable = name.clone();
        variable.push("=");
        variable.push(value);
        list.arg("-e").arg(variable)
    });
    Ok(list.arg("--").args(spec.exact_argv()?))
}

/// The commands that make the new window ours.
fn finished(list: List, spec: &WindowSpec, window: &str) -> List {
    let set = |list: List, name: &str, value: &str| {
        list.command("set-option").args(["-w", "-t", window, "--", name, value])
    };
    let mut list = list.words(&["set-option", "-w", "-F", "-t", window, PANE_OPTION, "#{pane_id}"]);
    for option in ["remain-on-exit", "allow-rename", "automatic-rename"] {
        list = set(list, option, "off");
    }
    for (name, value) in &spec.tags {
        list = set(list, &format!("@{name}"), &encode_tag(value));
    }
    list.command("rename-window").args(["-t", window, "--", &spec.title.as_format()])
}

/// Someone else made the session first, or the server was just ending.
fn is_passing(error: &TmuxError) -> bool {
    error.is_duplicate() || error.is_no_server()
}

/// A name that no other window has.
fn mark() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("work-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Between two tries; what we wait for has no file and no signal.
fn pause() {
    std::thread::park_timeout(Duration::from_millis(20));
}

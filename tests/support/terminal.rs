//! A terminal in which a person could sit: a real tmux, a line of bash in it, and keys to press.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::env::TestEnv;
use super::wait::{PATIENCE, wait_for, wait_until};

/// A line of bash in a terminal of its own, with a tmux server of its own; it ends with this value.
///
/// In the line, `work` is the program under test. When the line has ended, its terminal stays.
pub(crate) struct Terminal<'a> {
    env: &'a TestEnv,
    socket: PathBuf,
    code: PathBuf,
}

impl<'a> Terminal<'a> {
    /// Opens one of this many columns and lines in a folder.
    pub(crate) fn open(env: &'a TestEnv, folder: &Path, (columns, lines): (u16, u16), line: &str) -> Self {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let (socket, code) =
            (env.root().join(format!("run/tmux.{number}")), env.root().join(format!("code.{number}")));
        // The code is there whole or not at all.
        let script = format!(
            "PS4=; work() {{ '{}' \"$@\"; }}; trap : INT; {line}
            code=$?; echo \"exit $code\"; echo $code > '{code}.new'; mv '{code}.new' '{code}'
            exec sleep 4799",
            env!("CARGO_BIN_EXE_work"),
            code = code.display(),
        );
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let folder = folder.to_str().expect("text");
        let size = ["-x", &columns, "-y", &lines, "-c", folder];
        let words = ["-f", "/dev/null", "new-session", "-d"].into_iter().chain(size);
        env.tmux_on(&socket, words.chain(["--", "bash", "-c", &script])).ok();
        Self { env, socket, code }
    }

    /// What it shows.
    pub(crate) fn text(&self) -> String {
        self.env.tmux_on(&self.socket, ["capture-pane", "-p"]).stdout
    }

    /// What it shows once `words` are there.
    pub(crate) fn shows(&self, words: &str) -> String {
        wait_for(words, PATIENCE, || Some(self.text()).filter(|text| text.contains(words)))
    }

    /// Presses keys, as tmux names them.
    pub(crate) fn press(&self, keys: &[&str]) {
        for key in keys {
            self.env.tmux_on(&self.socket, ["send-keys", key]).ok();
        }
    }

    /// Whether the line has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.code.exists()
    }

    /// Waits for the line's end and returns what the terminal shows then.
    ///
    /// # Panics
    ///
    /// When its exit code is another.
    pub(crate) fn ends_with(&self, code: i32) -> String {
        wait_until("the end of the line", PATIENCE, || self.has_ended());
        let text = self.text();
        assert_eq!(fs::read_to_string(&self.code).expect("its code").trim(), code.to_string(), "{text}");
        text
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.env.tmux_on(&self.socket, ["kill-server"]);
    }
}

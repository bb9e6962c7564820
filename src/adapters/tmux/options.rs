//! The options of our own server, in place of a configuration file of the user's.
//!
//! They are set whenever a session is made, so there is no file to write, to find stale, or to lose.

use std::path::{Path, PathBuf};

use super::list::List;
use crate::sys::env;

/// Options of the server (`-s`) and of all sessions and windows on it (`-g`).
const OPTIONS: &[[&str; 3]] = &[
    ["-s", "escape-time", "10"],
    ["-g", "mouse", "on"],
    ["-g", "history-limit", "20000"],
    ["-g", "base-index", "1"],
    ["-g", "destroy-unattached", "off"],
    ["-g", "detach-on-destroy", "on"],
    ["-g", "set-titles", "off"],
    ["-g", "remain-on-exit", "off"],
    ["-g", "allow-rename", "off"],
    ["-g", "automatic-rename", "off"],
    ["-g", "status-style", "bg=colour236,fg=colour250"],
    ["-g", "status-left", "#[bold] #S #[default] "],
    ["-g", "status-left-length", "60"],
    ["-g", "status-right", " C-b n next, C-b d leave "],
    ["-g", "status-right-length", "30"],
    ["-g", "window-status-format", " #I #W "],
    ["-g", "window-status-current-format", "#[reverse] #I #W "],
];

/// The list with all options added.
pub(super) fn set(list: List) -> List {
    let list = list.words(&["set-option", "-g", "default-terminal", terminal()]);
    OPTIONS.iter().fold(list, |list, [scope, name, value]| list.words(&["set-option", scope, name, value]))
}

/// The best terminal type that programs in our windows will find described on this machine.
fn terminal() -> &'static str {
    let known = ["tmux-256color", "screen-256color"];
    known.into_iter().find(|name| folders().iter().any(|folder| describes(folder, name))).unwrap_or("screen")
}

/// Where descriptions of terminals lie, by `terminfo(5)`.
fn folders() -> Vec<PathBuf> {
    let own = env::raw("TERMINFO").map(PathBuf::from);
    let home = env::raw("HOME").map(|home| Path::new(&home).join(".terminfo"));
    let listed = env::raw("TERMINFO_DIRS");
    let listed = listed.iter().flat_map(std::env::split_paths);
    let usual = ["/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/lib/terminfo"];
    let added = ["/usr/local/share/terminfo", "/opt/homebrew/share/terminfo"];
    let fixed = usual.into_iter().chain(added).map(PathBuf::from);
    own.into_iter().chain(home).chain(listed).chain(fixed).collect()
}

/// Whether the folder describes it: below its first letter, or, on macOS, below that letter's code.
fn describes(folder: &Path, name: &str) -> bool {
    name.bytes().next().is_some_and(|first| {
        folder.join(char::from(first).to_string()).join(name).exists()
            || folder.join(format!("{first:x}")).join(name).exists()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_found_in_both_layouts() {
        let dir = tempfile::tempdir().unwrap();
        for (below, name) in [("t", "tmux-256color"), ("73", "screen-256color")] {
            std::fs::create_dir(dir.path().join(below)).unwrap();
            std::fs::File::create(dir.path().join(below).join(name)).unwrap();
        }
        assert!(describes(dir.path(), "tmux-256color"));
        assert!(describes(dir.path(), "screen-256color"));
        assert!(!describes(dir.path(), "tmux"));
    }
}

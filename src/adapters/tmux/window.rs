//! Windows: what is asked for, and what is there.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::error::TmuxError;
use super::names::{SessionName, Title};
use crate::sys::process;

/// The id of a window: stable, and never used again while the server lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowId(u32);

impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

/// The id of a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaneId(u32);

impl fmt::Display for PaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// A window to be opened.
#[derive(Debug, Clone)]
pub struct WindowSpec {
    /// The session it belongs to; made when there is none.
    pub session: SessionName,
    /// What people see.
    pub title: Title,
    /// The folder that the program starts in; byte for byte.
    pub directory: PathBuf,
    /// The program, a path or a name on our `PATH`, and its arguments; byte for byte.
    pub argv: Vec<OsString>,
    /// Variables on top of the environment that tmux gives; byte for byte.
    pub environment: Vec<(OsString, OsString)>,
    /// What to find the window by later: user options without their `@`, such as `work_thread`.
    pub tags: Vec<(&'static str, String)>,
}

/// A window that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The window.
    pub window: WindowId,
    /// Its pane that runs our program.
    pub pane: PaneId,
    /// The process in that pane. Whether the program could be started is not known from it.
    pub pid: u32,
}

/// A window of ours, as the server shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The window.
    pub id: WindowId,
    /// Its pane that runs our program.
    pub pane: PaneId,
    /// The process in that pane.
    pub pid: u32,
    /// The process has ended and the pane is kept.
    pub dead: bool,
    /// The session that the window is in now.
    pub session: String,
    /// Its number there now, as the status line shows it.
    pub index: u32,
    /// What it is called now.
    pub title: String,
    /// The tags that were asked for, as far as they are set.
    pub tags: BTreeMap<&'static str, String>,
}

/// Variables that tmux sets itself in every window, whatever it is told.
const RESERVED: &[&str] =
    &["TMUX", "TMUX_PANE", "PWD", "SHELL", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION"];

impl WindowSpec {
    /// Everything that can be known to go wrong, since tmux itself reports nothing of it.
    pub(super) fn check(&self) -> Result<(), TmuxError> {
        let refused = |source| TmuxError::Directory { path: self.directory.clone(), source };
        if !self.directory.is_absolute() {
            return Err(refused(io::Error::other("the path is not absolute")));
        }
        // Looking at its own `.` takes the right to enter, not only to see it.
        let here = std::fs::metadata(self.directory.join(".")).map_err(refused)?;
        if !here.is_dir() {
            return Err(refused(io::ErrorKind::NotADirectory.into()));
        }
        self.environment.iter().try_for_each(|(name, _)| check_variable(name))
    }

    /// The arguments that make tmux run exactly this program: a single word it would give to a shell.
    pub(super) fn exact_argv(&self) -> Result<Vec<OsString>, TmuxError> {
        let (program, arguments) = self.argv.split_first().map_or((OsStr::new(""), &[][..]), |(p, a)| (p, a));
        let program = process::find(program)?.into_os_string();
        // `env` would take a path with a `=` in it for a variable; a shell, which may drop variables
        // whose names it can't use, would not.
        let alone: &[&str] = match program.as_bytes().contains(&b'=') {
            _ if !arguments.is_empty() => &[],
            false => &["/usr/bin/env"],
            true => &["/bin/sh", "-c", r#"exec "$0""#],
        };
        let words = alone.iter().map(OsString::from).chain([program]);
        Ok(words.chain(arguments.iter().cloned()).collect())
    }

    /// The `PATH` for the window, which tmux takes from whoever asks for it.
    pub(super) fn path(&self) -> Option<&OsStr> {
        self.environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str())
    }
}

fn check_variable(name: &OsStr) -> Result<(), TmuxError> {
    let why = if name.is_empty() || name.as_bytes().contains(&b'=') {
        "that is no name of a variable"
    } else if RESERVED.iter().any(|reserved| name == *reserved) {
        "tmux sets it itself"
    } else {
        return Ok(());
    };
    Err(TmuxError::Variable { name: name.to_string_lossy().into_owned(), why })
}

/// What tmux prints about a window that it has opened.
pub(super) const OPENED: &str = "#{window_id} #{pane_id} #{pane_pid}";

/// Reads what [`OPENED`] prints.
pub(super) fn parse_opened(line: &str) -> Option<Opened> {
    let mut fields = line.trim_end().split(' ');
    Some(Opened {
        window: WindowId(fields.next()?.strip_prefix('@')?.parse().ok()?),
        pane: PaneId(fields.next()?.strip_prefix('%')?.parse().ok()?),
        pid: fields.next()?.parse().ok()?,
    })
}

/// The option that marks a window as ours and says which of its panes is.
pub(super) const PANE_OPTION: &str = "@work_pane";

/// The format that prints one pane with its tags, so that [`parse_window`] can read it: the session
/// holds no `:`, a title no newline, and tags are encoded.
pub(super) fn window_format(tags: &[&'static str]) -> String {
    let tags: String = tags.iter().map(|tag| format!("#{{@{tag}}} ")).collect();
    format!(
        "{OPENED} #{{pane_dead}} #{{{PANE_OPTION}}} {tags}#{{window_index}} #{{session_name}}:#{{window_name}}"
    )
}

/// Reads a line that [`window_format`] printed; `None` for a pane that is not ours.
pub(super) fn parse_window(line: &str, tags: &[&'static str]) -> Option<Window> {
    let mut fields = line.splitn(7 + tags.len(), ' ');
    let opened = [fields.next()?, fields.next()?, fields.next()?].join(" ");
    let Opened { window, pane, pid } = parse_opened(&opened)?;
    let dead = fields.next()? == "1";
    if fields.next()? != pane.to_string() {
        return None;
    }
    let mut found = BTreeMap::new();
    for tag in tags {
        let value = fields.next()?;
        if let Some(value) = value.strip_prefix(TAG_PREFIX) {
            found.insert(*tag, decode(value)?);
        }
    }
    let index = fields.next()?.parse().ok()?;
    let (session, title) = fields.next()?.split_once(':')?;
    let (session, title) = (session.into(), title.into());
    Some(Window { id: window, pane, pid, dead, session, index, title, tags: found })
}

/// A tag that is set to nothing and one that is not set are two things.
const TAG_PREFIX: char = '=';

/// The value of a tag as one printable word; ids stay as they are.
pub(super) fn encode_tag(value: &str) -> String {
    let mut word = String::from(TAG_PREFIX);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_./".contains(&byte) {
            word.push(char::from(byte));
        } else {
            word.push_str(&format!("%{byte:02x}"));
        }
    }
    word
}

fn decode(word: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = word;
    while let Some((plain, coded)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        bytes.push(u8::from_str_radix(coded.get(..2)?, 16).ok()?);
        rest = coded.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back_as_they_were() {
        for value in ["01.02.03", "005-x", "", " ", "a b;", "ü#(x)%", "line\nline", "=:@"] {
            let word = encode_tag(value);
            assert!(!word.contains([' ', '\n', '#', ';']), "{word}");
            assert_eq!(decode(word.strip_prefix(TAG_PREFIX).unwrap()).as_deref(), Some(value));
        }
        assert_eq!(encode_tag("01.02.03"), "=01.02.03");
        assert_eq!(decode("%zz"), None);
        assert_eq!(decode("%"), None);
    }

    #[test]
    fn a_line_is_a_window_of_ours_or_none() {
        let tags = &["work_thread", "work_stream"];
        let window = parse_window("@3 %7 42 0 %7 =01.02.03  5 my session:a : title", tags).unwrap();
        assert_eq!((window.id, window.pane, window.pid, window.dead), (WindowId(3), PaneId(7), 42, false));
        assert_eq!(
            (window.session.as_str(), window.index, window.title.as_str()),
            ("my session", 5, "a : title")
        );
        assert_eq!(window.tags, BTreeMap::from([("work_thread", "01.02.03".to_owned())]));
        // Another pane of our window, and a window of somebody else's.
        assert_eq!(parse_window("@3 %8 42 0 %7 =01.02.03  5 s:t", tags), None);
        assert_eq!(parse_window("@4 %9 42 0    5 s:t", tags), None);
    }
}

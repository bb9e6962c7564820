//! Names that tmux shows: of windows and of sessions.
//!
//! tmux expands formats in a name that it is given, and `#(…)` in a format runs a shell. It also
//! draws names in a status line whose format may be the user's own, and so may expand them again.
//! Hence both: `#` is escaped when the name is handed over, and no name holds the start of a format.

use std::fmt;

use unicode_width::UnicodeWidthChar as _;

/// How wide a title may be, in columns.
const TITLE_WIDTH: usize = 40;

/// How long a session's name may be, in characters.
const SESSION_LENGTH: usize = 80;

/// The title of a window: one short line for people. Never used to find the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// A title from any text: control characters and marks that turn the direction of writing are
    /// taken out, white space is folded, and what is wider than 40 columns is cut.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self::wide(text, TITLE_WIDTH)
    }

    /// The same, with more room than the title of a window has.
    pub(super) fn wide(text: &str, columns: usize) -> Self {
        let mut clean = String::new();
        let printable = text.chars().map(|c| match c {
            c if c.is_control() => ' ',
            '\\' => '/', // tmux would double it
            c => c,
        });
        for c in printable.filter(|&c| !is_invisible(c)) {
            let is_space = c.is_whitespace();
            if is_space && clean.chars().next_back().is_none_or(|last| last == ' ') {
                continue;
            }
            // A space after `#`, so that a second expansion has nothing to expand.
            if matches!(c, '(' | '{' | '[') && clean.ends_with('#') {
                clean.push(' ');
            }
            clean.push(if is_space { ' ' } else { c });
        }
        let cut = cut(clean.trim_end(), columns);
        Self(if width(&cut) == 0 { "untitled".to_owned() } else { cut })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The format that expands to the text.
    pub(super) fn as_format(&self) -> String {
        self.0.replace('#', "##")
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a session: ASCII letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionName(String);

impl SessionName {
    /// A name from any text, such as the id of a stream, which stays as it is. Whatever tmux forbids
    /// (`.`, `:`), expands (`#`) or reads as an address (`=`, `@`, `$`) becomes a `-`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let keep = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let name: String = text.chars().take(SESSION_LENGTH).map(keep).collect();
        let name = name.trim_start_matches('-');
        Self(if name.is_empty() { "work".to_owned() } else { name.to_owned() })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The target that means exactly this session, not one that only starts so.
    pub(super) fn target(&self) -> String {
        format!("={}:", self.0)
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters without a shape that change how others are read.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn width(text: &str) -> usize {
    text.chars().filter_map(|c| c.width()).sum()
}

/// The text, or as much of it as fits with an ellipsis.
fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns && text.len() <= columns * 8 {
        return text.to_owned();
    }
    let (mut taken, mut used) = (String::new(), 0);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        // The bytes are bounded too: marks of no width can be piled up without end.
        if used >= columns || taken.len() + c.len_utf8() > columns * 8 {
            break;
        }
        taken.push(c);
    }
    format!("{}…", taken.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        for (text, title) in [
            ("Command Rename", "Command Rename"),
            ("  a\n\tb\r\n c  ", "a b c"),
            ("\x1b]2;x\x07", "]2;x"),
            ("", "untitled"),
            ("\u{301}\u{301}", "untitled"),
            ("abc\u{202e}def", "abcdef"),
            ("#(touch x) #{x} #[fg=red] ##(y) #12", "# (touch x) # {x} # [fg=red] ## (y) #12"),
            (r"C:\x", "C:/x"),
            ("end;", "end;"),
        ] {
            assert_eq!(Title::new(text).as_str(), title, "{text:?}");
        }
        assert_eq!(Title::new(&"x".repeat(300)).as_str(), format!("{}…", "x".repeat(39)));
        assert_eq!(Title::new(&"🦀".repeat(300)).as_str(), format!("{}…", "🦀".repeat(19)));
        assert!(Title::new(&format!("e{}", "\u{301}".repeat(3000))).as_str().len() < 330);
    }

    #[test]
    fn the_name_of_a_session_is_plain() {
        for (text, name) in [
            ("005-session-tracking", "005-session-tracking"),
            ("a.b:c", "a-b-c"),
            ("=x", "x"),
            ("#(touch x)", "touch-x-"),
            ("…", "work"),
            ("", "work"),
        ] {
            assert_eq!(SessionName::new(text).as_str(), name, "{text:?}");
        }
        assert_eq!(SessionName::new(&"x".repeat(300)).as_str().len(), 80);
    }
}

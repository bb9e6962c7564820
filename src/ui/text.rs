//! Text for a terminal: without what could drive it, and as wide as there is room.
//!
//! Names come from files and words from agents, and neither is trusted.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Whether a character could move the cursor, or turn the order of what stands beside it.
fn drives(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text of several lines, without the characters that could drive the terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !drives(*c)).collect()
}

/// Whether every character is one of ASCII that can be seen, and takes one column.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Whether a text stands on one line as it is; nearly all do, and a table has thousands.
fn is_plain_line(text: &str) -> bool {
    let bytes = text.as_bytes();
    let single =
        !bytes.starts_with(b" ") && !bytes.ends_with(b" ") && !bytes.windows(2).any(|two| two == b"  ");
    single && is_plain(text)
}

/// Text for one line: line breaks and blanks are one space, and nothing drives the terminal.
#[must_use]
pub fn one_line(text: &str) -> String {
    if is_plain_line(text) {
        return text.to_owned();
    }
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let clean: String = spaced.filter(|c| !drives(*c)).collect();
    clean.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A command line for people to copy: words with other characters than plain ones are quoted.
#[must_use]
pub fn command_line(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    // zsh expands `=word` and `~word`, at the start of a word.
    let bare = |word: &str| !word.is_empty() && !word.starts_with('=') && word.chars().all(plain);
    let word = |word: &String| match bare(word) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    if is_plain(text) { text.len() } else { text.width() }
}

/// The text, or its beginning and `…`, in at most `room` columns.
pub(super) fn cut(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < room
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_not_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{7}\r\nc\td\u{202e}e"), "a[2Jb\nc\tde");
        assert_eq!(one_line(" a\n\n b\t\u{1b}]0;x\u{7}c\u{2066} d "), "a b ]0;xc d");
    }

    /// The short way and the long way say the same.
    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["", " ", "a", " a", "a ", "a b", "a  b", "a\tb", "a\u{7f}b", "ä b", "a~ !b"] {
            let long = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\u{7f}', "");
            assert_eq!(one_line(text), long, "{text:?}");
            assert_eq!(is_plain_line(text), text == long && text.is_ascii(), "{text:?}");
            assert_eq!(columns(&long), long.width(), "{text:?}");
        }
    }

    #[test]
    fn what_is_cut_fits_and_says_so() {
        for (text, room, shown) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("a bcd", 3, "a…"),
            ("漢字漢字", 5, "漢字…"),
            ("漢字漢字", 4, "漢…"),
            ("🦀🦀", 4, "🦀🦀"),
            ("", 0, ""),
        ] {
            assert_eq!(cut(text, room), shown);
            assert!(columns(&cut(text, room)) <= room);
        }
    }
}

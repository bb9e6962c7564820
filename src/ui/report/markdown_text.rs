//! Text of others as Markdown that says exactly that text.
//!
//! Whatever could begin a heading, a list, a table cell, a link, code or HTML has a backslash before it. One
//! invariant: what is read out of the Markdown is the text that went in, on one line where one line is meant.

use super::super::one_line;

/// A text for one line: of a paragraph, a list item, a heading or a table cell.
pub(super) fn inline(text: &str) -> String {
    let text = one_line(text);
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 8);
    for (index, &c) in chars.iter().enumerate() {
        let word = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
        let escaped = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '$' => true,
            // Within a word it is only itself.
            '_' => !(word(index.checked_sub(1)) && word(Some(index + 1))),
            // A heading begins and ends with them; `C#` is a word.
            '#' => index.checked_sub(1).is_none_or(|at| matches!(chars[at], ' ' | '#')),
            // These are something only where a line begins; `=` is, below a line of text.
            '-' | '+' | '=' => index == 0,
            '.' | ')' => index > 0 && chars[..index].iter().all(char::is_ascii_digit),
            _ => false,
        };
        if escaped {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A text of several lines as a quotation, each line behind `indent` and `> `; empty for an empty text.
pub(super) fn quote(text: &str, indent: &str) -> String {
    let lines: Vec<String> = text.trim().lines().map(inline).collect();
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1).is_some_and(|next| !next.is_empty());
        // A backslash at the end keeps the line's end.
        let keep = if next && !line.is_empty() { "\\" } else { "" };
        let blank = if line.is_empty() { "" } else { " " };
        out.push_str(&format!("{indent}>{blank}{line}{keep}\n"));
    }
    out
}

/// One of our own sentences, whose commands stand in backticks; whatever else it quotes is only text.
pub(super) fn sentence(text: &str) -> String {
    let text = one_line(text);
    let mut out = String::new();
    let parts: Vec<&str> = text.split('`').collect();
    let whole = parts.len() % 2 == 1;
    for (index, part) in parts.iter().enumerate() {
        // The last backtick of an odd number of them is one.
        if index % 2 == 1 && (whole || index + 1 < parts.len()) && !part.trim().is_empty() {
            out.push_str(&format!("`{part}`"));
        } else if index % 2 == 1 {
            out.push_str(&format!("\\`{}{}", inline_within(part), if whole { "\\`" } else { "" }));
        } else {
            out.push_str(&inline_within(part));
        }
    }
    out
}

/// A text in the middle of a line, whose blanks at its ends stay.
fn inline_within(part: &str) -> String {
    if part.trim().is_empty() {
        return part.to_owned();
    }
    let blank = |at: bool| if at { " " } else { "" };
    format!("{}{}{}", blank(part.starts_with(' ')), inline(part), blank(part.ends_with(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_markup_has_a_backslash() {
        for (text, written) in [
            ("Plain words, in_progress: 3.5 (yes)!", "Plain words, in_progress: 3.5 (yes)!"),
            ("# Heading", "\\# Heading"),
            ("C# ## a#", "C# \\#\\# a#"),
            ("- item", "\\- item"),
            ("12. item", "12\\. item"),
            ("a | b", "a \\| b"),
            ("<b>&amp;", "\\<b\\>\\&amp;"),
            ("_a_ [x](y)", "\\_a\\_ \\[x\\](y)"),
            ("two\nlines\u{1b}[2J", "two lines\\[2J"),
            ("===", "\\==="),
        ] {
            assert_eq!(inline(text), written);
        }
        assert_eq!(quote("a\n\n- b\n# c\n", "  "), "  > a\n  >\n  > \\- b\\\n  > \\# c\n");
        assert_eq!(quote(" \n", ""), "");
    }

    #[test]
    fn a_sentence_keeps_its_commands() {
        assert_eq!(sentence("`work fix` takes <it> up"), "`work fix` takes \\<it\\> up");
        assert_eq!(sentence("one ` alone"), "one \\` alone");
        assert_eq!(sentence("a `b` c ` d"), "a `b` c \\` d");
    }
}

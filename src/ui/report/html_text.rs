//! Text of others in HTML: it is always text, and in a double-quoted attribute it stays there.

use super::super::{one_line, printable};

/// A text for one line, in an element or a double-quoted attribute.
pub(super) fn line(text: &str) -> String {
    escaped(&one_line(text))
}

/// A text of several lines, whose ends a style keeps.
pub(super) fn lines(text: &str) -> String {
    escaped(printable(text).trim())
}

/// One of our own sentences, whose commands stand in backticks.
pub(super) fn sentence(text: &str) -> String {
    let text = one_line(text);
    let parts: Vec<&str> = text.split('`').collect();
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        let code = index % 2 == 1;
        if code && index + 1 < parts.len() {
            out.push_str(&format!("<code>{}</code>", escaped(part)));
        } else {
            out.push_str(if code { "`" } else { "" });
            out.push_str(&escaped(part));
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(line("<b a=\"x\" b='y'>&amp;\n\u{0}"), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
        assert_eq!(lines(" a\n\u{1b}b \n"), "a\nb");
        assert_eq!(sentence("`work fix` <it> ` x"), "<code>work fix</code> &lt;it&gt; ` x");
    }
}

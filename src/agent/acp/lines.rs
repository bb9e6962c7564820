//! Lines of a stream, each of a bounded length.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// The longest message of an agent that is read, in bytes. What is longer is left out.
pub const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// How much is kept of a line that is too long, to tell what it was.
const KEPT: usize = 1024;

/// What a stream says next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line without its end.
    Whole(Vec<u8>),
    /// The beginning of a line that was too long, and its length.
    TooLong(Vec<u8>, usize),
}

/// The next line; `None` at the end. Not safe to be dropped.
pub(crate) async fn next(
    stream: &mut (impl AsyncBufRead + Unpin),
    longest: usize,
) -> io::Result<Option<Line>> {
    let (mut line, mut length, mut ended) = (Vec::new(), 0, false);
    while !ended {
        let piece = stream.fill_buf().await?;
        if piece.is_empty() {
            break;
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let part = &piece[..end.unwrap_or(piece.len())];
        length += part.len();
        if length <= longest {
            line.extend_from_slice(part);
        } else {
            line.truncate(KEPT.min(longest));
            line.shrink_to_fit();
        }
        let used = end.map_or(piece.len(), |end| end + 1);
        ended = end.is_some();
        stream.consume(used);
    }
    Ok(match (ended || length > 0, length > longest) {
        (false, _) => None,
        (true, false) => Some(Line::Whole(line)),
        (true, true) => Some(Line::TooLong(line, length)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_is_whole_or_too_long() {
        let mut stream = tokio::io::BufReader::with_capacity(3, &b"one\n\nsomewhat longer\nlast"[..]);
        let mut lines = Vec::new();
        while let Some(line) = next(&mut stream, 6).await.expect("readable") {
            lines.push(line);
        }
        let whole = |text: &str| Line::Whole(text.into());
        assert_eq!(lines, [whole("one"), whole(""), Line::TooLong(b"some".to_vec(), 15), whole("last")]);
    }
}

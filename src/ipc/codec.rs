//! Framing: one JSON value a line. A line has a limit, and garbage is an error value.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest line that is read, in bytes. A prompt is the largest thing that is sent.
pub const MAX_LINE: usize = 16 * 1024 * 1024;

/// Why a message could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// A line that is no message.
    #[error("a message that makes no sense")]
    Garbage(#[source] serde_json::Error),
    /// A line beyond [`MAX_LINE`].
    #[error("a message longer than {MAX_LINE} bytes")]
    TooLong,
}

/// A message as a line.
///
/// # Errors
/// When it can't be told in JSON (a path or text that is no Unicode).
pub fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, CodecError> {
    let mut line = serde_json::to_vec(message).map_err(CodecError::Garbage)?;
    line.push(b'\n');
    Ok(line)
}

/// A line as a message.
///
/// # Errors
/// [`CodecError::Garbage`].
pub fn decode<M: DeserializeOwned>(line: &[u8]) -> Result<M, CodecError> {
    serde_json::from_slice(line).map_err(CodecError::Garbage)
}

/// Writes one message and flushes it.
///
/// # Errors
/// [`CodecError::Io`] when the other side is gone.
pub fn send<M: Serialize>(mut to: impl Write, message: &M) -> Result<(), CodecError> {
    to.write_all(&encode(message)?)?;
    Ok(to.flush()?)
}

/// Reads messages, blocking.
#[derive(Debug)]
pub struct LineReader<R> {
    inner: BufReader<R>,
}

impl<R: Read> LineReader<R> {
    /// A reader of what comes from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner: BufReader::new(inner) }
    }

    /// What it reads from.
    pub fn get_ref(&self) -> &R {
        self.inner.get_ref()
    }

    /// The next message; `None` when the other side is gone. A torn last line counts as gone.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn next_message<M: DeserializeOwned>(&mut self) -> Result<Option<M>, CodecError> {
        let mut line = Vec::new();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        (&mut self.inner).take(limit).read_until(b'\n', &mut line)?;
        if line.last() == Some(&b'\n') {
            return decode(&line).map(Some);
        }
        if line.len() >= MAX_LINE { Err(CodecError::TooLong) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::ClientMessage;

    #[test]
    fn messages_survive_the_wire_and_torn_ends_are_ends() {
        let mut wire = encode(&ClientMessage::Status).unwrap();
        wire.extend(encode(&ClientMessage::Cancel).unwrap());
        wire.extend(b"{\"say\":\"sto");
        let mut reader = LineReader::new(&wire[..]);
        assert_eq!(reader.next_message().unwrap(), Some(ClientMessage::Status));
        assert_eq!(reader.next_message().unwrap(), Some(ClientMessage::Cancel));
        assert_eq!(reader.next_message::<ClientMessage>().unwrap(), None);
    }

    #[test]
    fn garbage_is_an_error_value() {
        for garbage in ["\n", "null\n", "{}\n", "{\"say\":\"dance\"}\n", "\u{0}\u{1}\n"] {
            let mut reader = LineReader::new(garbage.as_bytes());
            assert!(reader.next_message::<ClientMessage>().is_err(), "{garbage:?}");
        }
    }
}

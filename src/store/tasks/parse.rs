//! Bytes to a stream: which version they are, and where they stop making sense.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::convert::{NotAStream, VERSION};
use super::v1;
use super::wire::WireFile;
use crate::diag::Diagnostic;
use crate::model::Stream;

/// The format that a file was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// The older tool's; the next change rewrites it as version 2.
    V1,
    /// Ours.
    V2,
    /// A newer one than ours, with its version. It can be read as far as we know it, and not written.
    Newer(String),
}

/// A stream as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The stream.
    pub stream: Stream,
    /// The format of the file.
    pub format: Format,
    /// What was odd in it. Never an error: nothing of it is lost.
    pub notes: Vec<Diagnostic>,
}

/// Why bytes are no stream.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// They are no JSON, or no JSON of this shape.
    Json(serde_json::Error),
    /// The shape is right, and a value in it is not.
    Value(String),
    /// A file that belongs to them is no JSON: its name, and why.
    Beside(&'static str, serde_json::Error),
    /// A file that belongs to them can't be read.
    BesideIo(&'static str, std::io::Error),
    /// They are of a newer version, in a shape that we don't know.
    Newer(String),
}

/// What tells versions apart.
#[derive(Deserialize)]
struct Head {
    version: Option<String>,
    stream: Option<IgnoredAny>,
    stream_id: Option<IgnoredAny>,
    tasks: Option<IgnoredAny>,
}

/// The first number of a version.
fn major(version: &str) -> Option<u64> {
    version.split('.').next()?.trim().parse().ok()
}

/// Reads JSON. The bytes are seen to be text once, and not again in every string.
fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, serde_json::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        // This tells where they stop being text.
        Err(_) => serde_json::from_slice(bytes),
    }
}

/// Reads a stream. `older` reads the bytes when they are of version 1.
pub(super) fn parse(
    bytes: &[u8],
    older: impl FnOnce(&[u8]) -> Result<v1::Migrated, Unreadable>,
) -> Result<Loaded, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let failed = match read::<WireFile>(bytes) {
        Ok(file) => match file.version.as_deref().map(major) {
            None | Some(Some(2)) => return current(file, Format::V2),
            Some(Some(newer)) if newer > 2 => {
                let version = file.version.clone().unwrap_or_default();
                return current(file, Format::Newer(version));
            }
            Some(_) => None,
        },
        Err(error) => Some(error),
    };
    // Anything but our own format: look again, at the head only.
    let head: Head = match serde_json::from_slice(bytes) {
        Ok(head) => head,
        Err(error) => return Err(Unreadable::Json(failed.unwrap_or(error))),
    };
    match head.version.as_deref().map(major) {
        Some(Some(1)) => {}
        None if head.stream.is_none() && (head.stream_id.is_some() || head.tasks.is_some()) => {}
        Some(Some(newer)) if newer > 2 => return Err(Unreadable::Newer(head.version.unwrap_or_default())),
        _ => {
            return Err(failed.map_or_else(
                || Unreadable::Value(format!("`version` is no version like `{VERSION}`")),
                Unreadable::Json,
            ));
        }
    }
    let migrated = older(bytes)?;
    Ok(Loaded { stream: migrated.stream, format: Format::V1, notes: migrated.notes })
}

fn current(file: WireFile, format: Format) -> Result<Loaded, Unreadable> {
    let stream = file.into_model().map_err(|NotAStream(error)| Unreadable::Value(error.to_string()))?;
    Ok(Loaded { stream, format, notes: Vec::new() })
}

/// The bytes of a stream, as they are written: indented, since people read and merge them.
pub(super) fn render(stream: &Stream) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes =
        Vec::with_capacity(4096 + 512 * stream.threads.iter().map(|t| t.tasks.len()).sum::<usize>());
    serde_json::to_writer_pretty(&mut bytes, &WireFile::of(stream))?;
    bytes.push(b'\n');
    Ok(bytes)
}

//! Ids: `01`, `01.02`, `01.02.03`, `01.02.03.04`, stream ids, agent names, session ids, models.
//!
//! Owns how ids are read and written. Reading is liberal (`1.2.3`), writing is exact (`01.02.03`),
//! so an id that was parsed and printed is always in its canonical form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an id. The message names the text and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct IdError {
    /// The text as it was given.
    pub text: String,
    /// What it should have been, as a noun phrase with an example.
    pub expected: &'static str,
}

fn id_error(text: &str, expected: &'static str) -> IdError {
    IdError { text: text.to_owned(), expected }
}

/// The number of a stage, batch, thread or task within its parent: 1 to 99, written with two digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ordinal(u8);

impl Ordinal {
    /// The first number, `01`.
    pub const FIRST: Self = Self(1);
    /// The largest number that an id can hold, `99`.
    pub const MAX: u8 = 99;

    /// `number` as an ordinal, or `None` outside 1..=99.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        u8::try_from(number).ok().filter(|n| (1..=Self::MAX).contains(n)).map(Self)
    }

    /// The plain number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// The number after this one, or `None` after 99.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::new(u64::from(self.0) + 1)
    }
}

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ordinals(f, &[*self])
    }
}

/// Writes ordinals separated by dots, in one piece: a state file has thousands of ids.
fn write_ordinals(f: &mut fmt::Formatter<'_>, ordinals: &[Ordinal]) -> fmt::Result {
    let mut text = [b'.'; 12];
    for (piece, ordinal) in text.chunks_exact_mut(3).zip(ordinals) {
        piece[0] = b'0' + ordinal.0 / 10;
        piece[1] = b'0' + ordinal.0 % 10;
    }
    let text = text.get(..(3 * ordinals.len()).saturating_sub(1)).ok_or(fmt::Error)?;
    f.write_str(std::str::from_utf8(text).map_err(|_| fmt::Error)?)
}

/// Reads exactly `N` ordinals separated by dots.
fn ordinals<const N: usize>(text: &str) -> Option<[Ordinal; N]> {
    let mut out = [Ordinal::FIRST; N];
    let mut parts = text.trim().split('.');
    for slot in &mut out {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 4 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *slot = Ordinal::new(part.parse().ok()?)?;
    }
    parts.next().is_none().then_some(out)
}

/// A stage of a stream: `01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageId(
    /// Its number within the stream.
    pub Ordinal,
);

/// A batch of a stage: `01.02`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    /// The stage it belongs to.
    pub stage: StageId,
    /// Its number within the stage.
    pub number: Ordinal,
}

/// A thread of a batch: `01.02.03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId {
    /// The batch it belongs to.
    pub batch: BatchId,
    /// Its number within the batch.
    pub number: Ordinal,
}

/// A task of a thread: `01.02.03.04`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// The thread it belongs to.
    pub thread: ThreadId,
    /// Its number within the thread.
    pub number: Ordinal,
}

impl StageId {
    /// The batch `number` of this stage.
    #[must_use]
    pub fn batch(self, number: Ordinal) -> BatchId {
        BatchId { stage: self, number }
    }
}

impl BatchId {
    /// The thread `number` of this batch.
    #[must_use]
    pub fn thread(self, number: Ordinal) -> ThreadId {
        ThreadId { batch: self, number }
    }
}

impl ThreadId {
    /// The task `number` of this thread.
    #[must_use]
    pub fn task(self, number: Ordinal) -> TaskId {
        TaskId { thread: self, number }
    }

    /// The stage it lies in.
    #[must_use]
    pub fn stage(self) -> StageId {
        self.batch.stage
    }
}

/// The id of anything in a stream's tree; its level follows from the count of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeId {
    /// `01`
    Stage(StageId),
    /// `01.02`
    Batch(BatchId),
    /// `01.02.03`
    Thread(ThreadId),
    /// `01.02.03.04`
    Task(TaskId),
}

impl FromStr for StageId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let [stage] = ordinals(text).ok_or_else(|| id_error(text, "a stage id like `01`"))?;
        Ok(Self(stage))
    }
}

impl FromStr for BatchId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let [stage, number] = ordinals(text).ok_or_else(|| id_error(text, "a batch id like `01.02`"))?;
        Ok(StageId(stage).batch(number))
    }
}

impl FromStr for ThreadId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let [stage, batch, number] =
            ordinals(text).ok_or_else(|| id_error(text, "a thread id like `01.02.03`"))?;
        Ok(StageId(stage).batch(batch).thread(number))
    }
}

impl FromStr for TaskId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let [stage, batch, thread, number] =
            ordinals(text).ok_or_else(|| id_error(text, "a task id like `01.02.03.04`"))?;
        Ok(StageId(stage).batch(batch).thread(thread).task(number))
    }
}

impl FromStr for NodeId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse()
            .map(Self::Stage)
            .or_else(|_| text.parse().map(Self::Batch))
            .or_else(|_| text.parse().map(Self::Thread))
            .or_else(|_| text.parse().map(Self::Task))
            .map_err(|_| {
                id_error(text, "an id: `01` stage, `01.02` batch, `01.02.03` thread, `01.02.03.04` task")
            })
    }
}

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ordinals(f, &[self.stage.0, self.number])
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ordinals(f, &[self.stage().0, self.batch.number, self.number])
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ThreadId { batch, number } = self.thread;
        write_ordinals(f, &[batch.stage.0, batch.number, number, self.number])
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(id) => id.fmt(f),
            Self::Batch(id) => id.fmt(f),
            Self::Thread(id) => id.fmt(f),
            Self::Task(id) => id.fmt(f),
        }
    }
}

/// A stream's id, `NNN-slug`: three digits or more, a hyphen, and a slug of `a-z 0-9 - _ .`.
///
/// It is also the name of the stream's folder, so it never holds a separator and never starts with a dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId(String);

impl StreamId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number in front of the slug.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.split().0.parse().unwrap_or(0)
    }

    /// The part after the number and the hyphen.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_once('-').unwrap_or((&self.0, ""))
    }

    /// The id for `number` and a free `name`: lower case, letters of other scripts as they are written in
    /// Latin ones, other characters as single hyphens.
    ///
    /// # Errors
    /// When no letter or digit is left of the name.
    pub fn from_name(number: u32, name: &str) -> Result<Self, IdError> {
        let mut slug = String::new();
        // Accents may be characters of their own; what is no letter, as an emoji, has no place in a name.
        let letter = |c: char| c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c);
        let letters: String = name.chars().map(|c| if letter(c) { c } else { ' ' }).collect();
        for c in deunicode::deunicode(&letters).chars().map(|c| c.to_ascii_lowercase()) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(60);
        let slug = slug.trim_end_matches('-');
        if slug.is_empty() {
            return Err(id_error(name, "a name with at least one letter or digit"));
        }
        format!("{number:03}-{slug}").parse()
    }
}

impl FromStr for StreamId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || id_error(text, "a stream id like `005-session-tracking`");
        let (number, slug) = text.split_once('-').ok_or_else(wrong)?;
        let number_ok = (3..=6).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        let slug_ok = !slug.is_empty()
            && slug.len() <= 120
            && slug
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
        if number_ok && slug_ok { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for StreamId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<StreamId> for String {
    fn from(id: StreamId) -> Self {
        id.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an agent of `agents.yaml`. Any text that is not empty; compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentName(pub String);

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a session at its agent, exactly as the agent gave it. Never made up by us.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub String);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A model as an agent knows it: `provider/model`, with an optional variant.
///
/// The provider ends at the first slash; the model itself may hold more (`openrouter/openai/gpt`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelRef {
    /// The part before the first slash.
    pub provider: String,
    /// The part after it.
    pub model: String,
    /// A variant such as `low` or `high`, which the agent maps to its effort setting.
    pub variant: Option<String>,
}

impl ModelRef {
    /// The same model with another variant.
    #[must_use]
    pub fn with_variant(self, variant: Option<String>) -> Self {
        Self { variant, ..self }
    }

    /// `provider/model`, without the variant.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}

impl FromStr for ModelRef {
    type Err = IdError;
    /// Reads `provider/model` or `provider/model#variant`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (name, variant) = match text.split_once('#') {
            Some((name, variant)) => (name, Some(variant.to_owned())),
            None => (text, None),
        };
        match name.split_once('/') {
            Some((provider, model))
                if !provider.is_empty()
                    && !model.is_empty()
                    && variant.as_deref() != Some("")
                    && !text.contains(char::is_whitespace) =>
            {
                Ok(Self { provider: provider.to_owned(), model: model.to_owned(), variant })
            }
            _ => Err(id_error(text, "a model like `provider/model` or `provider/model#variant`")),
        }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)?;
        match &self.variant {
            Some(variant) => write!(f, "#{variant}"),
            None => Ok(()),
        }
    }
}

/// Serializes an id as its canonical text and reads it back by its parser.
macro_rules! serde_as_text {
    ($($id:ty),*) => {$(
        impl Serialize for $id {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(StageId, BatchId, ThreadId, TaskId, NodeId, ModelRef);

/// The JSON Schema of an id: its canonical text.
macro_rules! schema_as_text {
    ($($id:ty, $name:literal, $pattern:literal;)*) => {$(
        impl schemars::JsonSchema for $id {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )*};
}
schema_as_text! {
    StageId, "StageId", "^[0-9]{2}$";
    BatchId, "BatchId", r"^[0-9]{2}\.[0-9]{2}$";
    ThreadId, "ThreadId", r"^[0-9]{2}(\.[0-9]{2}){2}$";
    TaskId, "TaskId", r"^[0-9]{2}(\.[0-9]{2}){3}$";
    NodeId, "NodeId", r"^[0-9]{2}(\.[0-9]{2}){0,3}$";
    StreamId, "StreamId", "^[0-9]{3,6}-[a-z0-9._-]+$";
    AgentName, "AgentName", "";
    SessionId, "SessionId", "";
    ModelRef, "ModelRef", "^[^/]+/.+$";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_liberally_and_print_exactly() {
        for (given, printed) in [("1.2.3", "01.02.03"), ("01.02.03", "01.02.03"), (" 10.9.99 ", "10.09.99")] {
            assert_eq!(given.parse::<ThreadId>().map(|id| id.to_string()), Ok(printed.to_owned()));
        }
        for wrong in
            ["", "1", "1.2", "1.2.3.4", "0.1.1", "1.100.1", "1..2", "a.b.c", "1.2.3.", "-1.2.3", "00001.1.1"]
        {
            assert!(wrong.parse::<ThreadId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_count_of_numbers_gives_the_level() {
        assert!(matches!("1".parse(), Ok(NodeId::Stage(_))));
        assert!(matches!("1.1".parse(), Ok(NodeId::Batch(_))));
        assert!(matches!("1.1.1".parse(), Ok(NodeId::Thread(_))));
        assert!(matches!("1.1.1.1".parse(), Ok(NodeId::Task(_))));
        assert!("1.1.1.1.1".parse::<NodeId>().is_err());
    }

    #[test]
    fn a_stream_id_is_a_safe_folder_name() {
        for good in ["005-session-tracking", "000-web-visualization", "1234-a.b_c"] {
            assert!(good.parse::<StreamId>().is_ok(), "{good}");
        }
        for bad in ["5-x", "005", "005-", "005-a/b", "005-..\u{2f}x", "../005-x", "005-A", "abc-x", "005-a b"]
        {
            assert!(bad.parse::<StreamId>().is_err(), "{bad}");
        }
        assert_eq!(
            StreamId::from_name(7, "Session  Tracking & more!").map(String::from),
            Ok("007-session-tracking-more".into())
        );
        for (name, id) in [
            ("Größe & Maß", "007-grosse-mass"),
            ("Ünïcode\u{301}", "007-unicode"),
            ("🦀 crab", "007-crab"),
            ("日本", "007-ri-ben"),
        ] {
            assert_eq!(StreamId::from_name(7, name).map(String::from), Ok(id.into()));
        }
        assert!(StreamId::from_name(7, "…").is_err());
    }

    #[test]
    fn a_model_keeps_slashes_and_its_variant() {
        let model: ModelRef = "openrouter/openai/gpt-5.2#high".parse().expect("a model");
        assert_eq!((model.provider.as_str(), model.model.as_str()), ("openrouter", "openai/gpt-5.2"));
        assert_eq!(model.to_string(), "openrouter/openai/gpt-5.2#high");
        for bad in ["", "gpt", "/x", "x/", "a/b#", "a b/c"] {
            assert!(bad.parse::<ModelRef>().is_err(), "{bad}");
        }
    }
}

//! Editing PLAN.md by hand, in the person's own editor.

use std::ffi::OsString;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::StreamHandle;
use super::super::drift::{Drift, drift_of};
use super::{PlanEditError, plan_file};
use crate::plan::{self, Parsed};
use crate::sys::process;

/// What came of an edit by hand.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditedByHand {
    /// Whether the file has other bytes now.
    pub changed: bool,
    /// What differs from the approved plan now.
    pub drift: Vec<Drift>,
    /// Whether the plan is approved.
    pub approved: bool,
    /// The text and what was found in it.
    #[serde(skip)]
    pub source: String,
    /// The same, read and checked.
    #[serde(skip)]
    #[schemars(skip)]
    pub parsed: Parsed,
}

/// Opens the plan in `editor`, which may have arguments behind its name, and waits for its end.
///
/// # Errors
/// [`PlanEditError`]; what the editor has saved stays saved.
pub fn edit_by_hand(handle: &StreamHandle, editor: Option<&OsString>) -> Result<EditedByHand, PlanEditError> {
    let path = handle.plan_file();
    let words = editor.map(words).unwrap_or_default();
    let Some((program, args)) = words.split_first() else {
        return Err(PlanEditError::NoEditor { why: "no editor is set", path });
    };
    let before = std::fs::read(&path).ok();
    let shown = program.to_string_lossy().into_owned();
    let mut command = process::foreground(program);
    command.args(args).arg(&path);
    let status =
        command.status().map_err(|source| PlanEditError::EditorStart { program: shown.clone(), source })?;
    if !status.success() {
        return Err(PlanEditError::EditorFailed { program: shown, status });
    }
    let source = plan_file::read(handle)?;
    let stream = handle.store.read()?;
    Ok(EditedByHand {
        changed: before.as_deref() != Some(source.as_bytes()),
        drift: drift_of(&stream, handle),
        approved: stream.approvals.plan.is_some(),
        parsed: plan::parse(&source),
        source,
    })
}

/// The words of a command line as people write it into `EDITOR`: divided by blanks, with quotes around
/// words that hold some. No shell reads it.
fn words(editor: &OsString) -> Vec<OsString> {
    let Some(text) = editor.to_str() else { return vec![editor.clone()] };
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for c in text.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.push(c),
            ('"' | '\'', None) => (quote, begun) = (Some(c), true),
            (c, None) if c.is_whitespace() => {
                if begun {
                    words.push(OsString::from(std::mem::take(&mut word)));
                }
                begun = false;
            }
            (c, None) => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(OsString::from(word));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_editor_may_have_arguments() {
        for (text, expected) in [
            ("vi", &["vi"][..]),
            ("  code  --wait ", &["code", "--wait"]),
            ("'/opt/my editor/e' -n \"a b\"", &["/opt/my editor/e", "-n", "a b"]),
            ("e ''", &["e", ""]),
            ("", &[]),
            ("  ", &[]),
        ] {
            assert_eq!(words(&OsString::from(text)), expected, "{text}");
        }
    }
}

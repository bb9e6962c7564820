//! The notifications of a desktop.

use std::time::Duration;

use crate::sys::process::{self, RunError};

/// How long a desktop may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the desktop shows nothing.
#[derive(Debug, thiserror::Error)]
pub enum DesktopError {
    /// Its program is not there.
    #[error(transparent)]
    Missing(#[from] process::NotFound),
    /// It could not be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It refuses, as where there is no desktop.
    #[error("`{program}` says: {message}")]
    Refused {
        /// The program.
        program: &'static str,
        /// Its words.
        message: String,
    },
}

/// Shows a title and a line, with `notify-send`, or on macOS with `osascript`.
///
/// # Errors
/// [`DesktopError`].
pub fn show(title: &str, text: &str) -> Result<(), DesktopError> {
    let (program, args): (_, Vec<String>) = if cfg!(target_os = "macos") {
        // The words are arguments of the script, never a part of it.
        let script =
            "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";
        ("osascript", vec!["-e".to_owned(), script.to_owned(), title.to_owned(), text.to_owned()])
    } else {
        // Its body is markup.
        let body = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        ("notify-send", vec!["--app-name=work".to_owned(), "--".to_owned(), title.to_owned(), body])
    };
    let mut command = process::command(process::find(program)?);
    command.args(args);
    let output = process::run(command, None, PATIENCE)?;
    if output.status.success() {
        return Ok(());
    }
    Err(DesktopError::Refused { program, message: output.error_text() })
}

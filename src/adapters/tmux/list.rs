//! A list of tmux commands, as arguments of one run of the tmux program.
//!
//! tmux takes its arguments apart once more: an argument that ends in `;` ends the command. Nothing
//! else is special in an argument as such; what single commands expand is the business of
//! `names` and `window`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use super::error::TmuxError;

/// What tmux takes in one message: 16 kB, less the headers of the message.
pub(super) const LIMIT: usize = 16 * 1024 - 16 - 4;

/// Commands that the server runs one after another, with nothing in between; the first that fails
/// ends the list.
#[derive(Debug, Default)]
pub(super) struct List {
    arguments: Vec<OsString>,
}

impl List {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Starts a command.
    pub(super) fn command(mut self, name: &str) -> Self {
        if !self.arguments.is_empty() {
            self.arguments.push(";".into());
        }
        self.arguments.push(name.into());
        self
    }

    /// Adds one argument to the last command, as it is.
    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(whole(argument.as_ref()));
        self
    }

    /// Adds arguments to the last command, as they are.
    pub(super) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, |list, argument| list.arg(argument))
    }

    /// Adds a command of words that need no care.
    pub(super) fn words(self, words: &[&str]) -> Self {
        match words.split_first() {
            Some((name, rest)) => self.command(name).args(rest),
            None => self,
        }
    }

    /// The commands for messages: without arguments, which may be long and private.
    pub(super) fn summary(&self) -> String {
        let name = self.arguments.first().map(|name| name.to_string_lossy()).unwrap_or_default();
        format!("tmux {name}")
    }

    /// The arguments for the tmux program.
    ///
    /// # Errors
    /// [`TmuxError::TooLong`] when tmux would refuse them for their size.
    pub(super) fn into_arguments(self) -> Result<Vec<OsString>, TmuxError> {
        let size = self.arguments.iter().map(|argument| argument.len() + 1).sum();
        if size > LIMIT {
            return Err(TmuxError::TooLong { size, limit: LIMIT });
        }
        Ok(self.arguments)
    }
}

/// The argument such that tmux does not take a `;` at its end for the end of the command.
fn whole(argument: &OsStr) -> OsString {
    match argument.as_bytes().split_last() {
        Some((b';', rest)) => OsString::from_vec([rest, br"\;"].concat()),
        _ => argument.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_last_semicolon_is_escaped() {
        let arguments =
            List::new().command("a").args(["x;", ";", r"y\;", "z;z", "", "#;"]).words(&["b", "c"]);
        assert_eq!(
            arguments.into_arguments().unwrap(),
            ["a", r"x\;", r"\;", r"y\\;", "z;z", "", r"#\;", ";", "b", "c"].map(OsString::from)
        );
    }

    #[test]
    fn the_size_is_checked_before_tmux_does() {
        let of = |size: usize| List::new().command("a").arg("x".repeat(size)).into_arguments();
        assert!(of(LIMIT - 3).is_ok());
        assert!(matches!(of(LIMIT - 2), Err(TmuxError::TooLong { size, .. }) if size == LIMIT + 1));
    }
}

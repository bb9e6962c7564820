//! Signals of a synchronous command: a thread that waits for them and tells.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Somebody wants the command to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C, or TERM: end what you do, and tell.
    Asked,
    /// The terminal is gone: there is nobody to tell.
    TerminalGone,
}

/// Calls `tell` from a thread of its own, whenever a signal comes, instead of dying of it.
///
/// # Errors
/// When the signals can't be watched.
pub fn watch(tell: impl Fn(Interrupt) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            tell(if signal == SIGHUP { Interrupt::TerminalGone } else { Interrupt::Asked });
        }
    });
    Ok(())
}

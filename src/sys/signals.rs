//! Signals of a synchronous command: a thread that waits for them and tells.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

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

/// As long as it lives, a signal that ends us is told of first.
#[derive(Debug)]
pub struct LastWords {
    armed: Arc<AtomicBool>,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if !self.armed.swap(false, Ordering::SeqCst) {
            // They are being said, and the process ends: nobody else says anything.
            loop {
                std::thread::park();
            }
        }
    }
}

/// Calls `tell` when a signal is about to end this process, and then lets it. For a question at a terminal,
/// which would leave the terminal as it needs it.
///
/// # Errors
/// When the signals can't be watched.
pub fn last_words(tell: impl Fn() + Send + 'static) -> io::Result<LastWords> {
    let armed = Arc::new(AtomicBool::new(true));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let still = Arc::clone(&armed);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if still.swap(false, Ordering::SeqCst) {
                tell();
                // It can only fail for a signal that has no default.
                let _ = emulate_default_handler(signal);
            }
        }
    });
    Ok(LastWords { armed })
}

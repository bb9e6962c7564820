//! The lines that a person types at our terminal: one reader for the whole process, since a read that has
//! begun can't be taken back.
//!
//! One invariant: nothing is read before somebody listens, and what was typed before that is no answer to
//! them.

use std::io::{BufRead as _, stdin};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::termios::{FlushArg, tcflush};

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// They typed a line, here without its end.
    Line(String),
    /// They closed their side (Ctrl-D), or the terminal is gone.
    End,
}

type Listener = Box<dyn FnMut(Typed) + Send>;

#[derive(Default)]
struct State {
    listener: Option<Listener>,
    reading: bool,
    ended: bool,
}

/// The keyboard of this process. All clones are one.
#[derive(Clone, Default)]
pub struct Keyboard {
    state: Arc<Mutex<State>>,
}

impl Keyboard {
    /// Tells `listener` of every line from here on, and nobody else. False when the terminal belongs to
    /// another job of the shell, so that a read would stop us: then nothing is read.
    pub fn listen(&self, mut listener: impl FnMut(Typed) + Send + 'static) -> bool {
        if !is_ours() {
            return false;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ended {
            listener(Typed::End);
            return true;
        }
        state.listener = Some(Box::new(listener));
        if !std::mem::replace(&mut state.reading, true) {
            // Keys that were pressed before anything was asked; what can't be dropped is read as a line.
            let _ = tcflush(stdin(), FlushArg::TCIFLUSH);
            let keyboard = self.clone();
            std::thread::spawn(move || keyboard.read());
        }
        true
    }

    fn read(&self) {
        loop {
            let mut line = String::new();
            let ended = !matches!(stdin().lock().read_line(&mut line), Ok(1..));
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.ended = ended;
            if let Some(listener) = &mut state.listener {
                listener(if ended {
                    Typed::End
                } else {
                    Typed::Line(line.trim_end_matches('\n').to_owned())
                });
            }
            if ended {
                return;
            }
        }
    }
}

/// Whether our group is the one that may read the terminal.
fn is_ours() -> bool {
    nix::unistd::tcgetpgrp(stdin()).is_ok_and(|group| group == nix::unistd::getpgrp())
}

//! The two streams: data on standard output, talk on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use super::{Style, paint, printable};

/// Whether to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the terminal can do, and how much is to be said.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Colours on standard output.
    pub color: bool,
    /// Colours on standard error.
    pub color_err: bool,
    /// Columns; 100 when it is no terminal.
    pub width: u16,
    /// The columns that tables must do with; without a terminal they may be as wide as they need.
    pub room: Option<u16>,
    /// Somebody sits there: standard input, output and error are terminals.
    pub interactive: bool,
    /// Standard error is a terminal, so progress can be shown.
    pub progress: bool,
    /// Say only what is asked for, and errors.
    pub quiet: bool,
    /// Now, for "3m ago".
    pub now: chrono::DateTime<chrono::Utc>,
}

impl Screen {
    /// Looks at the terminal.
    #[must_use]
    pub fn new(
        choice: ColorChoice,
        no_color: bool,
        dumb: bool,
        quiet: bool,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Self {
        let wanted = |terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !no_color && !dumb,
        };
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            color: wanted(out),
            color_err: wanted(err),
            width: if out { console_width() } else { 100 },
            room: out.then(console_width),
            interactive: io::stdin().is_terminal() && out && err,
            progress: err && !dumb && !quiet,
            quiet,
            now,
        }
    }

    /// Writes data. A closed pipe ends the process silently with 0: whoever read has enough.
    pub fn out(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(text.as_bytes())
            .and_then(|()| if text.ends_with('\n') { Ok(()) } else { stdout.write_all(b"\n") });
        self.check(written.and_then(|()| stdout.flush()));
    }

    /// The same terminal at another time, and as wide as it is then.
    #[must_use]
    pub fn at(self, now: chrono::DateTime<chrono::Utc>) -> Self {
        let width = if self.room.is_some() { console_width() } else { self.width };
        Self { now, width, room: self.room.map(|_| width), ..self }
    }

    /// Draws text over what the terminal shows, as much of it as there is room for.
    pub fn redraw(&self, text: &str) {
        let (rows, _) = dialoguer::console::Term::stdout().size();
        let lines = text.lines().take(usize::from(rows).saturating_sub(1).max(1));
        let body: String = lines.map(|line| format!("{line}\u{1b}[K\n")).collect();
        self.raw(&format!("\u{1b}[H{body}\u{1b}[J"));
    }

    /// Writes a question to standard error, without a newline.
    pub(super) fn ask(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        // Whoever can't be asked can't say yes either.
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }

    /// Writes data as it is, without a newline of ours.
    pub fn raw(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        self.check(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
    }

    fn check(&self, written: io::Result<()>) {
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => {
                self.say(&format!("error: cannot write to standard output: {error}"));
                std::process::exit(1);
            }
        }
    }

    /// Says something on standard error. Nobody listening is fine.
    pub fn say(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Says something that is not needed by whoever wants quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Says a warning.
    pub fn warn(&self, text: &str) {
        let text = printable(text);
        self.say(&format!("{} {text}", paint("warning:", Style::Attention, self.color_err)));
    }

    /// Says what to do next.
    pub fn hint(&self, text: &str) {
        let text = printable(text);
        self.note(&format!("{} {text}", paint("hint:", Style::Active, self.color_err)));
    }
}

/// The columns of the terminal, as the library that draws on it sees them.
fn console_width() -> u16 {
    let (_, columns) = dialoguer::console::Term::stdout().size();
    columns.max(40)
}

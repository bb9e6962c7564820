//! A scripted agent that speaks the Agent Client Protocol, for what real agents can't be made to do.
//!
//! The prompt carries a fenced block of directives, one a line, like that of the scripted model:
//!
//! | directive | what the agent does |
//! |---|---|
//! | `@text WORDS` | says words, one message a word |
//! | `@think WORDS` | thinks them |
//! | `@recall` | says the prompts of the session that it remembers, this one included |
//! | `@model` | says the model and the effort that are chosen |
//! | `@env NAME` | says the value of a variable |
//! | `@bash COMMAND` | runs a command in a process group of its own, as a tool call |
//! | `@diff PATH OLD NEW` | tells of a tool call that changed a file |
//! | `@permission COMMAND` | asks for permission, and says which option was chosen |
//! | `@request METHOD` | asks its client for something, and says the code of the error |
//! | `@usage input=5 output=2` | tells usage with the turn's end, `cost=0.5` at once |
//! | `@sleep 500ms` | waits |
//! | `@hang` | waits for a cancel |
//! | `@ignore-cancel` | heeds no cancel from here on |
//! | `@garbage` | says what is no message, and a message of an unknown kind |
//! | `@huge N` | says N MiB in one message |
//! | `@fail CODE WORDS` | answers the prompt with an error |
//! | `@stop REASON` | gives this reason for its end |
//! | `@late` | after its answer, tells more of its last tool call |
//! | `@crash WORDS` | says words on standard error, and ends with code 3 |
//!
//! `--folder` holds its sessions, and a file `received` with every line that it was sent.

mod agent;
mod script;
mod turn;

use std::io::{self, BufRead as _};
use std::path::PathBuf;

use clap::Parser;

use agent::Agent;

/// A scripted ACP agent.
#[derive(Parser, Debug)]
#[command(name = "scripted-acp")]
pub(crate) struct Options {
    /// Where its sessions are kept, and what it was sent.
    #[arg(long)]
    folder: PathBuf,
    /// It cannot load sessions.
    #[arg(long)]
    no_load: bool,
    /// It cannot resume sessions, and does not say that it can.
    #[arg(long)]
    no_resume: bool,
    /// It says that it can resume sessions, and cannot.
    #[arg(long)]
    false_resume: bool,
    /// It loads sessions that it has never heard of.
    #[arg(long)]
    loads_any: bool,
    /// The models that it lists, as a method of its own.
    #[arg(long, value_delimiter = ',')]
    models: Vec<String>,
    /// The models that it lists, as an option of the session, with an effort.
    #[arg(long, value_delimiter = ',')]
    model_options: Vec<String>,
    /// The ids of its requests are texts.
    #[arg(long)]
    text_ids: bool,
    /// It never answers `initialize`.
    #[arg(long)]
    mute: bool,
    /// It wants its user to log in first.
    #[arg(long)]
    log_in: bool,
    /// It calls a cancelled turn complete.
    #[arg(long)]
    lies: bool,
}

fn main() -> io::Result<()> {
    let agent = Agent::new(Options::parse())?;
    for line in io::stdin().lock().lines() {
        agent.take(&line?)?;
    }
    Ok(())
}

//! A scripted, OpenAI-compatible model server, so that real agents run without a network.
//!
//! The prompt says what the model answers. The last user message carries a fenced block of
//! directives; text around it, and everything else in the conversation, is ignored:
//!
//! ````text
//! ```script
//! @reason I had better look first.
//! @bash echo hello > greeting.txt
//! @text The greeting is written.
//! ```
//! ````
//!
//! # Directives
//!
//! One a line. A line that begins with no `@` continues the directive above it; `@@` at the
//! beginning of a line is a plain `@`. A fence of more backticks may hold fences of fewer.
//!
//! | directive | what the model does |
//! |---|---|
//! | `@text WORDS` | says words, one streamed piece a word; a second `@text` starts a new line |
//! | `@reason WORDS` | thinks words (`reasoning_content`) |
//! | `@tool NAME {JSON}` | calls a tool with these arguments |
//! | `@bash COMMAND` | calls opencode's tool `bash` |
//! | `@write PATH CONTENT` | calls opencode's tool `write`; the file ends with a newline |
//! | `@also DIRECTIVE` | puts a directive into the same answer as the tool call above it |
//! | `@sleep 500ms` | waits; `ms`, `s`, `m` and `h` are known |
//! | `@chunk-delay 20ms` | waits so long before every piece, from here to the script's end |
//! | `@usage input=100 output=20 cached=40 reasoning=5` | reports this usage: as in the API, input includes cached, output includes reasoning |
//! | `@finish length` | gives this reason for the end instead of `stop` or `tool_calls` |
//! | `@status 429 retry-after-ms=50 times=2 {JSON}` | refuses with this status; other `name=value` words are response headers; the JSON is the body |
//! | `@hang` | keeps the stream open and silent until the client goes |
//! | `@cut` | closes the connection in the middle of the stream |
//! | `@garbage` | sends an event that is no JSON, and goes on |
//!
//! With `times=2`, `@status`, `@hang`, `@cut` and `@garbage` happen only to the first two equal requests of a
//! session, so that a client's own retry can succeed. An answer without anything else is empty.
//!
//! # Answers
//!
//! An agent's turn is several requests, each with the whole conversation so far. A tool call ends
//! an answer: what follows it belongs to the next one, unless `@also` joins it. Which answer is due
//! follows from the number of tool results after the last user message, so the server needs no
//! memory: sessions may interleave, and the server may be restarted. Two cases are answered with a
//! short fixed text: a message without a script, and a script at its end. A script that is wrong is
//! refused with status 400 and the reason. Housekeeping (a session's title, its compaction) gets a
//! harmless text, whatever script it quotes.
//!
//! The name of the model says what a prompt can't: see [`models`]. A behaviour by name wins over a
//! script.
//!
//! # Looking back
//!
//! `GET /_requests` lists the requests so far (`?contains=TEXT`, `?model=NAME`, `?session=ID` filter), and
//! `DELETE /_requests` forgets them. `GET /_health` answers when the server is up.

mod config;
mod directives;
mod http;
mod log;
mod models;
mod play;
mod reply;
mod request;
mod script;
mod sse;

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// A scripted, OpenAI-compatible model server.
#[derive(Parser)]
#[command(name = "scripted-model")]
struct Options {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Write an `opencode.json` that knows this server and its models.
    #[arg(long, value_name = "FILE")]
    config_out: Option<PathBuf>,
    /// End when standard input closes, so that the server never outlives who started it.
    #[arg(long)]
    until_stdin_closes: bool,
    /// End when this file is gone, for a server that nobody watches.
    #[arg(long, value_name = "FILE")]
    while_exists: Option<PathBuf>,
    /// End after this time, such as `2h`, whatever else.
    #[arg(long, value_name = "TIME", value_parser = directives::duration)]
    at_most: Option<Duration>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    let result = tasks.block_on(&runtime, run(options));
    // A thread that still reads standard input must not hold the process.
    runtime.shutdown_background();
    result
}

async fn run(options: Options) -> anyhow::Result<()> {
    let listener = TcpListener::bind((options.host, options.port))
        .await
        .with_context(|| format!("cannot listen on {}:{}", options.host, options.port))?;
    let address = listener.local_addr()?;
    if let Some(file) = &options.config_out {
        config::write(file, address).with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    announce(address)?;
    tokio::select! {
        () = http::serve(listener, log::Log::default()) => {}
        () = stdin_closed(options.until_stdin_closes) => {}
        () = file_gone(options.while_exists) => {}
        () = time_over(options.at_most) => {}
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    Ok(())
}

/// The one line that says that the server is ready, and where.
fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "scripted-model listening on http://{address}")?;
    out.flush()
}

/// Waits for the end of standard input, or for ever if it does not matter.
async fn stdin_closed(matters: bool) {
    if !matters {
        return std::future::pending().await;
    }
    let (closed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let mut waste = [0; 256];
        let mut input = io::stdin();
        while matches!(input.read(&mut waste), Ok(read) if read > 0) {}
        closed.send(())
    });
    wait.await.unwrap_or(());
}

/// Waits until the file is gone, or for ever if none is named.
async fn file_gone(file: Option<PathBuf>) {
    let Some(file) = file else { return std::future::pending().await };
    while file.exists() {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Waits for so long, or for ever.
async fn time_over(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

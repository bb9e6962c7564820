//! From the command line to the exit code.

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::ErrorKind;

use super::Exit;
use super::cli::Cli;
use super::context::Context;
use super::failed::{Drawn, Failed};
use crate::sys::env::Env;
use crate::sys::process;
use crate::ui::{ColorChoice, Screen, Style, paint, printable, render_diagnostics};

/// Runs the command that `args` asks for, and tells how it went.
#[must_use]
pub fn main(args: Vec<OsString>) -> Exit {
    let json = args.iter().any(|arg| arg == "--json");
    let color = wanted_color(&args);
    let env = match Env::read() {
        Ok(env) => env,
        Err(why) => {
            let screen = Screen::new(ColorChoice::Never, true, true, false, chrono::DateTime::UNIX_EPOCH);
            return tell(&screen, json, &Failed::new(Exit::Usage, "environment", why));
        }
    };
    let now = env.clock.now();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let screen = Screen::new(color, env.no_color, env.dumb_terminal, false, now);
            return usage(&screen, json, &error);
        }
    };
    let global = &cli.global;
    let screen = Screen::new(global.color.into(), env.no_color, env.dumb_terminal, global.quiet, now);
    if let Err(error) = process::ignore_file_size_signal() {
        screen.warn(&format!("cannot watch for the limit on file sizes: {error}"));
    }
    let ctx = Context::new(screen, env, cli.global);
    match cli.command.run(&ctx) {
        Ok(exit) => exit,
        Err(failed) => tell(&ctx.screen, ctx.json, &failed),
    }
}

/// What `--color` says on a command line that may make no sense otherwise.
fn wanted_color(args: &[OsString]) -> ColorChoice {
    let words = args.iter().filter_map(|arg| arg.to_str());
    let next = words.clone().skip(1).map(Some).chain([None]);
    let value = |(word, next): (&str, Option<&str>)| match word.strip_prefix("--color") {
        Some("") => next.map(str::to_owned),
        Some(rest) => rest.strip_prefix('=').map(str::to_owned),
        None => None,
    };
    match words.clone().zip(next).filter_map(value).last().as_deref() {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// Help and version are data; anything else is a usage error.
fn usage(screen: &Screen, json: bool, error: &clap::Error) -> Exit {
    let text = if screen.color_err { error.render().ansi().to_string() } else { error.render().to_string() };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text =
                if screen.color { error.render().ansi().to_string() } else { error.render().to_string() };
            screen.out(&text);
            Exit::Done
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if json => {
            let failed = Failed::new(Exit::Usage, "usage", "a command is missing");
            tell(screen, true, &failed.hint("`--help` lists the commands"))
        }
        _ if json => {
            let plain = error.render().to_string();
            tell(screen, true, &usage_failure(&plain))
        }
        _ => {
            screen.say(text.trim_end());
            Exit::Usage
        }
    }
}

/// What clap says in paragraphs: the error, tips, the usage.
fn usage_failure(text: &str) -> Failed {
    let mut paragraphs = text.split("\n\n").map(|part| {
        part.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    });
    let message = paragraphs.next().unwrap_or_default();
    let mut failed = Failed::new(Exit::Usage, "usage", message.trim_start_matches("error: "));
    failed.hints = paragraphs
        .filter(|part| !part.is_empty())
        .map(|part| part.strip_prefix("tip: ").map_or(part.clone(), str::to_owned))
        .collect();
    failed
}

/// How many findings are drawn with a failure; `work validate` draws all.
const SHOWN: usize = 5;

/// Tells why a command failed: the place if there is one, the message, its causes, the next step.
fn tell(screen: &Screen, json: bool, failed: &Failed) -> Exit {
    if json {
        screen.out(&failed.document());
        return failed.exit;
    }
    if let Some(Drawn { name, source, diagnostics }) = &failed.drawn {
        let width = Some(usize::from(screen.width));
        let shown = &diagnostics[..diagnostics.len().min(SHOWN)];
        screen.say(&render_diagnostics(name, source, shown, screen.color_err, width));
        if shown.len() < diagnostics.len() {
            screen.say(&format!("… and {} more\n", diagnostics.len() - shown.len()));
        }
    }
    let (message, causes) =
        failed.messages.split_first().map_or(("", &[][..]), |(m, rest)| (m.as_str(), rest));
    let say = |word: &str, style: Style, text: &str| {
        screen.say(&format!("{} {}", paint(word, style, screen.color_err), printable(text)));
    };
    say("error:", Style::Bad, message);
    causes.iter().for_each(|cause| say("  because:", Style::Faint, cause));
    failed.hints.iter().for_each(|hint| say("hint:", Style::Active, hint));
    failed.exit
}

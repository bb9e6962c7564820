//! From the command line to the exit code.

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::ErrorKind;

use super::Exit;
use super::cli::Cli;
use super::context::Context;
use super::failed::Failed;
use crate::sys::env::Env;
use crate::sys::process;
use crate::ui::{ColorChoice, Screen, Style, paint, render_diagnostics};

/// Runs the command that `args` asks for, and tells how it went.
#[must_use]
pub fn main(args: Vec<OsString>) -> Exit {
    let json = args.iter().any(|arg| arg == "--json");
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
            let screen = Screen::new(ColorChoice::Auto, env.no_color, env.dumb_terminal, false, now);
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
        _ if json => {
            let plain = error.render().to_string();
            let message = plain.trim_start_matches("error: ").trim_end().to_owned();
            tell(screen, true, &Failed::new(Exit::Usage, "usage", message))
        }
        _ => {
            screen.say(text.trim_end());
            Exit::Usage
        }
    }
}

/// Tells why a command failed: the place if there is one, the message, its causes, the next step.
fn tell(screen: &Screen, json: bool, failed: &Failed) -> Exit {
    if json {
        screen.out(&failed.document());
        return failed.exit;
    }
    if let Some(drawn) = &failed.drawn {
        let width = Some(usize::from(screen.width));
        screen.say(&render_diagnostics(
            &drawn.name,
            &drawn.source,
            &drawn.diagnostics,
            screen.color_err,
            width,
        ));
    }
    let (message, causes) =
        failed.messages.split_first().map_or(("", &[][..]), |(m, rest)| (m.as_str(), rest));
    screen.say(&format!("{} {message}", paint("error:", Style::Bad, screen.color_err)));
    for cause in causes {
        screen.say(&format!("  {} {cause}", paint("because:", Style::Faint, screen.color_err)));
    }
    for hint in &failed.hints {
        screen.say(&format!("{} {hint}", paint("hint:", Style::Active, screen.color_err)));
    }
    failed.exit
}

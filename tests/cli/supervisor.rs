//! `work supervisor status|stop|logs (when none runs)`

use snapbox::str;

use super::desk::Desk;

#[test]
fn when_none_runs() {
    let desk = Desk::ready();
    desk.shows(
        "supervisor status",
        str![[r#"
$ work supervisor status
no supervisor is running; it starts when it is needed
--- exit 0

"#]],
    );
    desk.shows(
        "supervisor stop",
        str![[r#"
$ work supervisor stop
no supervisor is running; it starts when it is needed
--- exit 0

"#]],
    );
    desk.shows(
        "supervisor logs",
        str![[r#"
$ work supervisor logs
--- stderr
there is no log: no supervisor has run here yet
--- exit 0

"#]],
    );
    desk.shows(
        "supervisor status --json",
        str![[r#"
$ work supervisor status --json
{"running":false}
--- exit 0

"#]],
    );
    desk.shows(
        "supervisor stop --json",
        str![[r#"
$ work supervisor stop --json
{"running":false}
--- exit 0

"#]],
    );
    desk.shows(
        "supervisor",
        str![[r#"
$ work supervisor
--- stderr
Look at the background process that runs the agents, or stop it

Usage: work supervisor [OPTIONS] <COMMAND>

Commands:
  status  Tell whether it runs, with which turns and agents
  stop    Cancel its turns, end its agents, then end it
  logs    Print its log
  run     Run it in this terminal; commands start it by themselves when they need it
  help    Print this message or the help of the given subcommand(s)

Options:
  -h, --help  Print help

Options everywhere:
  -s, --stream <STREAM>  The stream, by id, number or name (default: the current one, then the only
                         open one)
      --repo <DIR>       The repository (default: the one that the current folder lies in)
      --json             Print one JSON document (or NDJSON, where something streams) to standard
                         output, also for errors
      --color <WHEN>     Use colours [default: auto] [possible values: auto, always, never]
  -q, --quiet            Say only what was asked for, and errors
--- exit 2

"#]],
    );
}

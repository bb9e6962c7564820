//! `work close` where no supervisor runs

use snapbox::str;

use super::desk::Desk;

#[test]
fn nothing_is_warm_where_nobody_keeps_it() {
    let desk = Desk::approved();
    desk.shows(
        "close 01.01.01",
        str![[r#"
$ work close 01.01.01
no agent is kept warm for 01.01.01
--- exit 0

"#]],
    );
    desk.shows(
        "close 001",
        str![[r#"
$ work close 001
no agent is kept warm for 001-rename-fetch
--- exit 0

"#]],
    );
    desk.shows_json(
        "close",
        "close 001-rename-fetch --dry-run",
        str![[r#"
$ work close 001-rename-fetch --dry-run --json
{
  "stream": "001-rename-fetch",
  "thread": null,
  "agents": [],
  "cancelled": [],
  "dryRun": true
}
--- exit 0

"#]],
    );
    desk.shows(
        "close 07.07.07",
        str![[r#"
$ work close 07.07.07
--- stderr
error: no thread `07.07.07` in stream `001-rename-fetch`
hint: did you mean `02.01.01`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 02.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "close",
        str![[r#"
$ work close
--- stderr
error: the following required arguments were not provided:
  <THREAD|STREAM>

Usage: work close <THREAD|STREAM>

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows(
        "close --help",
        str![[r#"
$ work close --help
End the warm agents of a thread or stream; its records stay, and its next turn starts them anew

Only agents with backend `acp` are kept warm for a thread. The server of opencode is shared by all,
and stays until the supervisor ends.

Usage: work close [OPTIONS] <THREAD|STREAM>

Arguments:
  <THREAD|STREAM>
          A thread, by id or unique name, or a stream

Options:
      --cancel
          Cancel the turns that run; each is recorded as interrupted

  -y, --yes
          Cancel them without being asked; needed where there is no terminal

      --dry-run
          Say what would end, and end nothing

  -h, --help
          Print help (see a summary with '-h')

Options everywhere:
  -s, --stream <STREAM>
          The stream, by id, number or name (default: the current one, then the only open one)

      --repo <DIR>
          The repository (default: the one that the current folder lies in)

      --json
          Print one JSON document (or NDJSON, where something streams) to standard output, also for
          errors

      --color <WHEN>
          Use colours
          
          [default: auto]
          [possible values: auto, always, never]

  -q, --quiet
          Say only what was asked for, and errors
--- exit 0

"#]],
    );
}

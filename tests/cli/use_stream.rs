//! `work use STREAM`

use snapbox::str;

use super::desk::Desk;

#[test]
fn the_current_stream_is_told_and_changed() {
    let desk = Desk::planned();
    desk.work(["create", "Other"]).ok();
    desk.shows(
        "use",
        str![[r#"
$ work use
002-other
--- exit 0

"#]],
    );
    desk.shows(
        "use 1",
        str![[r#"
$ work use 1
001-rename-fetch
--- exit 0

"#]],
    );
    desk.shows(
        "use rename-fetch",
        str![[r#"
$ work use rename-fetch
001-rename-fetch
--- exit 0

"#]],
    );
    desk.shows(
        "use Other",
        str![[r#"
$ work use Other
002-other
--- exit 0

"#]],
    );
    desk.shows(
        "use renamefetch",
        str![[r#"
$ work use renamefetch
--- stderr
error: no stream `renamefetch`
hint: did you mean `001-rename-fetch`?
hint: there are `001-rename-fetch`, `002-other`
--- exit 2

"#]],
    );
}

#[test]
fn as_json() {
    let desk = Desk::planned();
    desk.shows_json(
        "use",
        "use",
        str![[r#"
$ work use --json
{
  "current": "001-rename-fetch"
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "use",
        "use 001-rename-fetch",
        str![[r#"
$ work use 001-rename-fetch --json
{
  "current": "001-rename-fetch"
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "error",
        "use 7",
        str![[r#"
$ work use 7 --json
{
  "error": {
    "kind": "stream",
    "code": 2,
    "message": "no stream `7`",
    "causes": [],
    "hints": [
      "there are `001-rename-fetch`"
    ]
  }
}
--- exit 2

"#]],
    );
}

//! `work edit`; with a terminal it is tried in `terminal`.

use snapbox::str;

use super::desk::Desk;

#[test]
fn without_a_terminal_the_path_is_told() {
    let mut desk = Desk::approved();
    desk.env.set("EDITOR", "true");
    desk.shows(
        "edit",
        str![[r#"
$ work edit
--- stderr
error: an editor needs a terminal; the plan is `[REPO]/work/001-rename-fetch/PLAN.md`
hint: name your editor in `VISUAL` or `EDITOR`, or edit the file with what you have
--- exit 2

"#]],
    );
    desk.shows_json(
        "error",
        "edit",
        str![[r#"
$ work edit --json
{
  "error": {
    "kind": "usage",
    "code": 2,
    "message": "an editor needs a terminal; the plan is `[REPO]/work/001-rename-fetch/PLAN.md`",
    "causes": [],
    "hints": [
      "name your editor in `VISUAL` or `EDITOR`, or edit the file with what you have"
    ]
  }
}
--- exit 2

"#]],
    );
}

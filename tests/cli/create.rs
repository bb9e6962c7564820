//! `work create NAME`

use snapbox::str;

use super::desk::Desk;

#[test]
fn a_stream_is_made_and_becomes_the_current_one() {
    let desk = Desk::ready();
    desk.shows(
        "create 'Rename fetch' --stages 2",
        str![[r#"
$ work create 'Rename fetch' --stages 2
created 001-rename-fetch
--- stderr
hint: edit `[REPO]/work/001-rename-fetch/PLAN.md`, then `work validate plan`
--- exit 0

"#]],
    );
    desk.shows(
        "create 'Rename fetch'",
        str![[r#"
$ work create 'Rename fetch'
--- stderr
error: stream `001-rename-fetch` exists already
hint: `work use 001-rename-fetch` goes on with it, or choose another name
--- exit 1

"#]],
    );
    desk.shows(
        "use",
        str![[r#"
$ work use
001-rename-fetch
--- exit 0

"#]],
    );
}

#[test]
fn as_json() {
    let desk = Desk::ready();
    desk.shows_json(
        "create",
        "create 'Rename fetch'",
        str![[r#"
$ work create 'Rename fetch' --json
{
  "stream": "001-rename-fetch",
  "plan": "[REPO]/work/001-rename-fetch/PLAN.md"
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "error",
        "create 'Rename fetch'",
        str![[r#"
$ work create 'Rename fetch' --json
{
  "error": {
    "kind": "stream",
    "code": 1,
    "message": "stream `001-rename-fetch` exists already",
    "causes": [],
    "hints": [
      "`work use 001-rename-fetch` goes on with it, or choose another name"
    ]
  }
}
--- exit 1

"#]],
    );
}

#[test]
fn a_plan_that_is_there_is_taken_over() {
    let desk = Desk::ready();
    desk.env.write("repo/draft.md", super::desk::PLAN);
    desk.shows(
        "create 'Rename fetch' --from draft.md",
        str![[r#"
$ work create 'Rename fetch' --from draft.md
created 001-rename-fetch
--- stderr
hint: edit `[REPO]/work/001-rename-fetch/PLAN.md`, then `work validate plan`
--- exit 0

"#]],
    );
    assert_eq!(desk.bytes("repo/work/001-rename-fetch/PLAN.md"), super::desk::PLAN.as_bytes());
    desk.shows(
        "create other --from missing.md",
        str![[r#"
$ work create other --from missing.md
--- stderr
error: cannot read `missing.md`
  because: No such file or directory (os error 2)
--- exit 1

"#]],
    );
}

#[test]
fn several_at_once_take_different_numbers() {
    let desk = Desk::ready();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d", "e", "f"] {
            let desk = &desk;
            scope.spawn(move || desk.work(["create", name]).ok());
        }
    });
    let streams: Vec<String> = std::fs::read_dir(desk.path("repo/work"))
        .expect("a folder")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter(|name| name.as_bytes()[0].is_ascii_digit())
        .map(|name| name[..3].to_owned())
        .collect();
    let numbers: std::collections::BTreeSet<&String> = streams.iter().collect();
    assert_eq!((streams.len(), numbers.len()), (6, 6), "{streams:?}");
}

#[test]
fn before_init_it_says_what_to_do() {
    let desk = Desk::bare();
    desk.shows(
        "create 'Rename fetch'",
        str![[r#"
$ work create 'Rename fetch'
--- stderr
error: `[REPO]` has no `work/agents.yaml`
hint: `work init` sets it up
--- exit 1

"#]],
    );
}

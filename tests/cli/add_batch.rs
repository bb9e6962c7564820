//! `work add-batch`

use snapbox::str;

use super::desk::{Desk, PLAN, STREAM};

#[test]
fn a_batch_at_the_end_of_its_stage() {
    let desk = Desk::approved();
    desk.shows(
        "add-batch --stage 1 'The tests' --dry-run",
        str![[r#"
$ work add-batch --stage 1 'The tests' --dry-run
would add batch 01.03 The tests

##### Batch 03: The tests

TODO: what the threads of this batch do together.
--- exit 0

"#]],
    );
    desk.shows(
        "add-batch --stage 1 'The tests'",
        str![[r#"
$ work add-batch --stage 1 'The tests'
added batch 01.03 The tests
--- stderr
hint: `work edit` fills it in; `work add-thread --batch 01.03 NAME` goes on
hint: `work approve plan` takes it over; until then it does not run
--- exit 0

"#]],
    );
    let plan = String::from_utf8(desk.bytes(format!("{STREAM}/PLAN.md"))).expect("text");
    let (front, back) = plan.split_once("##### Batch 03: The tests").expect("it is there");
    assert!(PLAN.starts_with(front));
    assert!(back.ends_with(PLAN.split_once("### Stage 02").expect("a second stage").1));
    desk.shows_json(
        "add",
        "add-batch --stage 2 More",
        str![[r######"
$ work add-batch --stage 2 More --json
{
  "added": [
    {
      "id": "02.02",
      "name": "More"
    }
  ],
  "moved": [],
  "state": "needs-approval",
  "text": "##### Batch 02: More/n/nTODO: what the threads of this batch do together."
}
--- exit 0

"######]],
    );
}

#[test]
fn what_is_not_there() {
    let desk = Desk::planned();
    desk.shows(
        "add-batch --stage 9 x",
        str![[r#"
$ work add-batch --stage 9 x
--- stderr
error: no stage `9` in stream `001-rename-fetch`
hint: there are 01, 02
--- exit 2

"#]],
    );
    desk.refuses("add-batch --stage one x", 2, &["no stage `one`"]);
    desk.shows(
        "add-batch x",
        str![[r#"
$ work add-batch x
--- stderr
error: the following required arguments were not provided:
  --stage <ID>

Usage: work add-batch --stage <ID> <NAME>

For more information, try '--help'.
--- exit 2

"#]],
    );
}

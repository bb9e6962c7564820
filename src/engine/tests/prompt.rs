//! What the agent of a thread is told: the author's own bytes, and how far it is.

use std::convert::Infallible;

use proptest::prelude::*;

use super::stream;
use crate::engine::approve::approve_plan;
use crate::engine::prompt;
use crate::model::{Stream, TaskStatus};
use crate::plan::parse;

const DETAILS: &str = r#"- Start in `src/commands/fetch.rs`

| old | new |
|:----|----:|
| `a \| b` | "x" |

> Quoted words
> > on two levels

1. Rename
   - the file
     - and its test
2. Keep it:
   ```sh
   echo "$(date)" 'single' \ && true
   ```

~~~markdown
###### Thread 09: not a thread
**Summary:** not a label
- [ ] not a task
```
~~~

    indented code	with a tab

**Note:** another bold label.  
A line after two blanks, `${not} {a} #{format}` & <b>html</b> – “quotes” 🦀.

Last words."#;

fn text(details: &str) -> String {
    format!(
        "# Plan: Sample\n\n## Stages\n\n### Stage 01: One\n\n#### Stage Definition\n\nWhat is true.\n\n\
         #### Stage Batches\n\n##### Batch 01: Only\n\nWords.\n\n\
         ###### Thread 01: A\n\n**Summary:**\nDo it.\n\n**Details:**\n{details}\n\n\
         ###### Thread 02: B\n\n**Summary:**\nDo that.\n\n**Details:**\nWith care.\n\n\
         **Tasks:**\n- [ ] one\n- [ ] two\n- [ ] three\n- [ ] four\n- [ ] five\n\n\
         **Paths:** `src/**`, `a b.txt`\n\n**Verify:**\n- make check ARGS=\"a, b\"\n"
    )
}

fn prompt_of(text: &str, thread: usize, change: impl FnOnce(&mut Stream), message: Option<&str>) -> String {
    let (_folder, store) = stream();
    let parsed = parse(text);
    approve_plan(&store, text, &parsed, "ada").expect("approved");
    let changed = store.transact(|stream| {
        change(stream);
        Ok::<_, Infallible>(())
    });
    changed.expect("changed");
    let stream = store.read().expect("read");
    let thread = &stream.threads[thread];
    let planned = parsed.plan.thread(thread.id).expect("planned");
    prompt(&stream, thread, &parsed.plan, planned, "", "", message)
}

#[test]
fn details_reach_the_agent_byte_for_byte() {
    let prompt = prompt_of(&text(DETAILS), 0, |_| {}, None);
    assert!(prompt.contains(&format!("\n## Details\n\n{DETAILS}\n\n")), "{prompt}");
}

#[test]
fn tasks_are_shown_as_far_as_they_are() {
    let change = |stream: &mut Stream| {
        for (task, status) in stream.threads[1].tasks.iter_mut().zip(TaskStatus::ALL) {
            crate::model::set_task(task, status, super::now()).expect("allowed");
        }
        stream.threads[1].tasks[1].breadcrumb = Some("src/two.rs".to_owned());
        stream.threads[1].tasks[2].report = Some("three is \"done\"".to_owned());
        stream.threads[1].tasks[3].report = Some("the key is missing".to_owned());
    };
    let prompt = prompt_of(&text("x"), 1, change, Some("Mind the `man` page.\n\nAnd be kind."));
    let tasks = "## Tasks\n\n\
                 - [ ] `01.01.02.01` one\n\
                 - [~] `01.01.02.02` two\n  - left at: src/two.rs\n\
                 - [x] done: `01.01.02.03` three\n  - reported: three is \"done\"\n\
                 - [!] blocked: `01.01.02.04` four\n  - reported: the key is missing\n\
                 - [-] not wanted any more: `01.01.02.05` five\n\n";
    assert!(prompt.contains(tasks), "{prompt}");
    for part in [
        "work update --stream 001-sample --task 01.01.02.01 --status completed",
        "- Stage 01: One\n- Batch 01.01: Only\n- Other agents work on these threads at the same time; leave \
         their work alone: 01.01.01 A\n",
        "- `src/**`\n- `a b.txt`\n",
        "- `make check ARGS=\"a, b\"`\n",
        "## A word from the person who started you\n\nMind the `man` page.\n\nAnd be kind.\n",
    ] {
        assert!(prompt.contains(part), "`{part}` is not in\n{prompt}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever an author writes within a code fence arrives.
    #[test]
    fn any_text_within_a_fence_arrives(lines in prop::collection::vec("[ -~é漢🦀\t]{0,30}", 1..8)) {
        let body = lines.join("\n").replace('~', "-");
        let details = format!("~~~~\n{body}\n~~~~");
        let prompt = prompt_of(&text(&details), 0, |_| {}, None);
        prop_assert!(prompt.contains(&format!("\n## Details\n\n{details}\n\n")), "{}", prompt);
    }
}

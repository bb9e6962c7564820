//! `work fix --new-stage`.

use snapbox::str;

use super::desk::Desk;

#[test]
fn a_new_stage_takes_up_what_is_left() {
    let desk = Desk::busy();
    desk.shows("fix --new-stage Rest --dry-run", str![[r#"
$ work fix --new-stage Rest --dry-run
would add stage 03 Fix - Rest
would add batch 03.01 What is left
would add thread 03.01.01 Shell completions and the man page
would add thread 03.01.02 Help texts

### Stage 03: Fix - Rest

#### Stage Definition

What these threads left undone is done: 01.01.02, 01.02.01.

#### Stage Batches

##### Batch 01: What is left

What these threads left undone is done: 01.01.02, 01.02.01.

###### Thread 01: Shell completions and the man page

**Agent:** docs-writer

**Summary:**
Finish what thread 01.01.02 left (failed: rate-limit: 429: the quota is used up).

**Details:**
Let everything that a person types or reads know the new name.

See the page of `pull`.

What was reported of thread 01.01.02 so far:

- 01.01.02.01 Shell completions and the man page (in_progress): left at: completions/pull.bash is done, zsh comes next

**Tasks:**
- [ ] Shell completions and the man page

**Paths:**
- `completions/**`
- `doc/pull.1`

**Verify:**
- make man

###### Thread 02: Help texts

**Summary:**
Finish what thread 01.02.01 left (interrupted: its window or command was closed).

**Details:**
Say `pull` in every help text.

Keep them short.

Nothing was reported of thread 01.02.01; look at what is there first.

**Tasks:**
- [ ] Help texts
--- exit 0

"#]]);
    // As the older tool had it.
    desk.shows("fix --name Rest --stage 1 --dry-run", str![[r#"
$ work fix --name Rest --stage 1 --dry-run
would add stage 03 Fix - Rest
would add batch 03.01 What is left
would add thread 03.01.01 Shell completions and the man page
would add thread 03.01.02 Help texts

### Stage 03: Fix - Rest

#### Stage Definition

What these threads left undone is done: 01.01.02, 01.02.01.

#### Stage Batches

##### Batch 01: What is left

What these threads left undone is done: 01.01.02, 01.02.01.

###### Thread 01: Shell completions and the man page

**Agent:** docs-writer

**Summary:**
Finish what thread 01.01.02 left (failed: rate-limit: 429: the quota is used up).

**Details:**
Let everything that a person types or reads know the new name.

See the page of `pull`.

What was reported of thread 01.01.02 so far:

- 01.01.02.01 Shell completions and the man page (in_progress): left at: completions/pull.bash is done, zsh comes next

**Tasks:**
- [ ] Shell completions and the man page

**Paths:**
- `completions/**`
- `doc/pull.1`

**Verify:**
- make man

###### Thread 02: Help texts

**Summary:**
Finish what thread 01.02.01 left (interrupted: its window or command was closed).

**Details:**
Say `pull` in every help text.

Keep them short.

Nothing was reported of thread 01.02.01; look at what is there first.

**Tasks:**
- [ ] Help texts
--- stderr
warning: `work fix --name NAME` is deprecated, and forwards to `work add-stage NAME --fix`
--- exit 0

"#]]);
}

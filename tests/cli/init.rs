//! `work init`

use snapbox::str;

use super::desk::Desk;

#[test]
fn a_repository_is_set_up_and_a_second_time_nothing_is_changed() {
    let desk = Desk::bare();
    desk.shows(
        "init --dry-run",
        str![[r#"
$ work init --dry-run
would create work/agents.yaml
would create work/.gitignore
--- stderr
hint: look at the models in `work/agents.yaml`, then `work create NAME`
--- exit 0

"#]],
    );
    desk.shows(
        "init",
        str![[r#"
$ work init
created work/agents.yaml
created work/.gitignore
--- stderr
hint: look at the models in `work/agents.yaml`, then `work create NAME`
--- exit 0

"#]],
    );
    desk.shows(
        "init --skills agents",
        str![[r#"
$ work init --skills agents
created .agents/skills/planning-workstreams/SKILL.md
created .agents/skills/implementing-workstreams/SKILL.md
created .agents/skills/repairing-workstreams/SKILL.md
kept work/agents.yaml, which was there
kept work/.gitignore, which was there
--- stderr
hint: look at the models in `work/agents.yaml`, then `work create NAME`
--- exit 0

"#]],
    );
}

/// Where nobody says which agents there are, all of them find the skills.
#[test]
fn skills_without_a_value_go_wherever_agents_look() {
    let desk = Desk::bare();
    desk.shows(
        "init --skills",
        str![[r#"
$ work init --skills
created work/agents.yaml
created work/.gitignore
created .opencode/skills/planning-workstreams/SKILL.md
created .opencode/skills/implementing-workstreams/SKILL.md
created .opencode/skills/repairing-workstreams/SKILL.md
created .claude/skills/planning-workstreams/SKILL.md
created .claude/skills/implementing-workstreams/SKILL.md
created .claude/skills/repairing-workstreams/SKILL.md
created .agents/skills/planning-workstreams/SKILL.md
created .agents/skills/implementing-workstreams/SKILL.md
created .agents/skills/repairing-workstreams/SKILL.md
--- stderr
hint: look at the models in `work/agents.yaml`, then `work create NAME`
--- exit 0

"#]],
    );
    for (name, text) in work::engine::init::SKILLS {
        for folder in [".opencode", ".claude", ".agents"] {
            assert_eq!(desk.bytes(format!("repo/{folder}/skills/{name}/SKILL.md")), text.as_bytes());
        }
    }
}

/// A skill that was changed, or is of another version, is neither replaced nor passed over in silence.
#[test]
fn a_skill_with_another_text_is_left_as_it_is_and_told_of() {
    let desk = Desk::bare();
    desk.run("init --skills agents").ok();
    let path = format!(".agents/skills/{}/SKILL.md", work::engine::init::SKILLS[1].0);
    desk.env.write(format!("repo/{path}"), "mine");
    let again = desk.run("init --skills agents").ok();
    assert_eq!(again.stderr.matches("differs from the skill of this version").count(), 1, "{again:#?}");
    assert!(again.stderr.contains(&format!("`{path}` differs")), "{again:#?}");
    assert_eq!(desk.bytes(format!("repo/{path}")), b"mine");
}

#[test]
fn as_json() {
    let desk = Desk::bare();
    desk.shows_json(
        "init",
        "init --dry-run",
        str![[r#"
$ work init --dry-run --json
{
  "created": [
    "[REPO]/work/agents.yaml",
    "[REPO]/work/.gitignore"
  ],
  "kept": []
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "init",
        "init",
        str![[r#"
$ work init --json
{
  "created": [
    "[REPO]/work/agents.yaml",
    "[REPO]/work/.gitignore"
  ],
  "kept": []
}
--- exit 0

"#]],
    );
}

#[test]
fn outside_of_git_it_works_and_says_what_is_missing() {
    let desk = Desk::bare();
    std::fs::remove_dir_all(desk.path("repo/.git")).expect("gone");
    desk.shows(
        "init",
        str![[r#"
$ work init
created work/agents.yaml
created work/.gitignore
created work/.local/.gitignore
--- stderr
warning: this is no git repository: what agents change can't be compared or taken back
hint: look at the models in `work/agents.yaml`, then `work create NAME`
--- exit 0

"#]],
    );
}

#[test]
fn an_unknown_kind_of_skills_is_a_usage_error() {
    let desk = Desk::bare();
    desk.shows(
        "init --skills emacs",
        str![[r#"
$ work init --skills emacs
--- stderr
error: invalid value 'emacs' for '--skills [<AGENTS>]'
  [possible values: opencode, claude, agents]

For more information, try '--help'.
--- exit 2

"#]],
    );
}

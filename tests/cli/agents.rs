//! `work agents`

use snapbox::str;

use super::desk::Desk;

#[test]
fn agents_and_whether_they_can_be_used() {
    let desk = Desk::ready();
    desk.shows(
        "agents",
        str![[r#"
$ work agents
Agent    Best for              Backend   Models                       Usable
default  Everyday development  opencode  anthropic/claude-sonnet-4-5  yes
--- exit 0

"#]],
    );
    desk.agents(MANY);
    desk.shows(
        "agents",
        str![[r#"
$ work agents
Agent    Best for                       Backend   Models                       Usable
default  Everyday development           opencode  anthropic/claude-sonnet-4-5  yes
                                                  openai/gpt-5.2#high
qwen     Small, well-described changes  acp       qwen/qwen3-coder             no
sh                                      acp       a/b                          yes

qwen can't be used: `this-program-is-not-installed` is not installed
--- exit 0

"#]],
    );
}

#[test]
fn as_json() {
    let desk = Desk::ready();
    desk.agents(MANY);
    desk.shows_json(
        "agents",
        "agents",
        str![[r#"
$ work agents --json
[
  {
    "name": "default",
    "bestFor": "Everyday development",
    "backend": "opencode",
    "models": [
      "anthropic/claude-sonnet-4-5",
      "openai/gpt-5.2#high"
    ],
    "program": "[ROOT]/bin/opencode",
    "unusable": null
  },
  {
    "name": "qwen",
    "bestFor": "Small, well-described changes",
    "backend": "acp",
    "models": [
      "qwen/qwen3-coder"
    ],
    "program": null,
    "unusable": "`this-program-is-not-installed` is not installed"
  },
  {
    "name": "sh",
    "bestFor": "",
    "backend": "acp",
    "models": [
      "a/b"
    ],
    "program": "/usr/bin/sh",
    "unusable": null
  }
]
--- exit 0

"#]],
    );
}

const MANY: &str = "\
agents:
  - name: default
    best_for: Everyday development
    models: [anthropic/claude-sonnet-4-5, { model: openai/gpt-5.2, variant: high }]
  - name: qwen
    best_for: Small, well-described changes
    backend: acp
    command: [this-program-is-not-installed, --acp]
    models: [qwen/qwen3-coder]
  - name: sh
    backend: acp
    command: [sh]
    models: [a/b]
";

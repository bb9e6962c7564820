//! A thread goes from opencode to the real qwen and back, each with its own memory.

use serde_json::Value;

use crate::support::acp_project::{agents, child, qwen, script, warm};
use crate::support::project::Project;

const OPENCODE: &str = "  - name: default\n    models: [scripted/ok]\n";

fn ids(project: &Project) -> Vec<String> {
    let id = |attempt: &Value| attempt["sessionId"].as_str().unwrap_or_default().to_owned();
    project.attempts(1).iter().map(id).collect()
}

/// What the model was asked in the turn whose message holds `words`: as text, and who had said what.
fn asked(project: &Project, words: &str) -> String {
    project.model().wait_for_request(words).to_string()
}

/// Whether the model hears `words` as what it has said itself.
fn has_said(project: &Project, message: &str, words: &str) -> bool {
    let request = project.model().wait_for_request(message);
    let messages = request["messages"].as_array().expect("messages");
    messages.iter().any(|one| one["role"] == "assistant" && one["content"].to_string().contains(words))
}

/// Each agent goes on in its own conversation, in which the model hears its own earlier words as its own, and
/// is told what the other one did.
#[test]
fn opencode_and_qwen_hand_a_thread_over_and_each_keeps_its_memory() {
    let project = Project::new(&["@text The valve is stuck, says opencode."]);
    agents(&project, &[OPENCODE.to_owned(), qwen(&project)]);
    let fix = |agent: &str, message: &str, says: &str| {
        let message = format!("{message}\n{}", script(&format!("@text {says}")));
        let done = project.work(["fix", "--thread", "1.1.1", "--agent", agent, "--message", &message]);
        assert!(done.stdout.contains(says), "{done:#?}");
    };
    assert_eq!(project.execute(1, &[]).code, 1, "its task is open");

    fix("qwen", "First for qwen.", "It was rust, says qwen.");
    let told = asked(&project, "First for qwen.");
    assert!(told.contains("What happened before") && told.contains("The valve is stuck"), "{told}");
    assert!(!has_said(&project, "First for qwen.", "The valve is stuck"), "it was another's word");

    fix("default", "Back to opencode.", "I remember the valve.");
    assert!(has_said(&project, "Back to opencode.", "The valve is stuck, says opencode."));
    assert!(asked(&project, "Back to opencode.").contains("It was rust, says qwen."));

    fix("qwen", "Back to qwen.", "I remember the rust.");
    assert!(has_said(&project, "Back to qwen.", "It was rust, says qwen."));
    assert!(asked(&project, "Back to qwen.").contains("I remember the valve."));

    let ids = ids(&project);
    assert_eq!((&ids[0], &ids[1]), (&ids[2], &ids[3]), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
    let attempts = project.attempts(1);
    let of = |name: &str| attempts.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("backend"), ["opencode", "acp", "opencode", "acp"]);
    assert_eq!(of("resumedFrom"), [Value::Null, Value::Null, 1.into(), 2.into()]);
    child(&project, "01.01.01");
    assert_eq!(warm(&project).len(), 2, "one server and one qwen, which was started once");
    project.assert_records_are_whole();
}

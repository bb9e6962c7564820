//! The examples and the template are what we tell others to write.

use work::config::parse_agents;
use work::diag::Severity;
use work::plan;

use super::text::{files, read, short};

#[test]
fn the_plans_of_the_examples_have_no_finding_and_their_agents_exist() {
    let plans = files("examples", "PLAN.md");
    assert!(plans.len() >= 3, "{plans:?}");
    let listed = read("examples/README.md");
    for path in plans {
        let name = path.parent().and_then(|folder| folder.file_name()).expect("a folder").to_string_lossy();
        assert!(listed.contains(&format!("({name}/PLAN.md)")), "examples/README.md does not name {name}");
        let parsed = plan::parse(&read(&path));
        assert!(parsed.diagnostics.is_empty(), "{}: {:#?}", short(&path), parsed.diagnostics);
        assert_eq!(plan::open_questions(&parsed.plan).count(), 0, "{}", short(&path));
        let agents = parse_agents(&read(path.with_file_name("agents.yaml")));
        assert!(agents.diagnostics.is_empty(), "{:#?}", agents.diagnostics);
        let known: Vec<&str> = agents.agents.agents.iter().map(|agent| agent.name.0.as_str()).collect();
        for agent in parsed.plan.threads().filter_map(|thread| thread.agent.as_ref()) {
            assert!(known.contains(&agent.value.0.as_str()), "{}: {agent:?}", short(&path));
        }
    }
}

#[test]
fn the_template_has_no_error() {
    let id = "001-x".parse().expect("an id");
    let parsed = plan::parse(&plan::template("X", &id, "2026-01-02", 3));
    assert!(
        parsed.diagnostics.iter().all(|finding| finding.severity < Severity::Error),
        "{:#?}",
        parsed.diagnostics
    );
}

#[test]
fn the_agents_that_init_writes_have_no_finding() {
    let agents = parse_agents(work::config::DEFAULT_AGENTS);
    assert!(agents.diagnostics.is_empty() && agents.agents.default_agent().is_some(), "{agents:#?}");
}

//! Files of settings as people write them.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use crate::config::Notify;
use crate::diag::{Diagnostic, Severity};
use crate::model::{AgentName, BackendKind, Budget, NoticeKind, Policy};

use super::{
    DEFAULT_AGENTS, Isolation, Launcher, Place, PoolSettings, ServerAddress, Settings, Window,
    WorktreeSettings, codes, explain, parse_agents, parse_settings,
};

const GOOD: &str = "\
agents:
  - name: default
    description: 'One: with a colon'
    best_for: Everything
    models: [a/b, c/d/e#high, { model: f/g, variant: low }]
    env: { LEVEL: 3, ON: yes }
    opencode_agent: build
    permissions: allow
  - name: other one
    backend: acp
    command: [qwen, --acp, -v, 1.10]
    models: x/y
";

#[test]
fn agents_are_read_with_all_their_keys() {
    let parsed = parse_agents(GOOD);
    assert_eq!(parsed.diagnostics, []);
    let [first, second] = parsed.agents.agents.as_slice() else { panic!("two agents") };
    assert_eq!(first.description, "One: with a colon");
    let models: Vec<String> = first.models.iter().map(ToString::to_string).collect();
    assert_eq!(models, ["a/b", "c/d/e#high", "f/g#low"]);
    assert_eq!(first.env.get("LEVEL").map(String::as_str), Some("3"));
    assert_eq!(first.env.get("ON").map(String::as_str), Some("yes"));
    assert_eq!((first.backend, first.opencode_agent.as_deref()), (BackendKind::Opencode, Some("build")));
    assert_eq!((first.permissions, second.permissions), (Some(Policy::Allow), None));
    assert_eq!((second.backend, second.description.as_str()), (BackendKind::Acp, ""));
    assert_eq!(second.command, ["qwen", "--acp", "-v", "1.10"]);
    assert_eq!(parsed.agents.default_agent(), Some(first));
    assert_eq!(parsed.agents.get(&AgentName("other one".into())), Some(second));
}

#[test]
fn an_agent_may_run_elsewhere() {
    let read = |more: &str| {
        let text = format!("agents:\n  - name: a\n    models: [a/b]\n{more}");
        let parsed = parse_agents(&text);
        assert_eq!(parsed.diagnostics, [], "{text}");
        parsed.agents.agents[0].place.clone()
    };
    let launched = |words: &[&str], shell, directory: Option<&str>| {
        let command = words.iter().map(|word| (*word).to_owned()).collect();
        Place::Launched(Launcher { command, shell, directory: directory.map(Into::into) })
    };
    let acp = "    backend: acp\n    command: [x]\n";
    for (more, place) in [
        ("launcher: [ssh, b]", launched(&["ssh", "b"], true, None)),
        ("launcher: [/usr/bin/ssh, b]", launched(&["/usr/bin/ssh", "b"], true, None)),
        ("launcher: [env, A=b]", launched(&["env", "A=b"], false, None)),
        (
            "launcher: { command: [far, b], shell: true }\n    directory: /srv/p",
            launched(&["far", "b"], true, Some("/srv/p")),
        ),
        ("launcher: { command: [ssh, b], shell: false }", launched(&["ssh", "b"], false, None)),
    ] {
        assert_eq!(read(&format!("{acp}    {more}\n")), place, "{more}");
    }
    let server = "    server: https://build1:4096/\n    server_password_env: BUILD1\n    directory: /srv/p\n";
    let (url, password_env) = ("https://build1:4096".to_owned(), Some("BUILD1".to_owned()));
    let address = ServerAddress { url, password_env, directory: Some("/srv/p".into()) };
    assert_eq!(read(server), Place::Server(address));
    assert_eq!(read(""), Place::Here);
}

#[test]
fn the_file_of_init_has_no_faults() {
    let parsed = parse_agents(DEFAULT_AGENTS);
    assert_eq!(parsed.diagnostics, []);
    assert!(parsed.agents.default_agent().is_some());
    let all = DEFAULT_AGENTS.replace("  # - ", "  - ").replace("  #   ", "    ");
    let parsed = parse_agents(&all);
    assert_eq!(parsed.diagnostics, [], "its examples as well\n{all}");
    assert_eq!(parsed.agents.agents.len(), 3);
}

#[test]
fn settings_are_read_and_have_defaults() {
    let text = "supervisor: { idleTimeout: 5m }\nstallTimeout: 90s\nturnTimeout: 2h\nwaitForLimit: 0s\nwindow: stream\n\
                permissions: ask\naskTimeout: 5m\npool:\n  idleTimeout: 10m\n  maxLive: 0\njobs: { maxParallel: 2 }\n\
                notify: { on: [failed, waiting], tmux: false, desktop: true, command: [tell, -q] }\n\
                isolation: worktree\nworktree: { copy: [.env], setup: [npm ci] }\nverify: { timeout: 2m }\n";
    let parsed = parse_settings(text);
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(
        parsed.settings,
        Settings {
            isolation: Isolation::Worktree,
            worktree: WorktreeSettings { copy: vec![".env".into()], setup: vec!["npm ci".into()] },
            supervisor_idle_timeout: Duration::from_secs(300),
            stall_timeout: Duration::from_secs(90),
            turn_timeout: Some(Duration::from_secs(7200)),
            wait_for_limit: Duration::ZERO,
            window: Window::Stream,
            permissions: Some(Policy::Ask),
            ask_timeout: Duration::from_secs(300),
            notify: Notify {
                on: vec![NoticeKind::Failed, NoticeKind::Waiting],
                tmux: false,
                desktop: true,
                command: vec!["tell".to_owned(), "-q".to_owned()],
            },
            pool: PoolSettings { idle_timeout: Duration::from_secs(600), max_live: 0 },
            max_parallel: 2,
            budget: Budget::default(),
            verify_timeout: Duration::from_secs(120),
        }
    );
    for empty in ["", "# nothing\n", "---\n"] {
        let parsed = parse_settings(empty);
        assert_eq!((parsed.settings, parsed.diagnostics), (Settings::default(), vec![]), "{empty:?}");
    }
}

/// The file, the code, and the text at the place that is shown.
const BROKEN: &[(&str, &str, &str)] = &[
    ("agents:\n\t- name: x\n", "A001", ""),
    ("agents: [", "A001", ""),
    ("agents:\n  - name: a\n    modles: [a/b]\n    models: [a/b]\n", "A002", "modles"),
    ("agents: []\nother: 1\n", "A002", "other"),
    ("agents:\n  - name: a\n    name: b\n    models: [a/b]\n", "A003", "name"),
    ("- a\n", "A004", "- a"),
    ("agents: x\n", "A004", "x"),
    ("agents:\n  - x\n", "A004", "x"),
    ("agents:\n  - name: [x]\n    models: [a/b]\n", "A004", "[x]"),
    ("agents:\n  - name: a\n    models: 3\n", "A004", "3"),
    ("agents:\n  - name: a\n    models: [a/b]\n    env: [x]\n", "A004", "[x]"),
    ("agents:\n  - name: a\n    models: [a/b]\n  - name: a\n    models: [a/b]\n", "A005", "a"),
    ("", "A006", ""),
    ("agents: []\n", "A006", "[]"),
    ("agents:\n", "A006", ""),
    ("agents:\n  - models: [a/b]\n", "A007", "models"),
    ("agents:\n  - name: ' '\n    models: [a/b]\n", "A007", "' '"),
    ("agents:\n  - name: a\n    backend: http\n    models: [a/b]\n", "A008", "http"),
    ("agents:\n  - name: a\n", "A009", "name"),
    ("agents:\n  - name: a\n    models: []\n", "A009", "models"),
    ("agents:\n  - name: a\n    models: [a]\n", "A010", "a"),
    ("agents:\n  - name: a\n    models: [{ variant: x }]\n", "A010", "{ variant: x }"),
    (
        "agents:\n  - name: a\n    models: [{ model: 'a/b#c', variant: x }]\n",
        "A010",
        "{ model: 'a/b#c', variant: x }",
    ),
    (
        "agents:\n  - name: a\n    backend: acp\n    command: [x]\n    launcher: []\n    models: [a/b]\n",
        "A015",
        "[]",
    ),
    (
        "agents:\n  - name: a\n    backend: acp\n    command: [x]\n    launcher: { shell: true }\n    models: [a/b]\n",
        "A015",
        "{ shell: true }",
    ),
    ("agents:\n  - name: a\n    launcher: [ssh, b]\n    models: [a/b]\n", "A016", "[ssh, b]"),
    (
        "agents:\n  - name: a\n    backend: acp\n    command: [x]\n    server: http://h:1\n    models: [a/b]\n",
        "A016",
        "http://h:1",
    ),
    (
        "agents:\n  - name: a\n    launcher: [env]\n    server: http://h:1\n    models: [a/b]\n",
        "A016",
        "[env]",
    ),
    ("agents:\n  - name: a\n    server: h:1\n    models: [a/b]\n", "A017", "h:1"),
    ("agents:\n  - name: a\n    server: http://h:1/x\n    models: [a/b]\n", "A017", "http://h:1/x"),
    ("agents:\n  - name: a\n    server: https://u:p@h:1\n    models: [a/b]\n", "A017", "https://u:p@h:1"),
    (
        "agents:\n  - name: a\n    server: http://h:1\n    server_password_env: 's e'\n    models: [a/b]\n",
        "A018",
        "'s e'",
    ),
    ("agents:\n  - name: a\n    directory: /x\n    models: [a/b]\n", "A019", "/x"),
    (
        "agents:\n  - name: a\n    server: http://h:1\n    env: { X: y }\n    models: [a/b]\n",
        "A019",
        "{ X: y }",
    ),
    (
        "agents:\n  - name: a\n    backend: acp\n    command: [x]\n    launcher: [env]\n    env: { a.b: y }\n    \
         models: [a/b]\n",
        "A020",
        "a.b",
    ),
    (
        "agents:\n  - name: a\n    server: http://h:1\n    directory: ../x\n    models: [a/b]\n",
        "A021",
        "../x",
    ),
    ("agents:\n  - name: a\n    backend: acp\n    models: [a/b]\n", "A011", "name"),
    ("agents:\n  - name: a\n    backend: acp\n    command: []\n    models: [a/b]\n", "A011", "[]"),
    ("agents:\n  - name: a\n    command: [x]\n    models: [a/b]\n", "A012", "[x]"),
    ("agents:\n  - name: a\n    models: [a/b]\n    env: { 'A=B': c }\n", "A013", "'A=B'"),
    ("agents:\n  - name: a\n    models: [a/b]\n    permissions: maybe\n", "A014", "maybe"),
    ("window: [\n", "C001", ""),
    ("windw: tui\n", "C002", "windw"),
    ("supervisor: { idle: 1m }\n", "C002", "idle"),
    ("window: tui\nwindow: stream\n", "C003", "window"),
    ("supervisor: 3\n", "C004", "3"),
    ("stallTimeout:\n", "C004", ""),
    ("stallTimeout: 30\n", "C005", "30"),
    ("supervisor:\n  idleTimeout: soon\n", "C005", "soon"),
    ("stallTimeout: 0s\n", "C005", "0s"),
    ("waitForLimit: long\n", "C005", "long"),
    ("window: emacs\n", "C006", "emacs"),
    ("permissions: no\n", "C007", "no"),
    ("jobs: { maxParallel: 0 }\n", "C008", "0"),
    ("jobs: { maxParallel: 65 }\n", "C008", "65"),
    ("jobs: { maxParallel: many }\n", "C008", "many"),
    ("permissions: [ask]\n", "C004", "[ask]"),
    ("notify: { on: [done, all] }\n", "C010", "all"),
    ("isolation: docker\n", "C011", "docker"),
    ("budget: { thread: { cost: free } }\n", "C012", "free"),
    ("budget: { thread: 2.50 }\n", "C004", "2.50"),
    ("budget: { stream: { price: 2 } }\n", "C002", "price"),
    ("budget: { stream: { tokens: [1] } }\n", "C004", "[1]"),
    ("worktree: { copy: .env }\n", "C004", ".env"),
    ("notify: { desktop: perhaps }\n", "C004", "perhaps"),
    ("notify: { command: notify-send }\n", "C004", "notify-send"),
    ("pool: { maxLiv: 3 }\n", "C002", "maxLiv"),
    ("pool: 3\n", "C004", "3"),
    ("pool: { idleTimeout: 0s }\n", "C005", "0s"),
    ("pool:\n  maxLive: -1\n", "C008", "-1"),
    ("pool: { maxLive: many }\n", "C008", "many"),
];

fn findings(source: &str, code: &str) -> Vec<Diagnostic> {
    match code.starts_with('A') {
        true => parse_agents(source).diagnostics,
        false => parse_settings(source).diagnostics,
    }
}

#[test]
fn each_fault_is_reported_at_its_place_with_help() {
    for (source, code, place) in BROKEN {
        let found = findings(source, code);
        let hit = found.iter().find(|finding| finding.code == *code);
        let hit = hit.unwrap_or_else(|| panic!("{code} is not among {found:#?} of\n{source}"));
        assert!(hit.help.is_some(), "{code}");
        let at = hit.primary.as_ref().map(|label| source[label.span.clone()].trim());
        if !place.is_empty() {
            assert_eq!(at, Some(*place), "{code} of\n{source}");
        }
    }
}

#[test]
fn each_code_is_explained_and_tested() {
    let known: BTreeSet<&str> = codes().collect();
    assert_eq!(known, BROKEN.iter().map(|(_, code, _)| *code).collect());
    assert!(known.iter().all(|code| explain(code).is_some_and(|text| text.len() > 50)));
    assert_eq!(explain("A999"), None);
}

#[test]
fn a_broken_agent_does_not_hide_the_others() {
    let parsed = parse_agents(&format!("{GOOD}  - name: bad\n    models: [oops]\n"));
    assert_eq!(parsed.agents.agents.len(), 2);
    assert_eq!(parsed.diagnostics.iter().filter(|finding| finding.severity == Severity::Error).count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_and_every_place_is_in_it(
        text in prop_oneof![".{0,200}", "[a-z:\\[\\]{}&*\"' \\n\\t#|>-]{0,120}"],
        cut in 0..GOOD.len(),
    ) {
        let (before, after) = (GOOD.get(..cut).unwrap_or(""), GOOD.get(cut..).unwrap_or(""));
        for source in [text.clone(), format!("{before}{text}{after}")] {
            for finding in findings(&source, "A").into_iter().chain(findings(&source, "C")) {
                for label in finding.primary.iter().chain(&finding.secondary) {
                    prop_assert!(source.get(label.span.clone()).is_some(), "{:?} of {:?}", finding, source);
                }
            }
        }
    }
}

/// An empty file is told what makes it a good one, and that is true.
#[test]
fn the_file_that_a_file_without_agents_is_shown_can_be_used() {
    let found = parse_agents("").diagnostics;
    let help = found[0].help.as_deref().expect("something to do");
    let example = help.split('`').nth(1).expect("a file");
    let parsed = parse_agents(example);
    assert_eq!((parsed.diagnostics.len(), parsed.agents.agents.len()), (0, 1), "{:#?}", parsed.diagnostics);
}

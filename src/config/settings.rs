//! `work/config.yaml`: optional settings of a project.
//!
//! One invariant: a file that is not there, an empty one and one with errors give the defaults for
//! whatever they do not set.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diag::Diagnostic;
use crate::model::{Budget, Policy};

use super::agents::policy;
use super::budget::budget;
use super::duration::parse_duration;
use super::notify::{Notify, notify};
use super::reader::{Codes, Reader};
use super::yaml::{Node, Value};

/// What a window of `work multi` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Window {
    /// The agent's own terminal UI.
    #[default]
    Tui,
    /// The plain stream of its turn, which costs less memory.
    Stream,
}

/// How many agents are kept warm between their turns, and for how long. Those of opencode share one server,
/// and don't count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// An agent that nobody has used for so long is ended.
    pub idle_timeout: Duration,
    /// With more than so many, the one that was not used for longest is ended; one that works, or waits for
    /// a person, never is. 0 keeps none.
    pub max_live: usize,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { idle_timeout: Duration::from_secs(30 * 60), max_live: 10 }
    }
}

/// Where threads work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Isolation {
    /// All in the main checkout.
    #[default]
    None,
    /// Each in a git worktree of its own.
    Worktree,
}

/// How a new worktree is prepared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorktreeSettings {
    /// Ignored files that it needs, as patterns of git from the top of the checkout: `.env`, `config/*.local`.
    pub copy: Vec<String>,
    /// Commands that prepare it, each a line for `sh`.
    pub setup: Vec<String>,
}

/// The settings of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// After how long without work the supervisor ends by itself.
    pub supervisor_idle_timeout: Duration,
    /// After how long without any event a turn counts as stalled.
    pub stall_timeout: Duration,
    /// How long a turn may take at most; `None` sets no limit.
    pub turn_timeout: Option<Duration>,
    /// How long a turn may wait for a provider's limit to reset; zero: not at all.
    pub wait_for_limit: Duration,
    /// What a window of `work multi` shows.
    pub window: Window,
    /// What happens when an agent asks for a permission, or a question, and neither the agent's entry nor
    /// the command line says so; `None` leaves it to whether somebody can see it.
    pub permissions: Option<Policy>,
    /// How long an agent that asks waits for a person, before it is denied.
    pub ask_timeout: Duration,
    /// How a person is told who is looking elsewhere.
    pub notify: Notify,
    /// Which agents are kept warm.
    pub pool: PoolSettings,
    /// How many background jobs run at once; never 0.
    pub max_parallel: usize,
    /// Where threads work.
    pub isolation: Isolation,
    /// How a new worktree is prepared.
    pub worktree: WorktreeSettings,
    /// What threads and streams may use.
    pub budget: Budget,
    /// How long one command of a thread's check may take.
    pub verify_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            supervisor_idle_timeout: Duration::from_secs(30 * 60),
            stall_timeout: Duration::from_secs(10 * 60),
            turn_timeout: None,
            wait_for_limit: Duration::from_secs(30 * 60),
            window: Window::Tui,
            permissions: None,
            ask_timeout: Duration::from_secs(10 * 60),
            notify: Notify::default(),
            pool: PoolSettings::default(),
            max_parallel: 4,
            isolation: Isolation::None,
            worktree: WorktreeSettings::default(),
            budget: Budget::default(),
            verify_timeout: Duration::from_secs(30 * 60),
        }
    }
}

/// More jobs at once than this are surely a slip.
const MOST_PARALLEL: usize = 64;

/// Settings and all that was found about their file.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedSettings {
    /// The settings, as far as they could be read.
    pub settings: Settings,
    /// What is wrong or doubtful.
    pub diagnostics: Vec<Diagnostic>,
}

const CODES: Codes = Codes { syntax: "C001", unknown_key: "C002", duplicate_key: "C003", wrong_type: "C004" };

/// Reads the text of `config.yaml`.
#[must_use]
pub fn parse_settings(source: &str) -> ParsedSettings {
    let mut reader = Reader::new(CODES);
    let mut settings = Settings::default();
    if let Some(root) = reader.read(source).filter(|root| root.value != Value::Null) {
        let known = [
            "supervisor",
            "stallTimeout",
            "turnTimeout",
            "waitForLimit",
            "window",
            "permissions",
            "askTimeout",
            "notify",
            "pool",
            "jobs",
            "isolation",
            "worktree",
            "budget",
            "verify",
        ];
        for (key, node) in reader.map(&root, "the configuration", &known).unwrap_or_default() {
            match key.name.as_str() {
                "supervisor" => supervisor(&mut reader, node, &mut settings),
                "jobs" => jobs(&mut reader, node, &mut settings),
                "stallTimeout" => set(&mut settings.stall_timeout, time(&mut reader, node, "`stallTimeout`")),
                "turnTimeout" => {
                    settings.turn_timeout =
                        time(&mut reader, node, "`turnTimeout`").or(settings.turn_timeout);
                }
                "waitForLimit" => set(&mut settings.wait_for_limit, time_or_none(&mut reader, node)),
                "permissions" => {
                    settings.permissions = policy(&mut reader, node, "C007").or(settings.permissions);
                }
                "notify" => notify(&mut reader, node, &mut settings.notify),
                "isolation" => set(&mut settings.isolation, isolation(&mut reader, node)),
                "budget" => budget(&mut reader, node, source, &mut settings.budget),
                "worktree" => worktree(&mut reader, node, &mut settings.worktree),
                "verify" => verify(&mut reader, node, &mut settings),
                "pool" => pool(&mut reader, node, &mut settings.pool),
                "askTimeout" => set(&mut settings.ask_timeout, time(&mut reader, node, "`askTimeout`")),
                _ => set(&mut settings.window, window(&mut reader, node)),
            }
        }
    }
    ParsedSettings { settings, diagnostics: reader.found }
}

fn supervisor(reader: &mut Reader, node: &Node, settings: &mut Settings) {
    for (_, value) in reader.map(node, "`supervisor`", &["idleTimeout"]).unwrap_or_default() {
        set(&mut settings.supervisor_idle_timeout, time(reader, value, "`supervisor.idleTimeout`"));
    }
}

fn verify(reader: &mut Reader, node: &Node, settings: &mut Settings) {
    for (_, value) in reader.map(node, "`verify`", &["timeout"]).unwrap_or_default() {
        set(&mut settings.verify_timeout, time(reader, value, "`verify.timeout`"));
    }
}

fn pool(reader: &mut Reader, node: &Node, pool: &mut PoolSettings) {
    for (key, value) in reader.map(node, "`pool`", &["idleTimeout", "maxLive"]).unwrap_or_default() {
        match key.name.as_str() {
            "idleTimeout" => set(&mut pool.idle_timeout, time(reader, value, "`pool.idleTimeout`")),
            _ => set(&mut pool.max_live, number(reader, value, "`pool.maxLive`")),
        }
    }
}

fn jobs(reader: &mut Reader, node: &Node, settings: &mut Settings) {
    for (_, value) in reader.map(node, "`jobs`", &["maxParallel"]).unwrap_or_default() {
        let Some(text) = reader.text(value, "`jobs.maxParallel`") else { continue };
        match text.trim().parse().ok().filter(|count| (1..=MOST_PARALLEL).contains(count)) {
            Some(count) => settings.max_parallel = count,
            None => {
                let message = format!("`{text}` is no count of jobs");
                reader.error("C008", value.span.clone(), message, "write a number from 1 to 64");
            }
        }
    }
}

/// A whole number, not below zero.
fn number(reader: &mut Reader, node: &Node, what: &str) -> Option<usize> {
    let text = reader.text(node, what)?;
    let number = text.trim().parse().ok();
    if number.is_none() {
        let message = format!("{what}: `{text}` is no whole number");
        reader.error("C008", node.span.clone(), message, "write a number such as `10`");
    }
    number
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn time(reader: &mut Reader, node: &Node, what: &str) -> Option<Duration> {
    let text = reader.text(node, what)?;
    let time = parse_duration(&text);
    if let Err(error) = &time {
        let help = "write a number with `ms`, `s`, `m`, `h` or `d`";
        reader.error("C005", node.span.clone(), format!("{what}: {error}"), help);
    }
    time.ok()
}

/// A length of time, or `0s`, which switches it off.
fn time_or_none(reader: &mut Reader, node: &Node) -> Option<Duration> {
    match &node.value {
        Value::Text(text) | Value::Plain(text) if ["0", "0s"].contains(&text.trim()) => Some(Duration::ZERO),
        _ => time(reader, node, "`waitForLimit`"),
    }
}

fn isolation(reader: &mut Reader, node: &Node) -> Option<Isolation> {
    match reader.text(node, "`isolation`")?.as_str() {
        "none" => Some(Isolation::None),
        "worktree" => Some(Isolation::Worktree),
        other => {
            let message = format!("`{other}` is no kind of isolation");
            reader.error("C011", node.span.clone(), message, "write `none` or `worktree`");
            None
        }
    }
}

fn worktree(reader: &mut Reader, node: &Node, worktree: &mut WorktreeSettings) {
    for (key, value) in reader.map(node, "`worktree`", &["copy", "setup"]).unwrap_or_default() {
        let (what, list) = match key.name.as_str() {
            "copy" => ("`worktree.copy`", &mut worktree.copy),
            _ => ("`worktree.setup`", &mut worktree.setup),
        };
        let items = reader.list(value, what).iter();
        let texts: Vec<String> = items.filter_map(|item| reader.text(item, what)).collect();
        *list = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
    }
}

fn window(reader: &mut Reader, node: &Node) -> Option<Window> {
    match reader.text(node, "`window`")?.as_str() {
        "tui" => Some(Window::Tui),
        "stream" => Some(Window::Stream),
        other => {
            let message = format!("`{other}` is no kind of window");
            reader.error("C006", node.span.clone(), message, "write `tui` or `stream`");
            None
        }
    }
}

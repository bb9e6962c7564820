//! The agents of `agents.yaml`, and whether they can be used here.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Hint, Workspace};
use crate::config::{self, Agents, ParsedAgents, ParsedSettings, Place, Settings};
use crate::diag::{Diagnostic, Severity};
use crate::model::{AgentName, BackendKind};
use crate::sys::process::{self, NotFound};

/// A configuration file that was read, with what was found in it.
#[derive(Debug, Clone)]
pub struct Checked<T> {
    /// What it says.
    pub value: T,
    /// Its text.
    pub source: String,
    /// Its path.
    pub path: PathBuf,
    /// What is odd or wrong in it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why a configuration file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can't be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It has errors.
    #[error("`{}` has {} error{}", .0.path.display(), .0.errors(), if .0.errors() == 1 { "" } else { "s" })]
    Wrong(Box<Checked<()>>),
}

impl<T> Checked<T> {
    /// How many errors it has.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    fn or_wrong(self) -> Result<Self, ConfigError> {
        if self.errors() == 0 {
            return Ok(self);
        }
        let Self { source, path, diagnostics, .. } = self;
        Err(ConfigError::Wrong(Box::new(Checked { value: (), source, path, diagnostics })))
    }
}

impl Hint for ConfigError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                vec!["`work init` makes one".to_owned()]
            }
            Self::Read { .. } => Vec::new(),
            Self::Wrong(_) => vec!["`work validate agents` checks it again".to_owned()],
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    super::streams::read_text(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// Reads `agents.yaml`, with all that is wrong in it.
///
/// # Errors
/// [`ConfigError::Read`].
pub fn check_agents(workspace: &Workspace) -> Result<Checked<Agents>, ConfigError> {
    let path = workspace.agents_file();
    let source = read(&path)?;
    let ParsedAgents { agents, diagnostics } = config::parse_agents(&source);
    Ok(Checked { value: agents, source, path, diagnostics })
}

/// Reads `agents.yaml`.
///
/// # Errors
/// [`ConfigError`]; also when it has errors.
pub fn load_agents(workspace: &Workspace) -> Result<Checked<Agents>, ConfigError> {
    check_agents(workspace)?.or_wrong()
}

/// Reads `config.yaml`, with all that is wrong in it. A missing file says nothing.
///
/// # Errors
/// [`ConfigError::Read`].
pub fn check_settings(workspace: &Workspace) -> Result<Checked<Settings>, ConfigError> {
    let path = workspace.settings_file();
    let source = match read(&path) {
        Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            String::new()
        }
        other => other?,
    };
    let ParsedSettings { settings, diagnostics } = config::parse_settings(&source);
    Ok(Checked { value: settings, source, path, diagnostics })
}

/// Reads `config.yaml`.
///
/// # Errors
/// [`ConfigError`]; also when it has errors.
pub fn load_settings(workspace: &Workspace) -> Result<Settings, ConfigError> {
    Ok(check_settings(workspace)?.or_wrong()?.value)
}

/// An agent, and whether it can be used here.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentRow {
    /// Its name.
    pub name: AgentName,
    /// What it is best for.
    pub best_for: String,
    /// How we talk to it.
    pub backend: BackendKind,
    /// Its models, in order of preference.
    pub models: Vec<String>,
    /// The program behind it, or what launches it, when it is installed; none for a server elsewhere.
    #[serde(serialize_with = "super::lossy::option")]
    pub program: Option<PathBuf>,
    /// Why it can't be used; `None` when it can.
    pub unusable: Option<String>,
}

/// The program behind an agent, or what launches it; none where its server runs elsewhere. `opencode` is the
/// program to use instead of the one on `PATH`.
///
/// # Errors
/// [`NotFound`] when it is not installed.
pub fn program(agent: &config::Agent, opencode: Option<&Path>) -> Result<Option<PathBuf>, NotFound> {
    let first = |words: &[String]| process::find(words.first().map_or("", String::as_str));
    match (&agent.place, agent.backend) {
        (Place::Server(_), _) => return Ok(None),
        (Place::Launched(launcher), _) => first(&launcher.command),
        (Place::Here, BackendKind::Opencode | BackendKind::OpencodeRun) => {
            process::find(opencode.unwrap_or(Path::new("opencode")))
        }
        (Place::Here, BackendKind::Acp) => first(&agent.command),
    }
    .map(Some)
}

/// The agents, each with its program. `opencode` is the program to use instead of the one on `PATH`.
#[must_use]
pub fn rows(agents: &Agents, opencode: Option<&Path>) -> Vec<AgentRow> {
    let row = |agent: &config::Agent| {
        let (program, unusable) = match program(agent, opencode) {
            Ok(program) => (program, None),
            Err(NotFound { name }) => (None, Some(format!("`{name}` is not installed"))),
        };
        AgentRow {
            name: agent.name.clone(),
            best_for: agent.best_for.clone(),
            backend: agent.backend,
            models: agent.models.iter().map(ToString::to_string).collect(),
            program,
            unusable,
        }
    };
    agents.agents.iter().map(row).collect()
}

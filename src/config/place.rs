//! Where an agent runs: here, behind a launcher, or on a server that somebody else keeps.
//!
//! One invariant: no secret is ever read from the file; a server's password is named by its variable.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::agents::Entries;
use super::reader::Reader;
use super::yaml::{Node, Value};
use crate::diag::Diagnostic;
use crate::model::BackendKind;

/// Where an agent runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// On this machine: a program that we start, or the one opencode server that we keep.
    #[default]
    Here,
    /// A program that something else starts, on this machine or another: `ssh`, `kubectl exec -i`, `env`.
    Launched(Launcher),
    /// An opencode server that runs without us. We neither start it nor end it.
    Server(ServerAddress),
}

/// What starts an agent's program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Launcher {
    /// The words in front of the program; never empty.
    pub command: Vec<String>,
    /// Whether the far side joins the words that follow and lets a shell read them again, as `ssh` does;
    /// they are then quoted.
    pub shell: bool,
    /// The folder over there that is this repository's; `None` is the same path as here.
    pub directory: Option<PathBuf>,
}

/// Where an opencode server is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerAddress {
    /// `http://…` or `https://…`, without a user, a password, and a slash at its end.
    pub url: String,
    /// The variable that holds its password, in the environment of the supervisor; `None`: it has none.
    pub password_env: Option<String>,
    /// The folder over there that is this repository's; `None` is the same path as here.
    pub directory: Option<PathBuf>,
}

impl Launcher {
    /// Whether it is `ssh`, whose words and exit codes are known.
    #[must_use]
    pub fn is_ssh(&self) -> bool {
        self.command.first().is_some_and(|program| is_ssh(program))
    }
}

impl Place {
    /// The folder of the repository over there, when it is another than here.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Here => None,
            Self::Launched(launcher) => launcher.directory.as_deref(),
            Self::Server(server) => server.directory.as_deref(),
        }
    }

    /// Where a folder of this machine is over there: below `directory`, as it is below `root` here. `None` when
    /// it is not below `root`, so that nobody knows.
    #[must_use]
    pub fn over_there(&self, root: &Path, folder: &Path) -> Option<PathBuf> {
        match self.directory() {
            None => Some(folder.to_owned()),
            Some(there) => folder.strip_prefix(root).ok().map(|below| match below.as_os_str().is_empty() {
                true => there.to_owned(),
                false => there.join(below),
            }),
        }
    }
}

fn is_ssh(program: &str) -> bool {
    Path::new(program).file_name().is_some_and(|name| name == "ssh")
}

/// Reads where an agent runs. Errors are reported; then what is returned is not used.
pub(super) fn place(reader: &mut Reader, entries: &Entries<'_>, backend: Option<BackendKind>) -> Place {
    let get = |name: &str| {
        let found = entries.iter().find(|(key, node)| key.name == name && node.value != Value::Null);
        found.map(|(_, node)| *node)
    };
    let (launcher, server) = (get("launcher"), get("server"));
    let directory = get("directory").and_then(|node| directory(reader, node));
    let password_env = get("server_password_env").and_then(|node| password_env(reader, node));
    let help_acp = "for opencode over there write `backend: acp` and `command: [opencode, acp]`, or name its \
                    running `server`";
    match (launcher, server) {
        (Some(launcher), Some(_)) => {
            let message = "an agent has either a `launcher` or a `server`".to_owned();
            reader.error("A016", launcher.span.clone(), message, "leave one of them");
            Place::Here
        }
        (Some(node), None) => {
            if backend == Some(BackendKind::Opencode) {
                let message = "a `launcher` starts programs that speak ACP, and opencode's server is shared";
                reader.error("A016", node.span.clone(), message.to_owned(), help_acp);
            }
            unused(reader, get("server_password_env"), "`server_password_env` needs a `server`");
            if let Some(env) = get("env") {
                sendable(reader, env);
            }
            launcher_of(reader, node).map_or(Place::Here, |(command, shell)| {
                Place::Launched(Launcher { command, shell, directory })
            })
        }
        (None, Some(node)) => {
            if backend == Some(BackendKind::Acp) {
                let message = "only opencode has a `server`".to_owned();
                let help = "leave out `backend` and `command`, or start the agent with a `launcher`";
                reader.error("A016", node.span.clone(), message, help);
            }
            unused(reader, get("env"), "a server that runs already has an environment of its own");
            address(reader, node)
                .map_or(Place::Here, |url| Place::Server(ServerAddress { url, password_env, directory }))
        }
        (None, None) => {
            unused(reader, get("server_password_env"), "`server_password_env` needs a `server`");
            unused(reader, get("directory"), "`directory` needs a `launcher` or a `server`");
            Place::Here
        }
    }
}

/// Warns of what has no effect.
fn unused(reader: &mut Reader, node: Option<&Node>, why: &str) {
    if let Some(node) = node {
        let finding = Diagnostic::warning("A019", why).at(node.span.clone(), "not used");
        reader.found.push(finding.help("remove it"));
    }
}

/// The words of a launcher, and whether a shell reads what follows them.
fn launcher_of(reader: &mut Reader, node: &Node) -> Option<(Vec<String>, bool)> {
    let help = "write the program with its arguments as a list: `launcher: [ssh, build1]`";
    let (list, shell) = match &node.value {
        Value::Map(_) => {
            let entries = reader.map(node, "`launcher`", &["command", "shell"])?;
            let get = |name: &str| entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| *node);
            let shell = get("shell").and_then(|node| match &node.value {
                Value::Plain(text) if text == "true" => Some(true),
                Value::Plain(text) if text == "false" => Some(false),
                _ => {
                    reader.wrong_type(node, "`shell`", "`true` or `false`");
                    None
                }
            });
            (get("command"), shell)
        }
        _ => (Some(node), None),
    };
    let nodes = list.map_or(&[][..], |list| reader.list(list, "`launcher`"));
    let words: Vec<String> =
        nodes.iter().filter_map(|word| reader.text(word, "a word of `launcher`")).collect();
    match words.first() {
        Some(program) if !program.is_empty() => {
            let shell = shell.unwrap_or_else(|| is_ssh(program));
            Some((words, shell))
        }
        _ => {
            reader.error("A015", node.span.clone(), "this launcher has no program".to_owned(), help);
            None
        }
    }
}

fn address(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = reader.text(node, "`server`")?;
    let after = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let (message, help) = match after {
        Some(rest) if rest.contains('@') => (
            "this address carries a user or a password, and the file is committed",
            "name the variable that holds the password: `server_password_env: NAME`",
        ),
        Some(rest) if is_host(rest.trim_end_matches('/')) => {
            return Some(text.trim_end_matches('/').to_owned());
        }
        _ => {
            ("this is no address of a server", "write `http://HOST:PORT` or `https://HOST:PORT`, and no more")
        }
    };
    reader.error("A017", node.span.clone(), message.to_owned(), help);
    None
}

/// A host, with a port if there is one, and nothing else.
fn is_host(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !text.is_empty() && !text.starts_with(':') && text.chars().all(fits)
}

fn password_env(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = reader.text(node, "`server_password_env`")?;
    if is_variable(&text) {
        return Some(text);
    }
    // It may be the password itself: it is not repeated.
    let message = "this has to be the name of a variable that holds the password".to_owned();
    reader.error("A018", node.span.clone(), message, "for example `server_password_env: BUILD1_PASSWORD`");
    None
}

fn directory(reader: &mut Reader, node: &Node) -> Option<PathBuf> {
    let text = reader.text(node, "`directory`")?;
    if text.starts_with('/') && !text.contains(['\n', '\0']) {
        return Some(PathBuf::from(text));
    }
    let help = "write the whole path of the repository's folder over there: `directory: /srv/project`";
    reader.error("A021", node.span.clone(), "`directory` is no absolute path".to_owned(), help);
    None
}

/// What a shell can set: each variable goes over there on a line of its own.
fn sendable(reader: &mut Reader, env: &Node) {
    let Value::Map(entries) = &env.value else { return };
    for (key, node) in entries {
        if !is_variable(&key.name) {
            let message = "a shell over there can't set a variable of this name".to_owned();
            reader.error("A020", key.span.clone(), message, "use letters, digits and `_`");
        } else if matches!(&node.value, Value::Text(text) if text.contains('\n')) {
            let message = "a value for an agent behind a launcher stands on one line".to_owned();
            reader.error(
                "A020",
                node.span.clone(),
                message,
                "put it into a file over there, and name the file",
            );
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_the_repository_is_found_over_there() {
        let at = |directory: Option<&str>| {
            let directory = directory.map(PathBuf::from);
            Place::Server(ServerAddress { url: "http://x".to_owned(), password_env: None, directory })
        };
        for (place, folder, there) in [
            (Place::Here, "/repo/a", Some("/repo/a")),
            (at(None), "/elsewhere", Some("/elsewhere")),
            (at(Some("/srv/p")), "/repo", Some("/srv/p")),
            (at(Some("/srv/p")), "/repo/a/b", Some("/srv/p/a/b")),
            (at(Some("/srv/p")), "/repository", None),
            (at(Some("/srv/p")), "/data/worktrees/x", None),
        ] {
            let found = place.over_there(Path::new("/repo"), Path::new(folder));
            // As text: paths of other spelling may be equal.
            let found = found.map(|path| path.display().to_string());
            assert_eq!(found.as_deref(), there, "{folder} of {place:?}");
        }
    }
}

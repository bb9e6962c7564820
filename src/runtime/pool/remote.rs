//! opencode servers that somebody else keeps: spoken to, told of, never started and never ended.
//!
//! One invariant: a password is read from the environment when it is needed, and goes nowhere else.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Seen;
use super::activity::{InUse, Lease};
use crate::agent::child::Password;
use crate::agent::opencode::{Opencode, find_program};
use crate::agent::{Backend as _, OpenRequest, Session};
use crate::config::ServerAddress;
use crate::model::{BackendKind, Failure, FailureKind};
use crate::sys::env;

/// A server, and who uses it.
#[derive(Clone)]
struct Remote {
    opencode: Opencode,
    used: InUse,
}

/// All of them that were asked for.
pub(super) struct Remotes {
    program: Option<PathBuf>,
    servers: Mutex<BTreeMap<ServerAddress, Remote>>,
}

impl Remotes {
    /// `program` is the opencode that opens the UI, when it is not the one on `PATH`.
    pub(super) fn new(program: Option<PathBuf>) -> Self {
        Self { program, servers: Mutex::default() }
    }

    /// A session on a server.
    ///
    /// # Errors
    /// `ServerUnreachable`, also when the variable with its password is not set; those of the backend.
    pub(super) async fn open(
        &self,
        address: &ServerAddress,
        request: OpenRequest,
    ) -> Result<(Box<dyn Session>, Lease), Failure> {
        let Remote { opencode, used } = self.remote(address)?;
        let lease = used.lease();
        Ok((opencode.open(request).await?, lease))
    }

    /// The backend on a server, for what only that can do.
    ///
    /// # Errors
    /// The same.
    pub(super) fn server(&self, address: &ServerAddress) -> Result<Opencode, Failure> {
        self.remote(address).map(|remote| remote.opencode)
    }

    fn remote(&self, address: &ServerAddress) -> Result<Remote, Failure> {
        let mut servers = self.servers();
        if let Some(known) = servers.get(address) {
            return Ok(known.clone());
        }
        let password = password(address)?;
        // Without it only the UI is missing.
        let program = find_program(self.program.as_deref()).unwrap_or_else(|_| PathBuf::from("opencode"));
        let opencode = Opencode::remote(&address.url, password, program)?;
        let remote = Remote { opencode, used: InUse::new(Arc::default()) };
        servers.insert(address.clone(), remote.clone());
        Ok(remote)
    }

    fn servers(&self) -> MutexGuard<'_, BTreeMap<ServerAddress, Remote>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them as they stand.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = |(address, remote): (&ServerAddress, &Remote)| Seen {
            what: "opencode elsewhere".to_owned(),
            backend: BackendKind::Opencode,
            kept_for: None,
            used: remote.used.now(),
            ending: false,
            pid: None,
            marker: None,
            url: Some(address.url.clone()),
        };
        self.servers().iter().map(seen).collect()
    }
}

fn password(address: &ServerAddress) -> Result<Password, Failure> {
    let Some(name) = &address.password_env else { return Ok(Password::given(String::new())) };
    let value = env::raw(name).and_then(|value| value.into_string().ok());
    value.map(Password::given).ok_or_else(|| {
        let words = format!(
            "the password of opencode at {} is to be in the variable `{name}`, which was not set where the \
             supervisor was started: set it, then `work supervisor stop`, and try again",
            address.url
        );
        Failure::new(FailureKind::ServerUnreachable, words)
    })
}

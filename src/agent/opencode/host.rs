//! Where sessions live: on the server that we keep, or on one that somebody else keeps.
//!
//! One invariant: a server that is not ours is spoken to, and never started, ended or judged dead: only that it
//! can't be reached is known of it.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::http::Http;
use super::keeper::Keeper;
use super::server::{OLDEST, Server};
use super::start::is_older;
use super::vitals::Vitals;
use crate::agent::child::Password;
use crate::model::{Failure, FailureKind};

/// The server of a session.
#[derive(Clone)]
pub(crate) enum Host {
    /// Ours.
    Kept(Arc<Server>),
    /// Somebody else's.
    Remote(Http),
}

impl Host {
    /// Its routes.
    pub(crate) fn http(&self) -> &Http {
        match self {
            Self::Kept(server) => server.http(),
            Self::Remote(http) => http,
        }
    }

    /// Waits until its process is gone, and tells how it ended; of one that is not ours nobody tells that.
    pub(crate) async fn exited(&self) -> Failure {
        match self {
            Self::Kept(server) => server.exited().await,
            Self::Remote(_) => std::future::pending().await,
        }
    }

    /// Whether both are the same server, in the same life of it.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Kept(one), Self::Kept(other)) => Arc::ptr_eq(one, other),
            (Self::Remote(one), Self::Remote(other)) => one.url() == other.url(),
            _ => false,
        }
    }

    /// Whether we are ending it, so that its turns end for that reason.
    pub(crate) fn is_stopping(&self) -> bool {
        match self {
            Self::Kept(server) => server.is_stopping(),
            Self::Remote(_) => false,
        }
    }
}

/// How to get to the server.
pub(crate) enum Source {
    /// We start it when it is needed.
    Keeper(Keeper),
    /// It runs.
    Remote(Remote),
}

impl Source {
    /// The server, started if it is ours, and known to be new enough.
    pub(crate) async fn acquire(&self) -> Result<Host, Failure> {
        match self {
            Self::Keeper(keeper) => keeper.acquire().await.map(Host::Kept),
            Self::Remote(remote) => remote.acquire().await.map(Host::Remote),
        }
    }

    /// Ends it, if it is ours.
    pub(crate) async fn stop(&self) {
        match self {
            Self::Keeper(keeper) => keeper.stop().await,
            Self::Remote(_) => {}
        }
    }
}

/// A server that somebody else keeps.
pub(crate) struct Remote {
    http: Http,
    /// It was asked for its version, which fits.
    known: OnceCell<()>,
}

impl Remote {
    /// The server at `url`. Asks nothing yet.
    pub(crate) fn new(url: &str, password: Password) -> Result<Self, Failure> {
        Ok(Self { http: Http::with_vitals(url, password, Vitals::new())?, known: OnceCell::new() })
    }

    async fn acquire(&self) -> Result<Http, Failure> {
        self.known.get_or_try_init(|| self.check()).await?;
        Ok(self.http.clone())
    }

    async fn check(&self) -> Result<(), Failure> {
        let version = self.http.health().await?;
        if !is_older(&version) {
            return Ok(());
        }
        let version = if version.is_empty() { "of unknown version" } else { &version };
        let (url, (major, minor, patch)) = (self.http.url(), OLDEST);
        let words = format!(
            "opencode at {url} is {version}; {major}.{minor}.{patch} is the oldest whose server we can drive"
        );
        Err(Failure::new(FailureKind::AgentTooOld, words))
    }
}

//! The backend: opens sessions on the one shared server.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::DateTime;

use super::host::{Host, Remote, Source};
use super::http::NewSession;
use super::keeper::Keeper;
use super::models;
use super::server::{Server, ServerOptions};
use super::session::{OpencodeSession, ui_command};
use super::sse::Subscription;
use super::wire::ProviderList;
use crate::agent::child::{Password, ServerRecord};
use crate::agent::{Backend, BoxFuture, OpenRequest, Session, UiCommand};
use crate::model::{Failure, FailureKind, KnownSession, ModelRef, SessionId};

/// opencode, as one shared server for all sessions and directories.
#[derive(Clone)]
pub struct Opencode {
    shared: Arc<Shared>,
}

/// How long a session may take to come to rest that nobody follows any more.
const ABANDON: Duration = Duration::from_secs(15);

/// How many sessions of a directory are listed.
const LISTED: u32 = 30;

/// What the backend and its sessions share.
pub(crate) struct Shared {
    source: Source,
    pub(crate) program: PathBuf,
    /// The providers of each directory; keys are never kept.
    providers: Mutex<HashMap<PathBuf, Arc<ProviderList>>>,
}

impl Opencode {
    /// A backend that starts its server when it is first needed. Must be called inside the runtime.
    #[must_use]
    pub fn new(options: ServerOptions) -> Self {
        let program = options.program.clone();
        Self::at(Source::Keeper(Keeper::new(options)), program)
    }

    /// Keeps a server that an earlier supervisor left, with all that runs on it. `options` are those of
    /// [`Opencode::new`].
    ///
    /// # Errors
    /// Those of [`Server::take_over`].
    pub async fn take_over(&self, left: &ServerRecord, options: &ServerOptions) -> Result<(), Failure> {
        if let Source::Keeper(keeper) = &self.shared.source {
            keeper.take_over(Arc::new(Server::take_over(left, options).await?));
        }
        Ok(())
    }

    /// Cancels whatever a session does, and returns when it rests.
    ///
    /// # Errors
    /// What the server failed with.
    pub async fn abandon(&self, session: &SessionId, directory: &Path) -> Result<(), Failure> {
        self.shared.acquire().await?.http().at(directory).abort(&session.0, ABANDON).await
    }

    /// How many requests of a session wait for an answer at the server.
    ///
    /// # Errors
    /// What the server failed with.
    pub async fn waiting(&self, session: &SessionId, directory: &Path) -> Result<usize, Failure> {
        let scoped = self.shared.acquire().await?.http().at(directory);
        let permissions = scoped.permissions().await?.into_iter().map(|request| request.session_id);
        let questions = scoped.questions().await?.into_iter().map(|request| request.session_id);
        Ok(permissions.chain(questions).filter(|of| *of == session.0).count())
    }

    /// A backend on a server that somebody else keeps; it is neither started nor ended. `program` opens the UI.
    ///
    /// # Errors
    /// `ServerUnreachable` when there can be no server at such an address.
    pub fn remote(url: &str, password: Password, program: PathBuf) -> Result<Self, Failure> {
        Ok(Self::at(Source::Remote(Remote::new(url, password)?), program))
    }

    fn at(source: Source, program: PathBuf) -> Self {
        Self { shared: Arc::new(Shared { source, program, providers: Mutex::default() }) }
    }

    /// The running server that we keep; it is started when there is none, so this also warms it up.
    ///
    /// # Errors
    /// Those of [`Server::start`]; `ServerUnreachable` when we keep none.
    pub async fn server(&self) -> Result<Arc<Server>, Failure> {
        match self.shared.acquire().await? {
            Host::Kept(server) => Ok(server),
            Host::Remote(http) => {
                let words = format!("opencode at {} is not kept by us", http.url());
                Err(Failure::new(FailureKind::ServerUnreachable, words))
            }
        }
    }

    /// Whether a model can be used in a directory.
    ///
    /// # Errors
    /// `ModelUnknown`, with the names that come closest; or what the server failed with.
    pub async fn check_model(&self, directory: &Path, model: &ModelRef) -> Result<(), Failure> {
        let server = self.shared.acquire().await?;
        self.shared.check_model(&server, directory, model).await
    }

    /// How to open opencode's own UI on a session that it knows.
    ///
    /// # Errors
    /// `SessionUnknown`, or what the server failed with.
    pub async fn ui(&self, session: &SessionId, directory: &Path) -> Result<UiCommand, Failure> {
        let server = self.shared.acquire().await?;
        let scoped = server.http().at(directory);
        scoped.session(&session.0).await.map_err(|failure| missing(failure, &session.0))?;
        Ok(ui_command(&self.shared.program, &server, session, directory))
    }

    /// The newest sessions that work in a directory, whoever made them; the newest first.
    ///
    /// # Errors
    /// What the server failed with.
    pub async fn sessions(&self, directory: &Path) -> Result<Vec<KnownSession>, Failure> {
        let server = self.shared.acquire().await?;
        let infos = server.http().at(directory).sessions(LISTED).await?;
        let here = infos.into_iter().filter(|info| Path::new(&info.directory) == directory);
        Ok(here
            .map(|info| KnownSession {
                id: SessionId(info.id),
                title: info.title,
                used_at: DateTime::from_timestamp_millis(info.time.updated).unwrap_or_default(),
            })
            .collect())
    }

    async fn open_session(&self, request: OpenRequest) -> Result<OpencodeSession, Failure> {
        let server = self.shared.acquire().await?;
        let scoped = server.http().at(&request.directory);
        let new = NewSession {
            title: &request.title,
            stream: &request.stream,
            thread: request.thread,
            environment: &request.environment,
            questions: request.questions,
        };
        let (info, early) = match &request.resume {
            None => {
                // Its first turn needs the events; they can be asked for while it is made.
                let (info, events) = tokio::try_join!(scoped.create(&new), Subscription::ahead(&scoped))?;
                events.follow(&info.id);
                (info, Some(events))
            }
            Some(id) => {
                let info = scoped.session(&id.0).await.map_err(|failure| missing(failure, &id.0))?;
                // Two prompts at once would become one turn.
                if !request.rejoins && scoped.is_busy(&id.0).await? {
                    let words = format!("a turn that is not ours runs in session `{}`", id.0);
                    return Err(Failure::new(FailureKind::SessionBusy, words));
                }
                scoped.claim(&info, &new).await?;
                (info, None)
            }
        };
        // A session works in the directory it was made for, wherever we are.
        let directory = if info.directory.is_empty() { request.directory } else { info.directory.into() };
        Ok(OpencodeSession::new(Arc::clone(&self.shared), server, &info.id, directory, early))
    }
}

/// An id that is none of opencode's is answered with an error of its own.
fn missing(failure: Failure, id: &str) -> Failure {
    if failure.kind == FailureKind::Provider {
        Failure::new(FailureKind::SessionUnknown, format!("opencode knows no session `{id}`"))
    } else {
        failure
    }
}

impl Shared {
    /// The running server, started again when it has died.
    pub(crate) async fn acquire(&self) -> Result<Host, Failure> {
        self.source.acquire().await
    }

    pub(crate) async fn check_model(
        &self,
        server: &Host,
        directory: &Path,
        model: &ModelRef,
    ) -> Result<(), Failure> {
        if self.cached(directory).is_some_and(|list| models::check(&list, model).is_ok()) {
            return Ok(());
        }
        // The user may have logged in, or corrected the configuration, since it was read.
        let list = Arc::new(server.http().at(directory).providers().await?);
        self.providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(directory.to_owned(), Arc::clone(&list));
        models::check(&list, model)
    }

    fn cached(&self, directory: &Path) -> Option<Arc<ProviderList>> {
        self.providers.lock().unwrap_or_else(PoisonError::into_inner).get(directory).cloned()
    }
}

impl Backend for Opencode {
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<Box<dyn Session>, Failure>> {
        Box::pin(async move {
            let session = self.open_session(request).await?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shared.source.stop())
    }
}

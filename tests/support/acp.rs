//! The ACP backend, on the scripted agent and on real ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use work::agent::acp::{Acp, AcpOptions, Limits};
use work::agent::{Backend as _, OpenRequest, Session};
use work::model::{Failure, SessionId};

use super::opencode::{Place, environment, program};
use super::scripted_model::ScriptedModel;
use super::wait::PATIENCE;

/// The session of a thread in a directory.
pub(crate) fn request(directory: &Path, resume: Option<&SessionId>) -> OpenRequest {
    OpenRequest {
        directory: directory.to_owned(),
        title: "a thread".to_owned(),
        stream: "001-test".parse().expect("an id"),
        thread: "01.02.03".parse().expect("an id"),
        environment: [("GREETING".to_owned(), "good day".to_owned())].into(),
        resume: resume.cloned(),
        questions: false,
        rejoins: false,
    }
}

/// Opens or resumes a session.
pub(crate) async fn open(
    backend: &Acp,
    directory: &Path,
    resume: Option<&SessionId>,
) -> Result<Box<dyn Session>, Failure> {
    let opened = backend.open(request(directory, resume));
    tokio::time::timeout(PATIENCE, opened).await.expect("opened in time")
}

/// The scripted agent, with a backend for it.
pub(crate) struct Scripted {
    /// The backend.
    pub(crate) backend: Acp,
    /// How many children were started, and how many of them are gone.
    pub(crate) started: Arc<[AtomicUsize; 2]>,
    folder: TempDir,
    arguments: Vec<String>,
}

impl Scripted {
    /// An agent with these arguments.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let quick = Limits { cancel: Duration::from_millis(500), ..Limits::default() };
        Self::with_limits(arguments, quick)
    }

    /// The same, with other limits.
    pub(crate) fn with_limits(arguments: &[&str], limits: Limits) -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::create_dir(folder.path().join("project")).expect("a project");
        let started = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let arguments: Vec<_> = arguments.iter().map(|&word| word.to_owned()).collect();
        let options = options(folder.path(), &arguments, &started);
        Self { backend: Acp::with_limits(options, limits), started, folder, arguments }
    }

    /// The agent is upgraded, or loses an ability: other arguments for the same folder.
    pub(crate) fn change(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        self.backend = Acp::new(options(self.folder.path(), &self.arguments, &self.started));
    }

    /// The project's folder.
    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Its log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("agent.log")
    }

    /// Opens or resumes a session.
    pub(crate) async fn open(&self, resume: Option<&SessionId>) -> Result<Box<dyn Session>, Failure> {
        open(&self.backend, &self.project(), resume).await
    }

    /// How many children were started, and how many are gone.
    pub(crate) fn children(&self) -> [usize; 2] {
        [self.started[0].load(Ordering::SeqCst), self.started[1].load(Ordering::SeqCst)]
    }

    /// Everything that it was sent.
    pub(crate) fn received(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("agent/received")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// How often it was sent this method.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.received().iter().filter(|message| message["method"] == method).count()
    }
}

fn options(folder: &Path, arguments: &[String], started: &Arc<[AtomicUsize; 2]>) -> AcpOptions {
    let tests = std::env::current_exe().expect("the path of this test");
    let target = tests.parent().and_then(Path::parent).expect("the folder of the build");
    let program = target.join("examples").join("scripted-acp");
    assert!(program.exists(), "`{}` is missing: run `cargo build --examples`", program.display());
    let mut command = vec![program.display().to_string(), "--folder".to_owned()];
    command.push(folder.join("agent").display().to_string());
    command.extend(arguments.iter().cloned());
    let started = Arc::clone(started);
    AcpOptions {
        command,
        launcher: None,
        env: [("OWN".to_owned(), "of the agent".to_owned())].into(),
        root: folder.join("project"),
        log: folder.join("agent.log"),
        on_start: Some(Arc::new(move |_| {
            started[0].fetch_add(1, Ordering::SeqCst);
            let started = Arc::clone(&started);
            Box::new(move || {
                started[1].fetch_add(1, Ordering::SeqCst);
            })
        })),
    }
}

/// Each real agent takes some hundred megabytes, so only a few run at once.
static AGENTS: Semaphore = Semaphore::const_new(2);

/// A real agent that asks the scripted model.
pub(crate) struct Real {
    /// The backend.
    pub(crate) backend: Acp,
    place: Place,
    model: ScriptedModel,
    _turn: SemaphorePermit<'static>,
}

impl Real {
    /// The pinned opencode.
    pub(crate) async fn opencode() -> Self {
        Self::new(|place, model| {
            let beside = place.project().with_file_name("");
            let env = environment(&beside, &model.config());
            (vec![program().display().to_string(), "acp".to_owned()], text(env))
        })
        .await
    }

    /// The pinned qwen, which asks for permission.
    pub(crate) async fn qwen() -> Self {
        Self::new(|place, model| {
            let home = place.project().with_file_name("home");
            fs::create_dir_all(&home).expect("a home");
            let env = vec![
                ("PATH", work::sys::env::raw("PATH").unwrap_or_default()),
                ("HOME", home.into_os_string()),
                ("OPENAI_API_KEY", "scripted".into()),
                ("OPENAI_BASE_URL", format!("{}/v1", model.url()).into()),
                ("OPENAI_MODEL", "ok".into()),
            ];
            let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents/node_modules/.bin/qwen");
            assert!(
                program.exists(),
                "qwen is not installed: run `npm install --no-save --prefix tests/agents`"
            );
            (vec![program.display().to_string(), "--acp".to_owned()], text(env))
        })
        .await
    }

    async fn new(
        how: impl FnOnce(&Place, &ScriptedModel) -> (Vec<String>, BTreeMap<String, String>),
    ) -> Self {
        let turn = AGENTS.acquire().await.expect("never closed");
        let model = ScriptedModel::start();
        let place = Place::new(&model);
        let (command, env) = how(&place, &model);
        let beside = place.project().with_file_name("");
        let (root, log) = (place.project(), beside.join("agent.log"));
        let backend = Acp::new(AcpOptions { command, launcher: None, env, root, log, on_start: None });
        Self { backend, place, model, _turn: turn }
    }

    /// The project's folder.
    pub(crate) fn project(&self) -> PathBuf {
        self.place.project()
    }

    /// Writes a file beside the project, and says where.
    pub(crate) fn write_beside(&self, name: &str, text: &str) -> PathBuf {
        self.place.write_beside(name, text)
    }

    /// Opens or resumes a session.
    pub(crate) async fn open(&self, resume: Option<&SessionId>) -> Result<Box<dyn Session>, Failure> {
        open(&self.backend, &self.project(), resume).await
    }

    /// What the model was asked, newest last.
    pub(crate) fn requests(&self) -> Vec<Value> {
        // The client has a runtime of its own, which must not be nested in the test's.
        let asked = || self.model.requests();
        std::thread::scope(|scope| scope.spawn(asked).join()).expect("the requests")
    }
}

fn text(env: Vec<(&'static str, std::ffi::OsString)>) -> BTreeMap<String, String> {
    env.into_iter().map(|(name, value)| (name.to_owned(), value.to_string_lossy().into_owned())).collect()
}

//! A repository, its worktrees, and the worker that is killed.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use work::adapters::git::Git;
use work::config::WorktreeSettings;
use work::engine::Workspace;
use work::engine::changes::{Desk, ThreadRefs};
use work::model::{StreamId, ThreadId, TurnMark};
use work::sys::clock::Clock;

use crate::support::env::TestEnv;
use crate::support::running::Output;

/// A repository of its own, with a few files.
pub(crate) struct Rig {
    pub(crate) env: TestEnv,
    pub(crate) repo: PathBuf,
    pub(crate) stream: StreamId,
}

/// What lies at a path: the bytes of a file, or where a link points, and the mode.
pub(crate) type Files = BTreeMap<PathBuf, (Vec<u8>, u32)>;

impl Rig {
    pub(crate) fn new() -> Self {
        let env = TestEnv::new();
        let repo = env.repo();
        for (name, text) in
            [("a.txt", "one\ntwo\nthree\nfour\nfive\n"), ("b.txt", "b\n"), ("dir/c.txt", "c\n")]
        {
            env.write(Path::new("repo").join(name), text);
        }
        env.write("repo/.gitignore", "*.log\n.env\n/target/\n");
        env.git(&repo, &["add", "--all"]);
        env.git(&repo, &["commit", "--quiet", "--message=Files"]);
        Self { env, repo, stream: "001-demo".parse().unwrap() }
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.env.git(&self.repo, args)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        self.env.write(Path::new("repo").join(name), text);
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.repo.join(name)).unwrap_or_else(|error| format!("<{error}>"))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.env.home().join(".local/share")
    }

    pub(crate) fn desk(&self) -> Desk {
        let workspace = Workspace::find(&self.repo, None, Clock::System).unwrap();
        Desk::open_with(&workspace, self.data()).unwrap()
    }

    /// The worktree of a thread.
    pub(crate) fn worktree(&self, thread: u8) -> PathBuf {
        let settings = WorktreeSettings::default();
        self.desk().ensure_worktree(&self.stream, id(thread), &settings, &mut |_| {}).unwrap()
    }

    pub(crate) fn keep(&self, thread: u8, turn: u32, agent: &str) {
        let mark = TurnMark {
            turn,
            agent: agent.to_owned(),
            model: "p/m".to_owned(),
            session: None,
            status: "completed".to_owned(),
            outside: Vec::new(),
        };
        self.desk().keep_turn(&self.stream, id(thread), mark).unwrap().expect("a turn was kept");
    }

    /// A thread whose first turn has written these files.
    pub(crate) fn turn(&self, thread: u8, files: &[(&str, &str)]) -> PathBuf {
        let tree = self.worktree(thread);
        for (name, text) in files {
            put(&tree, name, text);
        }
        let next = self.refs(thread).turns.keys().max().unwrap_or(&0) + 1;
        self.keep(thread, next, "back end");
        tree
    }

    pub(crate) fn refs(&self, thread: u8) -> ThreadRefs {
        self.desk().thread(&self.stream, id(thread)).unwrap()
    }

    pub(crate) fn threads(&self, threads: &[u8]) -> Vec<(StreamId, ThreadId)> {
        threads.iter().map(|thread| (self.stream.clone(), id(*thread))).collect()
    }

    /// The worker, not started.
    pub(crate) fn worker(&self, thread: u8, args: &[&str]) -> Command {
        static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
            let test = std::env::current_exe().unwrap();
            let built = test.parent().and_then(Path::parent).unwrap().join("examples/changes-worker");
            let fresh = |made: std::time::SystemTime| {
                let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine/changes/apply.rs");
                source.metadata().and_then(|meta| meta.modified()).is_ok_and(|changed| changed < made)
            };
            let made = built.metadata().and_then(|meta| meta.modified());
            assert!(
                made.is_ok_and(fresh),
                "`{}` is stale; `cargo build --examples` makes it",
                built.display()
            );
            built
        });
        let mut command = self.env.command(&*BUILT);
        command.arg(&self.repo).arg(self.data()).arg(self.stream.as_str()).arg(id(thread).to_string());
        command.args(args);
        command
    }

    /// Runs the worker to its end.
    pub(crate) fn run(&self, thread: u8, args: &[&str]) -> Output {
        let output = self.worker(thread, args).output().unwrap();
        Output::of(output.status, &output.stdout, &output.stderr)
    }

    /// Runs the worker to a fault point, where it is killed; false when it never came there.
    pub(crate) fn killed_at(&self, thread: u8, args: &[&str], point: &str) -> bool {
        let mut command = self.worker(thread, args);
        let status = command.env("WORK_FAULT", point).output().unwrap().status;
        !status.success() && status.code().is_none()
    }

    /// What a commit or tree has at a path.
    pub(crate) fn at(&self, tree: impl std::fmt::Display, name: &str) -> Option<String> {
        let found = Git::at(&self.repo).bytes(&["show", &format!("{tree}:{name}")]).ok()?;
        Some(String::from_utf8_lossy(&found).into_owned())
    }
}

pub(crate) fn id(thread: u8) -> ThreadId {
    format!("01.01.{thread:02}").parse().unwrap()
}

pub(crate) fn put(root: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "no reader is near")]
    fs::write(path, text).unwrap();
}

/// Every file below a folder, besides git's own.
pub(crate) fn files(root: &Path) -> Files {
    fn walk(root: &Path, folder: &Path, found: &mut Files) {
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::MetadataExt as _;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            if path == root.join(".git") {
                continue;
            } else if meta.is_dir() {
                walk(root, &path, found);
                continue;
            }
            let bytes = match meta.is_symlink() {
                true => fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec(),
                false => fs::read(&path).unwrap(),
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), (bytes, meta.mode()));
        }
    }
    let mut found = Files::new();
    walk(root, root, &mut found);
    found
}

//! Another machine: a real sshd on the loopback, with keys of its own, that lets our own user in.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use work::sys::process::{self, Signal};

use super::env::TestEnv;

/// How to get what is missing.
const INSTALL: &str = "run `apt-get install openssh-server openssh-client` (macOS has both)";

/// A running sshd; it ends when this is dropped, and so do its connections.
pub(crate) struct Sshd {
    process: Child,
    folder: PathBuf,
}

impl Sshd {
    /// Starts one.
    ///
    /// # Panics
    /// When it is not installed.
    #[track_caller]
    pub(crate) fn start(env: &TestEnv) -> Self {
        let program = Path::new("/usr/sbin/sshd");
        assert!(program.exists(), "sshd is not installed: {INSTALL}");
        assert!(process::find("ssh").is_ok(), "ssh is not installed: {INSTALL}");
        if process::user() == 0 {
            // Debian's service makes it at its start; without it sshd does not.
            let made = fs::DirBuilder::new().recursive(true).mode(0o755).create("/run/sshd");
            made.expect("sshd's own folder");
        }
        let folder = env.root().join("ssh");
        fs::create_dir(&folder).expect("a folder");
        for name in ["host", "user", "stranger"] {
            let key = folder.join(name).into_os_string();
            let args = ["-q", "-t", "ed25519", "-N", "", "-f"].map(Into::into).into_iter().chain([key]);
            env.run("ssh-keygen", &folder, args).ok();
        }
        let port = free_port();
        let at = |name: &str| folder.join(name).display().to_string();
        let settings = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nAcceptEnv none\n",
            at("host"),
            at("user.pub")
        );
        let settings = env.write("ssh/sshd_config", settings);
        let host_key = fs::read_to_string(folder.join("host.pub")).expect("a key");
        env.write("ssh/known_hosts", format!("[127.0.0.1]:{port} {host_key}"));
        env.write("ssh/no_hosts", "");
        let user = env.run("id", &folder, ["-un"]).ok().stdout;
        let client = |host: &str, key: &str, known: &str| {
            format!(
                "Host {host}\n  HostName 127.0.0.1\n  Port {port}\n  User {}\n  IdentityFile {}\n  IdentitiesOnly yes\n  \
                 StrictHostKeyChecking yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n",
                user.trim(),
                at(key),
                at(known)
            )
        };
        let config = [
            client("far", "user", "known_hosts"),
            client("unknown", "user", "no_hosts"),
            client("refused", "stranger", "known_hosts"),
        ];
        env.write("ssh/config", config.concat());
        let mut command = env.command(program);
        command.args(["-D", "-e", "-f"]).arg(settings).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("sshd starts");
        let log = BufReader::new(process.stderr.take().expect("its words"));
        let (ready, started) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                // Whoever waits for it may have gone.
                let _ = ready.send(line);
            }
        });
        loop {
            match started.recv_timeout(super::wait::PATIENCE) {
                Ok(line) if line.contains("Server listening") => break,
                Ok(_) => {}
                Err(error) => panic!("sshd does not listen: {error}"),
            }
        }
        Self { process, folder }
    }

    /// The words that get to a host of its client's configuration: `far`; `unknown`, whose key nobody has
    /// seen; `refused`, which takes another key of ours.
    pub(crate) fn launcher(&self, host: &str) -> String {
        format!("[ssh, -F, '{}', {host}]", self.folder.join("config").display())
    }

    /// Cuts all connections, as a network does that goes away.
    pub(crate) fn cut(&self) {
        for pid in children(self.process.id()) {
            process::signal_process(pid, Signal::SIGKILL);
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.cut();
        // It is ours and was not waited for: the id is still its own.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nothing listens on. Another program may take it before we do; then sshd says so.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The processes whose parent this is.
fn children(pid: u32) -> Vec<u32> {
    let listed = process::output_of("ps", &["-A", "-o", "pid=,ppid="]).unwrap_or_default();
    let pair = |line: &str| {
        let mut words = line.split_whitespace().map(|word| word.parse::<u32>().ok());
        Some((words.next()??, words.next()??))
    };
    listed.lines().filter_map(pair).filter(|(_, parent)| *parent == pid).map(|(child, _)| child).collect()
}

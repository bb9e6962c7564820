//! The supervisor as a process: alone, detached, always reachable, gone without a trace.
//!
//! What it runs fails at once, since there is no opencode: then a turn costs nothing.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use work::sys::lock;
use work::sys::process::{self, Signal};

use crate::support::files::mode;
use crate::support::project::Project;
use crate::support::wait::{PATIENCE, wait_until};

const NO_AGENT: i32 = 6;

fn project(threads: usize) -> Project {
    let mut project = Project::with_fake(&vec!["@text hello"; threads], "exit 3");
    project.env.set("WORK_OPENCODE", "/nowhere/opencode");
    project
}

fn supervisors(project: &Project) -> Vec<u32> {
    project.processes_with("supervisor run")
}

fn wait_until_gone(project: &Project) {
    wait_until("the supervisor to be gone", PATIENCE, || supervisors(project).is_empty());
}

#[track_caller]
fn socket(project: &Project) -> PathBuf {
    project.supervisor();
    let text = fs::read(project.private().join("supervisor.json")).expect("a record");
    let record: Value = serde_json::from_slice(&text).expect("JSON");
    record["socket"].as_str().expect("a path").into()
}

/// D1: of many simultaneous starts exactly one serves, and everybody is served; after an orderly stop,
/// and after a kill that leaves socket and record behind.
///
/// Mutants: no lock for life in `daemon::run` and none around the start (several serve); the
/// socket bound under its own name (`AddrInUse` after the first kill).
#[test]
fn of_many_at_once_one_serves() {
    const ROUNDS: usize = 10;
    let project = project(16);
    for round in 0..ROUNDS {
        let clients: Vec<_> = (1..=16).map(|thread| project.start(thread, &[])).collect();
        for client in clients {
            let output = client.output();
            assert_eq!(output.code, NO_AGENT, "{output:#?}");
            assert!(!output.stderr.contains("within this command"), "{output:#?}");
        }
        assert_eq!(supervisors(&project), [project.supervisor()], "round {round}");
        if round % 2 == 0 {
            process::signal_process(project.supervisor(), Signal::SIGKILL);
            wait_until_gone(&project);
        } else {
            project.work(["supervisor", "stop"]).ok();
            assert!(supervisors(&project).is_empty(), "`stop` returns when it is gone");
            assert!(!project.private().join("supervisor.json").exists());
        }
    }
    for thread in project.status()["threads"].as_array().expect("threads") {
        assert_eq!(thread["sessions"].as_array().map(Vec::len), Some(ROUNDS), "{thread:#}");
    }
    project.assert_records_are_whole();
}

/// D2: whoever waits for the output of a command does not wait for the supervisor that it started, and
/// the terminal that it was started in may go.
///
/// Mutants: inherited descriptors left open (the shell waits for descriptor 9), no `setsid`.
#[test]
fn it_keeps_nobody_waiting_and_outlives_its_terminal() {
    let project = project(1);
    let line = r#"out=$("$1" execute --thread 01.01.01 --mode plain 2>&1 9>&1); echo "$?: $out""#;
    let begun = Instant::now();
    let output = project.env.run("sh", &project.repo(), ["-c", line, "sh", env!("CARGO_BIN_EXE_work")]);
    assert!(output.stdout.starts_with("6: "), "{output:#?}");
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let first = project.supervisor();
    assert_eq!(supervisors(&project), [first]);
    project.work(["supervisor", "stop"]).ok();

    let repo = project.repo();
    let exe = env!("CARGO_BIN_EXE_work");
    let line = format!("{exe} execute --thread 01.01.01 --mode plain; echo over > over; exec sleep 4731");
    let folder = repo.to_string_lossy();
    project.env.tmux(["-f", "/dev/null", "new-session", "-d", "-c", &folder, "--", "sh", "-c", &line]).ok();
    wait_until("its end", PATIENCE, || project.read("over").is_some());
    let pid = project.supervisor();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    assert_eq!((fields[3], fields[4]), (pid.to_string().as_str(), "0"), "its own session, no terminal");
    project.env.tmux(["kill-server"]).ok();
    wait_until("the terminal to be gone", PATIENCE, || project.processes_with("sleep 4731").is_empty());
    assert_eq!(supervisors(&project), [pid]);
    let open: Vec<_> = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").flatten().collect();
    let open: Vec<_> = open.iter().filter_map(|fd| fs::read_link(fd.path()).ok()).collect();
    assert!(
        open.iter().all(|path| !path.starts_with(&repo) || path.starts_with(project.private())),
        "{open:?}"
    );
}

/// The supervisor ends by itself, and takes its socket and its record along; a client that said garbage
/// and hangs on does not keep it.
///
/// Mutant: a refused connection that is only no longer written to counts as a client for ever.
#[test]
fn it_ends_when_idle() {
    let project = project(1);
    project.settings("supervisor:\n  idleTimeout: 1500ms\n");
    project.execute(1, &[]);
    let socket = socket(&project);
    let mut hanger_on = UnixStream::connect(&socket).expect("it listens");
    hanger_on.write_all(b"what?\n").expect("written");
    wait_until_gone(&project);
    assert!(!socket.exists() && !project.private().join("supervisor.json").exists());
    assert!(project.work(["supervisor", "status", "--json"]).ok().stdout.contains("false"));
    project.work(["supervisor", "stop"]).ok();
}

/// What a killed supervisor, a reboot or a person leaves is no obstacle.
#[test]
fn leftovers_are_no_obstacle() {
    let mut project = project(1);
    project.execute(1, &[]);
    let (pid, path) = (project.supervisor(), socket(&project));
    process::signal_process(pid, Signal::SIGKILL);
    wait_until_gone(&project);
    assert!(path.exists() && project.private().join("supervisor.json").exists(), "a kill leaves both");
    assert!(project.work(["supervisor", "status"]).ok().stdout.contains("no supervisor"));
    let record = project.private().join("supervisor.json");
    let rel = "repo/.git/work/supervisor.json";
    for step in
        ["stale socket", "garbage in the record", "a record of nowhere", "a file for a socket", "no lock"]
    {
        match step {
            "garbage in the record" => drop(project.env.write(rel, "{\"own")),
            "a record of nowhere" => {
                let mut json: Value =
                    serde_json::from_slice(&fs::read(&record).expect("a record")).expect("JSON");
                json["socket"] = json!("/nowhere/at/all.sock");
                project.env.write(rel, json.to_string());
            }
            "a file for a socket" => {
                fs::remove_file(&path).expect("it was there");
                fs::File::create(&path).expect("a file");
            }
            "no lock" => drop(fs::remove_file(project.private().join("supervisor.lock"))),
            _ => {}
        }
        let output = project.execute(1, &[]);
        assert_eq!(output.code, NO_AGENT, "{step}: {output:#?}");
        assert!(!output.stderr.contains("within this command"), "{step}: {output:#?}");
        assert_eq!(supervisors(&project).len(), 1, "{step}");
        process::signal_process(project.supervisor(), Signal::SIGKILL);
        wait_until_gone(&project);
    }

    // A folder for sockets whose paths would be too long.
    let long = project.env.root().join("x".repeat(100));
    fs::create_dir(&long).expect("a folder");
    project.env.set("XDG_RUNTIME_DIR", &long);
    assert_eq!(project.execute(1, &[]).code, NO_AGENT);
    assert_eq!(supervisors(&project).len(), 1);
    assert_eq!(mode(&socket(&project)), 0o600);
    // Whoever has another folder for sockets finds the one that serves.
    let pid = project.supervisor();
    let other = project.env.root().join("other");
    fs::create_dir(&other).expect("a folder");
    project.env.set("XDG_RUNTIME_DIR", other);
    assert_eq!(project.execute(1, &[]).code, NO_AGENT);
    assert_eq!(supervisors(&project), [pid]);
}

/// A socket that was swept away comes back: nobody else can serve while the lock is held.
///
/// Mutant: where nobody looks after it, the command gives up after 15 s and runs within itself.
#[test]
fn a_swept_socket_comes_back() {
    let project = project(1);
    project.execute(1, &[]);
    let (pid, path) = (project.supervisor(), socket(&project));
    fs::remove_file(&path).expect("it was there");
    fs::remove_file(project.private().join("supervisor.json")).expect("it was there");
    let output = project.execute(1, &[]);
    assert_eq!(output.code, NO_AGENT);
    assert!(!output.stderr.contains("within this command"), "{output:#?}");
    assert_eq!(supervisors(&project), [pid]);
}

/// D7: garbage on the socket changes nothing.
#[test]
fn garbage_is_refused_and_nothing_happens() {
    let project = project(1);
    project.execute(1, &[]);
    let (pid, path) = (project.supervisor(), socket(&project));
    let before = project.state();
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let hello = json!({ "say": "hello", "protocol": 1, "version": env!("CARGO_PKG_VERSION") }).to_string();
    let words = ["{", "}", "\"say\"", ":", "\"run\"", "\"stop", "null", "\u{0}", "spec", "[", "9e999", "\\u"];
    for round in 0..1000 {
        let mut stream = UnixStream::connect(&path).expect("it listens");
        let mut line = Vec::new();
        if round % 3 == 0 {
            line.extend_from_slice(hello.as_bytes());
            line.push(b'\n');
        }
        for _ in 0..random() % 24 {
            match random() % 3 {
                0 => line.push(u8::try_from(random() % 256).expect("a byte")),
                _ => line.extend_from_slice(
                    words[usize::try_from(random()).unwrap_or(0) % words.len()].as_bytes(),
                ),
            }
        }
        if round % 7 != 0 {
            line.push(b'\n');
        }
        // It may hang up in the middle.
        let _ = stream.write_all(&line);
    }
    let mut stream = UnixStream::connect(&path).expect("it listens");
    let _ = stream.write_all(&vec![b'x'; 17 * 1024 * 1024]);
    drop(stream);
    let status = project.work(["supervisor", "status", "--json"]).ok().stdout;
    assert!(status.contains(&format!("\"pid\":{pid}")), "{status}");
    assert_eq!(project.state(), before);
}

/// A supervisor of another version, as far as the protocol shows it. It holds the lock, as a real one does.
fn other_version(project: &Project, busy: bool) -> std::thread::JoinHandle<()> {
    let path = project.env.runtime_dir().join("other.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let held = lock::acquire(&project.private().join("supervisor.lock"), PATIENCE).expect("the lock");
    let record = json!({
        "owner": { "pid": std::process::id(), "startedAt": 1, "bootId": "b", "host": "h" },
        "version": "0.0.1", "socket": path,
    });
    project.env.write("repo/.git/work/supervisor.json", record.to_string());
    std::thread::spawn(move || {
        let mut held = Some(held);
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).expect("a line");
            let say = |words: Value| format!("{words}\n");
            let refused = |reason, message| json!({ "say": "refused", "reason": reason, "message": message });
            let answer = match (line.contains("retire"), busy) {
                (false, _) => refused("version", "the supervisor is version 0.0.1"),
                (true, true) => refused("busy", "it is running 01.01.01"),
                (true, false) => json!({ "say": "stopping" }),
            };
            stream.write_all(say(answer).as_bytes()).expect("an answer");
            if line.contains("retire") {
                fs::remove_file(&path).expect("our socket");
                // The lock goes a moment after the connection, as when a process ends.
                drop(stream);
                std::thread::park_timeout(Duration::from_millis(50));
                return drop(held.take());
            }
        }
    })
}

/// D6: one of another version makes room when it is idle, and is left alone, with a clear word, when it is
/// busy.
#[test]
fn another_version_makes_room_when_it_can() {
    let project = project(1);
    let old = other_version(&project, true);
    let output = project.execute(1, &[]);
    assert_eq!(output.code, 7, "{output:#?}");
    for word in ["another version", "0.0.1", "01.01.01"] {
        assert!(output.stderr.contains(word), "{output:#?}");
    }
    assert!(supervisors(&project).is_empty());
    old.join().expect("it was asked once");

    let old = other_version(&project, false);
    let output = project.execute(1, &[]);
    assert_eq!(output.code, NO_AGENT, "{output:#?}");
    assert_eq!(supervisors(&project), [project.supervisor()]);
    old.join().expect("it made room");
}

/// S7: everything private is private under any umask, and the umask stays the user's for the agents.
#[test]
fn private_things_are_private_under_any_umask() {
    for umask in ["000", "022", "077"] {
        let project = project(1);
        let line = r#"umask "$2"; exec "$1" execute --thread 01.01.01 --mode plain"#;
        let exe = env!("CARGO_BIN_EXE_work");
        project.env.run("sh", &project.repo(), ["-c", line, "sh", exe, umask]);
        let path = socket(&project);
        let folder = path.parent().expect("a folder");
        assert_eq!((mode(&path), mode(folder), mode(&project.private())), (0o600, 0o700, 0o700), "{umask}");
        for name in ["supervisor.json", "supervisor.log"] {
            assert_eq!(mode(&project.private().join(name)), 0o600, "{name} under {umask}");
        }
        let status = fs::read_to_string(format!("/proc/{}/status", project.supervisor())).expect("it lives");
        assert!(status.contains(&format!("Umask:\t0{umask}")), "{status}");
    }
}

/// A supervisor that can't get ready is not waited for, and the turn runs all the same.
///
/// Mutant: tried again until the time for a start is up, it takes 25 s.
#[test]
fn where_none_can_start_the_command_runs_the_turn_itself() {
    let project = project(1);
    // Its log can't be made.
    let log = project.private().join("supervisor.log");
    fs::create_dir_all(&log).expect("a folder in its place");
    let begun = Instant::now();
    let output = project.execute(1, &[]);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(output.code, NO_AGENT, "{output:#?}");
    assert!(output.stderr.contains("running within this command"), "{output:#?}");
    assert_eq!(project.attempt(1)["status"], "failed");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o700)).expect("ours");
}

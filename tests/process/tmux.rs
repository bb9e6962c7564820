//! `adapters::tmux` against the real tmux, on private sockets.
//!
//! The adapter runs in this process, so it is given a tmux program that runs the real one in the
//! environment of the test ([`TestEnv::tmux_program`]).

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use work::adapters::tmux::{Opened, Program, Server, SessionName, Title, TmuxError, Window, WindowSpec};

use crate::support::env::TestEnv;

/// A program that writes down what it was started with.
const DUMPER: &str = r#"#!/bin/sh
cat /proc/$$/cmdline >"$DUMP/cmdline"
cat /proc/$$/environ >"$DUMP/environ"
pwd -P >"$DUMP/directory"
mv "$DUMP/directory" "$DUMP/done"
"#;

/// Waits for something that must become true.
#[track_caller]
fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_true() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        #[expect(clippy::disallowed_methods, reason = "this is the wait for a condition")]
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn program(env: &TestEnv) -> Program {
    Program::find(Some(&env.tmux_program())).unwrap()
}

fn private(env: &TestEnv) -> Server {
    Server::private(&program(env), &env.runtime_dir().join("work/tmux")).unwrap()
}

/// A window that stays.
fn sleeper(env: &TestEnv, session: &str, title: &str) -> WindowSpec {
    WindowSpec {
        session: SessionName::new(session),
        title: Title::new(title),
        directory: env.root().to_owned(),
        argv: ["sleep", "1000"].map(OsString::from).to_vec(),
        environment: Vec::new(),
        tags: vec![("work_thread", title.to_owned())],
    }
}

fn list(server: &Server) -> Vec<Window> {
    server.list_windows(None, &["work_thread", "work_stream"]).unwrap()
}

/// The user's own server, with their configuration, and a pane that we run in.
fn users_server(env: &TestEnv) -> (OsString, String) {
    env.tmux(["new-session", "-d", "-s", "mine", "-x", "100", "-y", "30", "--", "sleep", "1000"]).ok();
    let print = |format| env.tmux(["display-message", "-p", "-t", "=mine:", format]).ok().stdout;
    let tmux = print("#{socket_path},#{pid},0");
    (tmux.trim().into(), print("#{pane_id}").trim().to_owned())
}

// ---- T1: argv, environment and directory, byte for byte ------------------------------------------

/// Bytes that an argument can hold, with a liking for those that tmux or a shell would read.
fn bytes(without: &'static [u8], least: usize) -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(vec![
        "#(touch canary)",
        "#{pid}",
        "#S",
        "##",
        "#[fg=red]",
        "##[",
        "#",
        ";",
        r"\;",
        r"\",
        "%H",
        "%%",
        "$(touch canary)",
        "`touch canary`",
        "'",
        "\"",
        "\n",
        " ",
        "\t",
        "-",
        "--",
        "~",
        "{",
        "}",
        "*",
        "$HOME",
        "=",
        "é",
        "🦀",
        "\u{202e}",
        "\x1b",
        "\x7f",
    ]);
    let special = special.prop_map(|text| text.as_bytes().to_vec());
    let piece = prop_oneof![3 => special, 1 => prop::collection::vec(1u8..=255, 1..4)];
    prop::collection::vec(piece, least..8).prop_map(move |pieces| {
        let mut bytes = pieces.concat();
        bytes.retain(|byte| *byte != 0 && !without.contains(byte));
        if bytes.len() < least { vec![b'x'] } else { bytes }
    })
}

/// Opens a window that runs the dumper, and compares what it was given.
#[track_caller]
fn arrives(
    server: &Server,
    dumper: &Path,
    dump: &Path,
    session: &str,
    asked: &Asked,
) -> Result<(), TestCaseError> {
    let _ = fs::remove_dir_all(dump);
    let folder = dump.join("work").join(OsStr::from_bytes(&asked.folder));
    fs::create_dir_all(&folder).unwrap();
    let os = |bytes: &Vec<u8>| OsString::from_vec(bytes.clone());
    let mut environment: Vec<_> = asked.environment.iter().map(|(n, v)| (os(n), os(v))).collect();
    environment.push(("DUMP".into(), dump.into()));
    let argv: Vec<_> = std::iter::once(dumper.into()).chain(asked.arguments.iter().map(os)).collect();
    let spec = WindowSpec {
        session: SessionName::new(session),
        title: Title::new(&String::from_utf8_lossy(&asked.folder)),
        directory: folder.clone(),
        argv: argv.clone(),
        environment: environment.clone(),
        tags: vec![("work_thread", String::from_utf8_lossy(&asked.folder).into_owned())],
    };
    server.open_window(&spec).unwrap();
    eventually("the dumper's report", || dump.join("done").exists());

    // A script's first words are those of its interpreter.
    let argv: Vec<_> = [OsString::from("/bin/sh")].into_iter().chain(argv).collect();
    let joined: Vec<u8> = argv.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    prop_assert_eq!(fs::read(dump.join("cmdline")).unwrap(), joined);
    let environ = fs::read(dump.join("environ")).unwrap();
    for (name, value) in environment {
        let expected = [name.as_bytes(), b"=", value.as_bytes()].concat();
        let is_there = environ.split(|byte| *byte == 0).any(|entry| entry == expected);
        prop_assert!(is_there, "{:?} in {}", name, String::from_utf8_lossy(&environ));
    }
    let directory = [folder.canonicalize().unwrap().as_os_str().as_bytes(), b"\n"].concat();
    prop_assert_eq!(fs::read(dump.join("done")).unwrap(), directory);
    Ok(())
}

#[derive(Debug, Clone)]
struct Asked {
    arguments: Vec<Vec<u8>>,
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    folder: Vec<u8>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let folder = bytes(b"/", 1).prop_map(|name| [b"d", &name[..name.len().min(120)]].concat());
    // No two names are the same.
    let variable = (bytes(b"=", 0), bytes(b"", 0));
    let environment = prop::collection::vec(variable, 0..4).prop_map(|variables| {
        let numbered = variables.into_iter().enumerate();
        numbered.map(|(i, (name, value))| ([format!("{i}").as_bytes(), &name].concat(), value)).collect()
    });
    (prop::collection::vec(bytes(b"", 0), 0..5), environment, folder)
        .prop_map(|(arguments, environment, folder)| Asked { arguments, environment, folder })
}

/// T1. Mutants: no `\;` for a last `;`; the single word given to tmux as it is; the directory by
/// `-c`, unescaped; `PATH` by `-e` alone.
#[cfg(target_os = "linux")]
#[test]
fn t1_argv_environment_and_directory_arrive_byte_for_byte() {
    let env = TestEnv::new();
    let dumper = env.script("dumper", DUMPER);
    let server = private(&env);
    let dump = env.root().join("dump");
    let fixed = [
        Asked { arguments: vec![], environment: vec![], folder: b"plain".into() },
        Asked {
            arguments: [&b"a;"[..], b";", br"b\;", b"", b"--", b"-t", b"#{pid}", b"l1\nl2", b"\xff\xfe"]
                .map(<[u8]>::to_vec)
                .to_vec(),
            environment: [
                (&b"A"[..], &b"x;"[..]),
                (b"B", b"l1\nl2"),
                (b"C", b""),
                (b"D D", br#"'"\;"#),
                (b"-E", b"#(x)"),
            ]
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .to_vec(),
            folder: b"#(touch canary) #{pid} ##[x %H ;".into(),
        },
        Asked {
            arguments: vec![b"x".into()],
            environment: vec![(
                b"PATH".into(),
                format!("/bin:/usr/bin:{}", env.root().display()).into_bytes(),
            )],
            folder: b"line\n".into(),
        },
    ];
    // Each once as the first window of a session, and once beside another window.
    for asked in &fixed {
        arrives(&server, &dumper, &dump, "fresh", asked).unwrap();
    }
    server.open_window(&sleeper(&env, "kept", "kept")).unwrap();
    for asked in &fixed {
        arrives(&server, &dumper, &dump, "kept", asked).unwrap();
    }
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(asked in asked(), fresh in any::<bool>())| {
        arrives(&server, &dumper, &dump, if fresh { "fresh" } else { "kept" }, &asked)?;
    });
    let canaries = env.processes().into_iter().map(|pid| format!("/proc/{pid}/cwd/canary"));
    assert!(
        canaries
            .chain([env.root().join("canary").display().to_string()])
            .all(|path| !Path::new(&path).exists())
    );
}

// ---- T2: hostile names --------------------------------------------------------------------------

/// Names that do something when anything expands or splits them; `CANARY` is a path.
const HOSTILE: &[&str] = &[
    "#(touch CANARY)",
    "##(touch CANARY)",
    "###(touch CANARY)",
    "#{E:#(touch CANARY)}",
    "#[fg=red]#(touch CANARY)",
    "#{?1,#(touch CANARY),}",
    "#S",
    "#{pid}",
    "%H:%M",
    "$(touch CANARY)",
    "`touch CANARY`",
    "; touch CANARY",
    "x; run-shell 'touch CANARY' ;",
    r"x\; run-shell 'touch CANARY' \;",
    "' ; touch CANARY ; '",
    "\" ; touch CANARY ; \"",
    "a\nrun-shell 'touch CANARY'\n",
    "-t",
    "--",
    "-n x",
    "",
    " ",
    "=",
    "@0",
    "%0",
    "$0",
    "{last}",
    ":",
    "a.b:c",
    "!",
    "+",
    "🦀 🏳️‍🌈 👩‍👩‍👧‍👧",
    "e\u{301}\u{301}\u{301}",
    "\u{202e}abc",
    "\x1b]2;x\x07\x1b[2J",
    "\0x",
    "~",
    "*",
    "end;",
    "end#",
    r"back\",
    "|",
    "'",
];

/// T2. Mutants: `#` in titles neither escaped nor followed by a space (the canary appears); only
/// not escaped (`#S` shows another title); titles looked up by name (`{last}`, `@0`, `%0`).
#[test]
fn t2_no_name_is_ever_expanded_split_or_run() {
    let env = TestEnv::new();
    let canary = env.root().join("canary");
    let control = env.root().join("control");
    let long = "#(touch CANARY)".repeat(20) + &"🦀".repeat(300);
    let names: Vec<String> = HOSTILE
        .iter()
        .copied()
        .chain([long.as_str()])
        .map(|name| name.replace("CANARY", canary.to_str().unwrap()))
        .collect();
    let (tmux, pane) = users_server(&env);
    let inside = Server::inside(&program(&env), &tmux, Some(&pane)).unwrap();
    for server in [private(&env), inside] {
        let mut opened: Vec<(Opened, Title, &String)> = Vec::new();
        for name in &names {
            let spec = sleeper(&env, "hostile", name);
            opened.push((server.open_window(&spec).unwrap(), spec.title.clone(), name));
            // As the name of a session, too.
            server.open_window(&WindowSpec { session: SessionName::new(name), ..spec }).unwrap();
        }
        let listed = server.list_windows(Some(&SessionName::new("hostile")), &["work_thread"]).unwrap();
        assert_eq!(listed.len(), opened.len());
        for (window, (opened, title, name)) in listed.iter().zip(&opened) {
            assert_eq!((window.id, window.pane, window.pid), (opened.window, opened.pane, opened.pid));
            assert_eq!(&window.tags["work_thread"], *name);
            // tmux keeps some characters only in its own spelling.
            if title.as_str().is_ascii() {
                assert_eq!(window.title, title.as_str(), "{name:?}");
            }
        }
        // Now somebody looks at it, in the status line and in the list of windows.
        let mut attach = env.command("tmux");
        let seen = server.attach(&SessionName::new("hostile"));
        let viewer = env.runtime_dir().join("viewer.tmux");
        attach.args(["-f", "/dev/null", "-S"]).arg(&viewer);
        attach.args(["new-session", "-d", "-x", "200", "-y", "50", "--", "env", "-u", "TMUX"]);
        attach.arg("tmux").args(seen.get_args());
        assert!(attach.status().unwrap().success());
        let shown = || env.tmux_on(&viewer, ["capture-pane", "-p"]).stdout;
        eventually("the status line", || shown().contains("hostile") || shown().contains("end"));
        env.tmux_on(&viewer, ["kill-server"]).ok();
        // What tmux does run leaves its trace: had there been anything, it would have, too.
        let _ = fs::remove_file(&control);
        let format = format!("#(touch {})", control.display());
        eventually("the control", || {
            // tmux ends such a command with the client that asked, so it may take more than one.
            env.tmux_on(server.socket(), ["display-message", "-p", &format]).ok();
            control.exists()
        });
        assert!(!canary.exists());
    }
}

// ---- T3: a bad start is an error ----------------------------------------------------------------

/// T3. Mutants: no look at the directory; no search for the program; no check of the size.
#[test]
fn t3_a_bad_start_is_an_error_and_leaves_nothing() {
    let env = TestEnv::new();
    let server = private(&env);
    let file = env.write("file", "");
    let with = |change: &dyn Fn(&mut WindowSpec)| {
        let mut spec = sleeper(&env, "s", "t");
        change(&mut spec);
        let error = server.open_window(&spec).unwrap_err();
        assert!(!error.to_string().contains('\n'), "one clear line: {error}");
        error
    };
    let in_folder = |path: &Path| with(&|spec| path.clone_into(&mut spec.directory));
    assert!(matches!(in_folder(&env.root().join("missing")), TmuxError::Directory { .. }));
    assert!(matches!(in_folder(&file), TmuxError::Directory { .. }));
    assert!(matches!(in_folder(Path::new("relative")), TmuxError::Directory { .. }));
    let running = |argv: &[&OsStr]| with(&|spec| spec.argv = argv.iter().map(Into::into).collect());
    assert!(matches!(running(&[]), TmuxError::Program(_)));
    assert!(matches!(running(&[OsStr::new("no-such-program"), OsStr::new("x")]), TmuxError::Program(_)));
    assert!(matches!(running(&[file.as_os_str()]), TmuxError::Program(_)), "not executable");
    for name in ["", "A=B", "TMUX", "SHELL", "PWD"] {
        let error = with(&|spec| spec.environment = vec![(name.into(), "x".into())]);
        assert!(matches!(error, TmuxError::Variable { .. }), "{name}: {error}");
    }
    let error = with(&|spec| spec.argv.push("secret ".repeat(3000).into()));
    assert!(matches!(error, TmuxError::TooLong { .. }));
    let error = with(&|spec| spec.argv.push("nul\0byte".into()));
    assert!(!error.to_string().contains("nul"), "arguments may be private: {error}");
    assert_eq!(list(&server), []);
    assert!(!server.socket().exists() || env.tmux_on(server.socket(), ["list-sessions"]).code != 0);
}

/// The limit is tmux's own: what we do not refuse, it takes. Mutant: the limit one byte higher.
#[test]
fn the_longest_command_passes() {
    let env = TestEnv::new();
    let server = private(&env);
    server.open_window(&sleeper(&env, "s", "first")).unwrap();
    let of = |size: usize| {
        let mut spec = sleeper(&env, "s", "long");
        spec.argv = ["sh", "-c", "exec sleep 1000"].map(OsString::from).to_vec();
        spec.argv.push("x".repeat(size).into());
        server.open_window(&spec)
    };
    let is_refused = |result| matches!(result, Err(TmuxError::TooLong { .. }));
    let (mut fits, mut too_long) = (10_000, 20_000);
    while too_long - fits > 1 {
        let size = (fits + too_long) / 2;
        if is_refused(of(size)) { too_long = size } else { fits = size }
    }
    of(fits).unwrap();
}

// ---- T4: speed ----------------------------------------------------------------------------------

/// T4. Fifty windows; 0.3 s on an idle machine, and 5 s are allowed to a loaded one.
#[test]
fn t4_fifty_windows_open_fast() {
    let env = TestEnv::new();
    let server = private(&env);
    let begin = Instant::now();
    let opened: Vec<_> =
        (0..50).map(|i| server.open_window(&sleeper(&env, "s", &format!("01.01.{i:02}"))).unwrap()).collect();
    let took = begin.elapsed();
    println!("50 windows: {took:?}");
    let listed = list(&server);
    assert_eq!(
        listed.iter().map(|window| window.id).collect::<Vec<_>>(),
        opened.iter().map(|o| o.window).collect::<Vec<_>>()
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
}

// ---- T5: hostile surroundings -------------------------------------------------------------------

const HOSTILE_CONFIGURATION: &str = "\
set -g destroy-unattached on
set -g default-shell /bin/false
set -g default-command 'touch CANARY'
set -g base-index 5
set -g renumber-windows on
setw -g allow-rename on
setw -g automatic-rename on
setw -g remain-on-exit on
setw -g automatic-rename-format 'stolen'
set -g exit-empty on
run-shell 'touch LOADED'
";

/// T5, our own server. Mutant: `-f` left out of `address` (`LOADED` appears).
#[test]
fn t5_a_private_server_knows_nothing_of_the_users_configuration() {
    let env = TestEnv::new();
    let (canary, loaded) = (env.root().join("canary"), env.root().join("loaded"));
    let text = HOSTILE_CONFIGURATION
        .replace("CANARY", canary.to_str().unwrap())
        .replace("LOADED", loaded.to_str().unwrap());
    env.write("home/.tmux.conf", &text);
    env.write("home/.config/tmux/tmux.conf", &text);
    let server = private(&env);
    let opened = server.open_window(&sleeper(&env, "s", "one")).unwrap();
    server.open_window(&sleeper(&env, "s", "two")).unwrap();
    let ends = WindowSpec { argv: vec!["true".into()], ..sleeper(&env, "s", "three") };
    server.open_window(&ends).unwrap();
    eventually("the end of the third", || list(&server).len() == 2);
    assert_eq!(list(&server)[0].id, opened.window);
    let show = |name| env.tmux_on(server.socket(), ["show-options", "-gv", name]).ok().stdout;
    assert_eq!((show("base-index").as_str(), show("mouse").as_str()), ("1\n", "on\n"));
    assert_eq!(env.tmux_on(server.socket(), ["show-options", "-sv", "exit-empty"]).stdout, "on\n");
    assert!(!loaded.exists() && !canary.exists());
}

/// T5, the user's server: our windows live by our options, and theirs stay as they were. Mutants:
/// `destroy-unattached` not set on our session; an option set with `-g`.
#[test]
fn t5_inside_a_hostile_server_our_windows_live_and_nothing_global_changes() {
    let env = TestEnv::new();
    let (canary, loaded) = (env.root().join("canary"), env.root().join("loaded"));
    let text = HOSTILE_CONFIGURATION
        .replace("set -g destroy-unattached on\n", "")
        .replace("CANARY", canary.to_str().unwrap())
        .replace("LOADED", loaded.to_str().unwrap());
    env.write("home/.tmux.conf", &text);
    let (tmux, pane) = users_server(&env);
    assert!(loaded.exists(), "the configuration is read");
    // Now that the user's session is there; it would have ended with the command that made it.
    env.tmux([
        "set-option",
        "-t",
        "=mine:",
        "destroy-unattached",
        "off",
        ";",
        "set-option",
        "-g",
        "destroy-unattached",
        "on",
    ])
    .ok();
    let options = || {
        let show = |scope| env.tmux(["show-options", scope]).ok().stdout;
        let own = env.tmux(["show-options", "-t", "=mine:"]).ok().stdout;
        [show("-s"), show("-g"), show("-gw"), own, env.tmux(["show-environment", "-g"]).ok().stdout]
    };
    let before = options();
    let server = Server::inside(&program(&env), &tmux, Some(&pane)).unwrap();
    assert!(!server.is_private());
    let mut spec = sleeper(&env, "s", "one");
    spec.environment = vec![("WORK_THREAD".into(), "one".into())];
    spec.argv = ["sh", "-c", r"printf '\033kstolen\033\134'; exec sleep 1000"].map(OsString::from).to_vec();
    server.open_window(&spec).unwrap();
    server.open_window(&sleeper(&env, "s", "two")).unwrap();
    server.open_window(&WindowSpec { argv: vec!["true".into()], ..sleeper(&env, "s", "three") }).unwrap();
    eventually("the end of the third", || list(&server).len() == 2);
    let windows = list(&server);
    assert_eq!(windows.iter().map(|w| w.title.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert!(windows.iter().all(|window| window.session == "s" && !window.dead));
    assert_eq!(options(), before);
    // What the first window was given is not for the second, nor for what the user opens there.
    let environment = env.tmux(["show-environment", "-t", "=s:"]).ok().stdout;
    assert!(
        !environment.lines().any(|line| line.trim_start_matches('-').starts_with("WORK_")),
        "{environment}"
    );
    // Theirs is not ours to close, nor to list.
    let users = env.tmux(["list-windows", "-t", "=mine:", "-F", "#{window_id}"]).stdout;
    assert!(!windows.iter().any(|window| window.id.to_string() == users.trim()));
    assert!(!canary.exists());
}

/// T5: `$TMUX` leads nowhere, to another server, or is nonsense. Mutant: the pid not compared.
#[test]
fn t5_a_dead_tmux_variable_is_seen() {
    let env = TestEnv::new();
    let program = program(&env);
    let (tmux, _) = users_server(&env);
    assert!(Server::inside(&program, &tmux, None).is_some());
    let socket = env.tmux_socket();
    for value in [
        format!("{},1,0", socket.display()),
        "/nowhere/tmux,1,0".into(),
        String::new(),
        ",,".into(),
        "x".into(),
    ] {
        assert!(Server::inside(&program, OsStr::new(&value), None).is_none(), "{value}");
    }
    env.tmux(["kill-server"]).ok();
    assert!(Server::inside(&program, &tmux, None).is_none());
}

/// T5: no tmux, other versions, and what is no tmux at all.
#[test]
fn t5_a_tmux_that_will_not_do_gives_one_clear_line() {
    let env = TestEnv::new();
    let missing = Program::find(Some(&env.root().join("missing"))).unwrap_err();
    assert_eq!(missing.to_string(), "tmux was not found; install the package `tmux`");
    let answering = |text: &str| {
        Program::find(Some(&env.script("fake/tmux", &format!("#!/bin/sh\nprintf '%s\\n' '{text}'\n"))))
    };
    for good in [
        "tmux 3.2",
        "tmux 3.2a",
        "tmux 3.3a",
        "tmux next-3.5",
        "tmux 10.0",
        "tmux master",
        "tmux openbsd-7.4",
    ] {
        answering(good).unwrap();
    }
    let fake = env.root().join("fake/tmux");
    for old in ["2.6", "3.0a", "3.1c", "next-3.1"] {
        let error = answering(&format!("tmux {old}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{}` is tmux {old}, and 3.2 or newer is needed", fake.display())
        );
        assert!(error.hint().is_some());
    }
    for odd in ["", "GNU screen 4.9", "tmux"] {
        assert!(matches!(answering(odd), Err(TmuxError::Unknown { .. })), "{odd}");
    }
}

#[test]
fn a_socket_has_a_short_path_in_a_folder_of_its_own() {
    let env = TestEnv::new();
    let program = program(&env);
    let server = private(&env);
    let folder = server.socket().parent().unwrap();
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    let long = env.root().join("x".repeat(100)).join("tmux");
    assert!(matches!(Server::private(&program, &long), Err(TmuxError::SocketPath { .. })));
    assert!(!long.parent().unwrap().exists());
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let open = Server::private(&program, server.socket()).unwrap_err();
    assert!(matches!(open, TmuxError::SocketFolder { .. }), "{open}");
}

// ---- life of a server ---------------------------------------------------------------------------

#[test]
fn windows_are_closed_and_chosen_by_id() {
    let env = TestEnv::new();
    let server = private(&env);
    let session = SessionName::new("s");
    assert_eq!(list(&server), []);
    assert!(!server.session_exists(&session).unwrap());
    let [one, two] = ["one", "two"].map(|name| server.open_window(&sleeper(&env, "s", name)).unwrap());
    assert!(server.session_exists(&session).unwrap());
    assert!(!server.session_exists(&SessionName::new("")).unwrap(), "`work`, which is another");
    server.open_window(&sleeper(&env, "s-longer", "three")).unwrap();
    assert_eq!(server.list_windows(Some(&session), &[]).unwrap().len(), 2, "no prefix match");

    let current =
        || env.tmux_on(server.socket(), ["display-message", "-p", "-t", "=s:", "#{window_id}"]).stdout;
    assert_eq!(current().trim(), one.window.to_string(), "opened in the background");
    server.select_window(two.window).unwrap();
    assert_eq!(current().trim(), two.window.to_string());

    // A window of somebody else's is left alone, and our pane is told from others beside it.
    env.tmux_on(server.socket(), ["split-window", "-t", &two.window.to_string(), "--", "sleep", "1000"]).ok();
    assert_eq!(list(&server).iter().filter(|window| window.id == two.window).count(), 1);
    let other = env.tmux_on(
        server.socket(),
        ["new-window", "-d", "-P", "-F", "#{window_id}", "-t", "=s:", "--", "sleep", "1000"],
    );
    let count = || env.tmux_on(server.socket(), ["list-windows", "-a"]).stdout.lines().count();
    assert_eq!((list(&server).len(), count()), (3, 4));
    let of_others =
        env.tmux_on(server.socket(), ["set-option", "-w", "-t", &one.window.to_string(), "-u", "@work_pane"]);
    assert_eq!(of_others.code, 0);
    server.kill_window(one.window).unwrap();
    assert_eq!(count(), 4, "without our mark it is not ours: {}", other.stdout);
    server.kill_window(two.window).unwrap();
    assert_eq!(count(), 3);
    server.kill_window(two.window).unwrap();
    assert_eq!(count(), 3, "closed twice is closed once");
    assert!(server.select_window(two.window).is_err());
    env.tmux_on(server.socket(), ["kill-server"]).ok();
    server.kill_window(one.window).unwrap();
    assert!(!server.session_exists(&session).unwrap());
}

/// Mutant: no `start-server` from `/`.
#[cfg(target_os = "linux")]
#[test]
fn a_server_holds_on_to_no_worktree() {
    let env = TestEnv::new();
    let server = private(&env);
    server.open_window(&sleeper(&env, "s", "one")).unwrap();
    let pid = env.tmux_on(server.socket(), ["display-message", "-p", "#{pid}"]).ok().stdout;
    let cwd = fs::read_link(format!("/proc/{}/cwd", pid.trim())).unwrap();
    assert_eq!(cwd, Path::new("/"));
}

/// Mutant: no second try.
#[test]
fn a_window_opens_while_the_old_server_is_ending() {
    let env = TestEnv::new();
    let server = private(&env);
    for round in 0..20 {
        server.open_window(&sleeper(&env, "s", "one")).unwrap();
        assert_eq!(list(&server).len(), 1, "round {round}");
        env.tmux_on(server.socket(), ["kill-server"]).ok();
    }
}

/// Mutant: a duplicate session is an error.
#[test]
fn sixteen_first_windows_at_once_make_one_session() {
    let env = TestEnv::new();
    let server = private(&env);
    std::thread::scope(|scope| {
        for i in 0..16 {
            let (env, server) = (&env, &server);
            scope.spawn(move || server.open_window(&sleeper(env, "s", &format!("{i}"))).unwrap());
        }
    });
    assert_eq!(list(&server).len(), 16);
    let sessions = env.tmux_on(server.socket(), ["list-windows", "-a", "-F", "#{session_name}"]).stdout;
    assert_eq!(sessions, "s\n".repeat(16), "no empty window is left over");
}

/// The user's terminal is played by a window of another server.
#[test]
fn the_users_terminal_is_brought_to_the_session() {
    let env = TestEnv::new();
    let (tmux, pane) = users_server(&env);
    let inside = Server::inside(&program(&env), &tmux, Some(&pane)).unwrap();
    inside.open_window(&sleeper(&env, "ours", "one")).unwrap();
    let session = SessionName::new("ours");
    assert!(inside.switch_client(&session).is_err(), "nobody looks");

    let terminal = env.runtime_dir().join("terminal.tmux");
    let run = |words: &[&OsStr]| {
        let mut args: Vec<&OsStr> =
            ["-f", "/dev/null", "new-session", "-d", "--", "env", "-u", "TMUX"].map(OsStr::new).to_vec();
        args.extend(words);
        env.tmux_on(&terminal, args).ok();
    };
    let socket = env.tmux_socket();
    run(&[
        "tmux".as_ref(),
        "-S".as_ref(),
        socket.as_os_str(),
        "attach-session".as_ref(),
        "-t".as_ref(),
        "=mine:".as_ref(),
    ]);
    let looking_at = || env.tmux(["list-clients", "-F", "#{client_session}"]).stdout;
    eventually("the user looks at their session", || looking_at().trim() == "mine");
    inside.switch_client(&session).unwrap();
    assert_eq!(looking_at().trim(), "ours");
    // When our last window ends, they are back at their own.
    for window in list(&inside) {
        inside.kill_window(window.id).unwrap();
    }
    eventually("the user is back", || looking_at().trim() == "mine");

    // And from a terminal without tmux to our own server.
    let server = private(&env);
    server.open_window(&sleeper(&env, "ours", "one")).unwrap();
    let attach = server.attach(&session);
    let words: Vec<&OsStr> = std::iter::once(OsStr::new("tmux")).chain(attach.get_args()).collect();
    run(&words);
    let clients = || env.tmux_on(server.socket(), ["list-clients", "-F", "#{client_session}"]).stdout;
    eventually("a look at our session", || clients().trim() == "ours");
}

//! T3 and T4: a start is an error or a window, and it is fast.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, Instant};

use work::adapters::tmux::{TmuxError, WindowSpec};

use super::{eventually, list, private, sleeper};
use crate::support::env::TestEnv;

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

/// A first window takes more than others, so it may fail once our server is started. Mutant:
/// `exit-empty` left off.
#[test]
fn a_failed_first_start_leaves_no_server_behind() {
    let env = TestEnv::new();
    let server = private(&env);
    let mut spec = sleeper(&env, "s", "t");
    spec.argv.push("x".repeat(14_500).into());
    spec.environment = (0..10).map(|i| (format!("{i:0>100}").into(), "".into())).collect();
    let error = server.open_window(&spec).unwrap_err();
    assert!(matches!(error, TmuxError::TooLong { .. }), "{error}");
    assert!(server.socket().exists(), "it was started");
    let runs = || env.tmux_on(server.socket(), ["-f", "/dev/null", "list-sessions"]);
    eventually("the end of the server", || runs().stderr.contains("no server running"));
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

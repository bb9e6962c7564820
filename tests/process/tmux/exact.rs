//! T1: argv, environment and directory, byte for byte.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use proptest::prelude::*;
use work::adapters::tmux::{Server, SessionName, Title, WindowSpec};

use super::{eventually, private, sleeper};
use crate::support::env::TestEnv;

/// A program that writes down what it was started with.
const DUMPER: &str = r#"#!/bin/sh
cat /proc/$$/cmdline >"$DUMP/cmdline"
cat /proc/$$/environ >"$DUMP/environ"
pwd -P >"$DUMP/directory"
mv "$DUMP/directory" "$DUMP/done"
"#;

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

/// T1. Mutants: no `\;` for a last `;`; the single word given to tmux as it is, or to a shell
/// (which drops variables that it can't name); the directory by `-c`, unescaped; `PATH` by `-e` alone.
#[cfg(target_os = "linux")]
#[test]
fn t1_argv_environment_and_directory_arrive_byte_for_byte() {
    let env = TestEnv::new();
    let dumper = env.script("du mp;er $(touch canary) #S/dumper", DUMPER);
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

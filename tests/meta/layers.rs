//! The floors of the house: a room imports only from floors below its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which room lies on which floor.
const FLOORS: &[(&str, u8)] = &[
    ("model", 0),
    ("diag", 0),
    ("sys", 0),
    ("plan", 1),
    ("config", 1),
    ("store", 2),
    ("adapters", 2),
    ("agent", 2),
    ("ipc", 2),
    ("engine", 3),
    ("runtime", 4),
    ("supervisor", 5),
    ("ui", 6),
    ("commands", 7),
];

/// The only rooms that `ui` may import.
const UI_SEES: &[&str] = &["model", "diag", "engine"];

/// The only rooms that may name the asynchronous runtime.
const ASYNC_ROOMS: &[&str] = &["agent", "runtime", "supervisor"];

/// Crates that one room hides from all others.
const HIDDEN: &[(&str, &str)] = &[
    ("dialoguer", "ui"),
    ("comfy_table", "ui"),
    ("indicatif", "ui"),
    ("annotate_snippets", "ui"),
    ("anyhow", "commands"),
    ("fs2", "sys"),
    ("nix", "sys"),
    ("atomic_write_file", "sys"),
    ("etcetera", "sys"),
    ("signal_hook", "sys"),
    ("which", "sys"),
    ("pulldown_cmark", "plan"),
    ("serde_saphyr", "config"),
    ("reqwest", "agent"),
    ("eventsource_stream", "agent"),
    ("tracing_subscriber", "supervisor"),
];

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|end| end == "rs") {
            out.push(path);
        }
    }
}

/// The code without line comments, so that a doc link is no import.
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.split_once("//").map_or(line, |(before, _)| before))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every word that follows `prefix` and is followed by `::`, `;` or the end of a path.
fn words_after<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(prefix).filter_map(move |(at, _)| {
        let boundary = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let rest = &code[at + prefix.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        boundary.then_some(&rest[..end])
    })
}

/// What a source file of `room` does that its floor forbids.
fn offences(room: &str, text: &str) -> BTreeSet<String> {
    let code = code(text);
    let mut found = BTreeSet::new();
    let own = floor(room).unwrap_or(u8::MAX);
    for word in words_after(&code, "crate::") {
        match floor(word) {
            _ if word == room => {}
            None => {
                found.insert(format!(
                    "names `crate::{word}`, which is no room (one import a line, no braces)"
                ));
            }
            Some(other) if other >= own => {
                found.insert(format!("floor {own} imports `{word}` of floor {other}"));
            }
            Some(_) if room == "ui" && !UI_SEES.contains(&word) => {
                found.insert(format!("ui imports `{word}`"));
            }
            Some(_) => {}
        }
    }
    let names = |krate: &str| words_after(&code, &format!("{krate}::")).next().is_some();
    if names("tokio") && !ASYNC_ROOMS.contains(&room) {
        found.insert("names tokio".to_owned());
    }
    for (krate, home) in HIDDEN {
        if room != *home && names(krate) {
            found.insert(format!("names {krate}, which lives in `{home}`"));
        }
    }
    found
}

#[test]
fn every_room_imports_only_from_floors_below_its_own() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 10, "the sources were not found");
    let mut wrong = Vec::new();
    for file in files {
        let inner = file.strip_prefix(&src).expect("below src");
        let Some(room) = inner.components().next().and_then(|part| part.as_os_str().to_str()) else {
            continue;
        };
        if matches!(room, "lib.rs" | "main.rs") {
            continue;
        }
        if floor(room).is_none() {
            wrong.push(format!("{}: no floor is given for `{room}`", inner.display()));
        }
        let text = fs::read_to_string(&file).expect("a source");
        wrong.extend(offences(room, &text).into_iter().map(|what| format!("{}: {what}", inner.display())));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_check_sees_each_kind_of_offence() {
    for (room, text) in [
        ("model", "use crate::engine::status;"),
        ("model", "fn f() { crate::sys::clock::now() }"),
        ("store", "use crate::agent::Backend;"),
        ("store", "use crate::{model, engine};"),
        ("engine", "async fn f() { tokio::time::sleep(d).await }"),
        ("ui", "use crate::store::Store;"),
        ("engine", "use anyhow::Result;"),
        ("supervisor", "use crate::ui::Ui;"),
    ] {
        assert!(!offences(room, text).is_empty(), "{room}: {text}");
    }
    for (room, text) in [
        ("engine", "use crate::model::Stream; // crate::commands"),
        ("engine", "use crate::engine::status;"),
        ("agent", "use tokio::sync::mpsc;"),
        ("ui", "use crate::engine::Report;"),
        ("store", "use std::os::unix::fs::OpenOptionsExt;"),
    ] {
        assert!(offences(room, text).is_empty(), "{room}: {text}");
    }
}

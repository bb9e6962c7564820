//! The schemas in `schemas/` are those of the code, and the golden files obey them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every schema, by the name of its file.
fn schemas() -> Vec<(String, Value)> {
    let commands = work::commands::schemas();
    let files = commands
        .into_iter()
        .chain([("tasks", work::store::tasks::schema()), ("jobs-file", work::store::jobs::schema())]);
    files.map(|(name, schema)| (format!("{name}.schema.json"), schema)).collect()
}

/// `UPDATE_SCHEMAS=1 cargo test schemas` writes them anew.
#[test]
fn schemas_are_fresh() {
    for (name, schema) in schemas() {
        let path = root().join("schemas").join(&name);
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("JSON"));
        if work::sys::env::raw("UPDATE_SCHEMAS").is_some() {
            fs::create_dir_all(root().join("schemas")).expect("a folder");
            work::sys::atomic::write_atomic(&path, text.as_bytes()).expect("written");
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "`schemas/{name}` is stale; `UPDATE_SCHEMAS=1 cargo test schemas` writes it anew"
        );
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

#[test]
fn golden_files_obey_the_schema_and_damage_does_not() {
    let schema = jsonschema::validator_for(&work::store::tasks::schema()).expect("a schema");
    let golden = json(&root().join("tests/data/tasks/v2.json"));
    let errors: Vec<String> =
        schema.iter_errors(&golden).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for (pointer, wrong) in [
        ("/version", "3.0.0".into()),
        ("/stream/id", "Session tracking".into()),
        ("/updatedAt", 5.into()),
        ("/threads/0/id", "1.1".into()),
        ("/threads/0/tasks/0/status", "done".into()),
        ("/threads/0/sessions/0/error/kind", "unknown".into()),
        ("/threads/0/sessions/2/owner/pid", "4242".into()),
    ] {
        let mut damaged = golden.clone();
        *damaged.pointer_mut(pointer).expect("it is there") = wrong;
        assert!(!schema.is_valid(&damaged), "{pointer}");
    }
    let mut extended = golden;
    extended["threads"][0]["tasks"][0]["ours"] = "unknown fields are welcome".into();
    assert!(schema.is_valid(&extended));
}

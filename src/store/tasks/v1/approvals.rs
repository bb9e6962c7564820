//! Approvals of version 1, which stood in `work/index.json` for all streams together.

use serde_json::Value;

use super::fields::{take, text, time};
use crate::model::{Approval, Extra, StageId, Stream, StreamState};

/// Adds what the index knows of the stream: its name, its beginning, its state and its approvals.
pub(super) fn add_index(stream: &mut Stream, index: &Value) {
    let entry = index
        .get("streams")
        .and_then(Value::as_array)
        .and_then(|streams| {
            streams.iter().find(|entry| entry.get("id").and_then(Value::as_str) == Some(stream.id.as_str()))
        })
        .and_then(Value::as_object);
    let Some(entry) = entry else { return };
    let mut entry = entry.clone();
    if let Some(name) = text(&mut entry, "name") {
        stream.name = name;
    }
    if let Some(at) = time(&mut entry, "created_at") {
        stream.created_at = at;
    }
    stream.state = match entry.get("status").and_then(Value::as_str) {
        Some("completed") => StreamState::Completed,
        Some("on_hold") => StreamState::OnHold,
        _ => StreamState::Open,
    };
    if let Some(github) = entry.shift_remove("github") {
        stream.stream_extra.insert("github".to_owned(), github);
    }
    if let Some(Value::Object(approvals)) = entry.shift_remove("approval") {
        add_approvals(stream, approvals);
    }
}

fn add_approvals(stream: &mut Stream, mut raw: Extra) {
    if let Some(Value::Object(stages)) = raw.get("stages").cloned() {
        let mut others = Extra::new();
        for (key, stage) in stages {
            let approval = stage.as_object().and_then(|stage| approval(stage.clone()));
            match (key.parse::<StageId>(), approval) {
                (Ok(id), Some(approval)) if !stream.approvals.stages.contains_key(&id) => {
                    stream.approvals.stages.insert(id, approval);
                }
                _ => {
                    others.insert(key, stage);
                }
            }
        }
        raw.shift_remove("stages");
        if !others.is_empty() {
            // What is no approval (a revoked one, say) is kept where no reader takes it for one.
            raw.insert("otherStages".to_owned(), Value::Object(others));
        }
    }
    let kept: Vec<String> = raw
        .keys()
        .filter(|key| !matches!(key.as_str(), "status" | "approved_at" | "approved_by" | "plan_hash"))
        .cloned()
        .collect();
    for key in kept {
        if let Some(value) = raw.shift_remove(&key) {
            stream.approvals.extra.insert(key, value);
        }
    }
    match approval(raw.clone()) {
        Some(approval) => stream.approvals.plan = Some(approval),
        None if raw.is_empty() => {}
        None => {
            stream.approvals.extra.insert("notApproved".to_owned(), Value::Object(raw));
        }
    }
}

/// An approval that was given and not taken back. Its hash was of the plan's bytes and not of its
/// meaning, so it stays a field of theirs (`plan_hash`) and is none of ours.
fn approval(mut raw: Extra) -> Option<Approval> {
    if take::<String>(&mut raw, "status").as_deref() != Some("approved") {
        return None;
    }
    let at = time(&mut raw, "approved_at")?;
    let by = text(&mut raw, "approved_by").unwrap_or_else(|| "unknown".to_owned());
    Some(Approval { at, by, hash: None, seal: None, extra: raw })
}

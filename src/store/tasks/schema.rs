//! The JSON Schema of `tasks.json`, made from the wire structs.

use serde_json::Value;

use super::wire::WireFile;

/// The JSON Schema of `tasks.json`, version 2. Unknown fields are allowed everywhere.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(WireFile).into()
}

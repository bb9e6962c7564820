//! A scripted, OpenAI-compatible model server.

fn main() {}

//! Stand-ins for what a test can't have, and the tests of them.

// The server is an example target, so that it is built as a program. As a module it is only here
// for its unit tests: an example that is a test target is not built as a program any more.
#[path = "scripted_model/main.rs"]
#[expect(dead_code, reason = "`main` is called in the example target")]
mod scripted_model;
mod server;

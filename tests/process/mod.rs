//! Tests with many processes, and with processes that are killed.

mod store;
mod store_calls;

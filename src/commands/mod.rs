//! commands: not furnished yet.

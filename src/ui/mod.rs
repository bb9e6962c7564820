//! ui: not furnished yet.

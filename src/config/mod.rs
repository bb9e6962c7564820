//! config: not furnished yet.

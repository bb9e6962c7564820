//! engine: not furnished yet.

//! store: not furnished yet.

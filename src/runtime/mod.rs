//! runtime: not furnished yet.

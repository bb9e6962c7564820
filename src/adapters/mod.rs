//! adapters: not furnished yet.

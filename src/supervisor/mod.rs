//! supervisor: not furnished yet.

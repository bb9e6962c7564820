//! ipc: not furnished yet.

//! plan: not furnished yet.

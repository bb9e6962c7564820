//! Secrets: the server's password, and the marker in its environment.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};

use serde::{Deserialize, Serialize};

/// A server's password. Never printed, never logged, never an argument of a program.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// A password that nobody can guess.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn random() -> io::Result<Self> {
        token().map(Self)
    }

    /// One that a person chose; empty where none is needed.
    #[must_use]
    pub fn given(secret: String) -> Self {
        Self(secret)
    }

    /// The secret itself, for an environment or a header.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// 128 random bits as hex digits.
pub(crate) fn token() -> io::Result<String> {
    Ok(random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_random_and_does_not_show() {
        let (one, two) = (Password::random().expect("random"), Password::random().expect("random"));
        assert_ne!(one, two);
        assert_eq!(one.expose().len(), 32);
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}

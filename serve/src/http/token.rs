//! Who may ask: a token in a file, and grants that are made from it and end by themselves.
//!
//! The token changes things and never leaves its file but in a header. A grant is a text with its end and a keyed
//! hash: a *session* only reads, for some hours; a *link* becomes a session once, within minutes. Nothing about
//! them is kept, so they outlive a restart of the server, and end with the token.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use barhive_engine::secret::Secret;
use rustix::rand::{GetRandomFlags, getrandom};
use thiserror::Error;

/// Fewer letters than these can be guessed.
const TOKEN_LETTERS_MIN: usize = 32;
/// More than these are no token but some other file.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// Why a file is no token.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The system refuses.
    #[error("{}: {error}", path.display())]
    System {
        /// Which file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// Others may read it.
    #[error("{}: others than its owner may read it (mode {mode:o}): `chmod 600` it, and change it if they did", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds no token.
    #[error(
        "{}: expected a token of at least {TOKEN_LETTERS_MIN} visible ASCII characters on one line; remove the file, \
         and the server makes one", path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
}

/// What a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Reading, again and again.
    Session,
    /// Becoming a session, once.
    Link,
}

impl Grant {
    const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Link => "link",
        }
    }

    /// How long it is good for, in seconds.
    pub const fn lasts_s(self) -> i64 {
        match self {
            Self::Session => 12 * 3_600,
            Self::Link => 300,
        }
    }
}

/// The token of a server, and what is made from it.
pub struct Token {
    /// Hash of the token under a key of this process: comparing hashes takes the same time wherever they differ.
    digest: blake3::Hash,
    compare_key: [u8; 32],
    grant_key: [u8; 32],
    /// Links that were used, until they end.
    used: Mutex<BTreeMap<String, i64>>,
}

impl Token {
    /// Reads the token of a file; makes both where there is no such file, for its owner only.
    ///
    /// # Errors
    /// The file cannot be read or made, holds none, or others may read it.
    pub fn open(path: &Path) -> Result<Self, TokenError> {
        let system = |error: io::Error| TokenError::System { path: path.to_owned(), error };
        match File::open(path) {
            Ok(file) => Self::read(path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = hex(&random().map_err(system)?);
                let mut file =
                    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(system)?;
                writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(system)?;
                Self::of(&Secret::new(text)).map_err(system)
            }
            Err(error) => Err(system(error)),
        }
    }

    /// Reads the token of a file that is there.
    ///
    /// # Errors
    /// The file cannot be read, holds none, or others may read it.
    pub fn existing(path: &Path) -> Result<Self, TokenError> {
        let system = |error| TokenError::System { path: path.to_owned(), error };
        Self::read(path, File::open(path).map_err(system)?)
    }

    fn read(path: &Path, file: File) -> Result<Self, TokenError> {
        let path = path.to_owned();
        let system = |error| TokenError::System { path: path.clone(), error };
        let facts = file.metadata().map_err(system)?;
        if facts.mode() & 0o077 != 0 {
            return Err(TokenError::Open { path, mode: facts.mode() & 0o777 });
        }
        let mut text = String::new();
        if !facts.is_file() || file.take(TOKEN_BYTES_MAX).read_to_string(&mut text).is_err() {
            return Err(TokenError::Malformed { path });
        }
        let text = text.trim();
        if text.len() < TOKEN_LETTERS_MIN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Malformed { path });
        }
        Self::of(&Secret::new(text)).map_err(system)
    }

    fn of(token: &Secret) -> io::Result<Self> {
        let compare_key = random()?;
        Ok(Self {
            digest: blake3::keyed_hash(&compare_key, token.expose().as_bytes()),
            compare_key,
            grant_key: blake3::derive_key("barhive serve http grants, version 1", token.expose().as_bytes()),
            used: Mutex::default(),
        })
    }

    /// Whether this is the token. Takes as long for a wrong one that begins like it as for any other.
    pub fn is(&self, said: &str) -> bool {
        blake3::keyed_hash(&self.compare_key, said.as_bytes()) == self.digest
    }

    /// A new grant, and when it ends, UTC nanoseconds.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn grant(&self, grant: Grant, now_ns: i64) -> io::Result<(String, i64)> {
        let ends_s = now_ns.div_euclid(1_000_000_000) + grant.lasts_s();
        let body = format!("{}.{ends_s}.{}", grant.word(), hex(&random()?[..16]));
        let seal = blake3::keyed_hash(&self.grant_key, body.as_bytes());
        Ok((format!("{body}.{}", seal.to_hex()), ends_s.saturating_mul(1_000_000_000)))
    }

    /// Whether this is a grant of the kind that is in force. A link is used up by that.
    pub fn accepts(&self, grant: Grant, said: &str, now_ns: i64) -> bool {
        let Some((body, seal)) = said.rsplit_once('.') else { return false };
        let Ok(seal) = blake3::Hash::from_hex(seal) else { return false };
        if seal != blake3::keyed_hash(&self.grant_key, body.as_bytes()) {
            return false;
        }
        // From here on it is one that was made here.
        let mut parts = body.split('.');
        let is_kind = parts.next() == Some(grant.word());
        let ends_s = parts.next().and_then(|ends_s| ends_s.parse::<i64>().ok()).unwrap_or(0);
        let now_s = now_ns.div_euclid(1_000_000_000);
        if !is_kind || ends_s <= now_s {
            return false;
        }
        if grant == Grant::Session {
            return true;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, ends_s| *ends_s > now_s);
        used.insert(body.to_owned(), ends_s).is_none()
    }
}

fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    // So few bytes come whole or not at all.
    getrandom(&mut bytes[..], GetRandomFlags::empty())?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    const NOW: i64 = 1_700_000_000_000_000_000;

    fn token() -> (tempfile::TempDir, Token, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let token = Token::open(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap().trim().to_owned();
        (folder, token, text)
    }

    #[test]
    fn a_token_is_made_once_and_only_its_owner_may_read_it() {
        let (folder, token, text) = token();
        let path = folder.path().join("token");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(text.len(), 64);
        assert!(
            token.is(&text)
                && Token::open(&path).unwrap().is(&text)
                && Token::existing(&path).unwrap().is(&text)
        );
        for wrong in ["", &text[..63], &format!("{text}0"), &text.to_uppercase().replace('0', "1")] {
            assert!(!token.is(wrong), "{wrong}");
        }
        assert!(Token::existing(&folder.path().join("none")).is_err());
    }

    #[test]
    fn files_that_others_may_read_or_that_hold_no_token_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for (text, mode, part) in [
            ("0123456789012345678901234567890123456789", 0o640, "chmod 600"),
            ("0123456789012345678901234567890123456789", 0o604, "mode 604"),
            ("short", 0o600, "at least 32"),
            ("", 0o600, "at least 32"),
            ("0123456789012345678901234567890123456789 and more", 0o600, "visible"),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let fault = Token::open(&path).err().map(|fault| fault.to_string()).unwrap_or_default();
            assert!(fault.contains(part), "{part}: {fault}");
        }
        let fault = Token::open(&folder.path().join("none/token")).err().unwrap().to_string();
        assert!(fault.contains("none/token"), "{fault}");
    }

    #[test]
    fn a_session_ends_and_a_link_is_good_once() {
        let (_folder, token, _) = token();
        let (session, ends_ns) = token.grant(Grant::Session, NOW).unwrap();
        assert_eq!(ends_ns, NOW + Grant::Session.lasts_s() * 1_000_000_000);
        for _ in 0..2 {
            assert!(token.accepts(Grant::Session, &session, ends_ns - 1_000_000_000));
        }
        assert!(!token.accepts(Grant::Session, &session, ends_ns), "it has ended");
        assert!(!token.accepts(Grant::Link, &session, NOW), "it is no link");
        let (link, _) = token.grant(Grant::Link, NOW).unwrap();
        assert!(!token.accepts(Grant::Session, &link, NOW), "it is no session");
        assert!(token.accepts(Grant::Link, &link, NOW));
        assert!(!token.accepts(Grant::Link, &link, NOW), "it is used");
    }

    #[test]
    fn a_grant_that_was_changed_or_made_elsewhere_is_none() {
        let (_folder, ours, _) = token();
        let (_other, theirs, _) = token();
        let (session, _) = ours.grant(Grant::Session, NOW).unwrap();
        assert!(!theirs.accepts(Grant::Session, &session, NOW));
        for place in 0..session.len() {
            let mut changed = session.clone().into_bytes();
            changed[place] = if changed[place] == b'7' { b'8' } else { b'7' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(!ours.accepts(Grant::Session, &changed, NOW), "{changed}");
        }
        for wrong in ["", ".", "session", "session.9.9", "....", "link.1.2.3"] {
            assert!(!ours.accepts(Grant::Session, wrong, NOW), "{wrong}");
        }
    }
}

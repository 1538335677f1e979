//! The folder of everything that a server keeps, and the lock that one server at a time holds on it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Why a folder cannot be a server's.
#[derive(Debug, Error)]
pub enum StateFolderError {
    /// Another server works on it.
    #[error("{}: a server works on it already{}; ask that one, stop it, or name another folder", path.display(), pid.as_deref().unwrap_or_default())]
    Busy {
        /// The folder.
        path: PathBuf,
        /// ` (process N)`.
        pid: Option<String>,
    },
    /// The system refuses.
    #[error("{}: {error}", path.display())]
    System {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// A server's folder, locked until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _lock: File,
}

impl StateFolder {
    /// Makes the folder where it is missing, for its owner only, and locks it.
    ///
    /// # Errors
    /// Another server holds it, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, StateFolderError> {
        let system = |path: &Path| {
            let path = path.to_owned();
            move |error| StateFolderError::System { path, error }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(system(path))?;
        let path = fs::canonicalize(path).map_err(system(path))?;
        let name = path.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(&name)
            .map_err(system(&name))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let is_said = lock.read_to_string(&mut pid).is_ok() && pid.trim().parse::<u32>().is_ok();
                let pid = is_said.then(|| format!(" (process {})", pid.trim()));
                return Err(StateFolderError::Busy { path, pid });
            }
            Err(TryLockError::Error(error)) => return Err(system(&name)(error)),
        }
        let say = |lock: &mut File| -> io::Result<()> {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        say(&mut lock).map_err(system(&name))?;
        // Names of jobs and their files are nobody else's business, whoever made the folder.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(system(&path))?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The socket of the server of a folder.
    pub fn socket(path: &Path) -> PathBuf {
        path.join("socket")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_server_and_only_its_owner_may_look() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/state");
        let held = StateFolder::open(&path).unwrap();
        assert_eq!(fs::metadata(held.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let refused = StateFolder::open(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("(process {})", std::process::id())), "{refused}");
        drop(held);
        StateFolder::open(&path).unwrap();
    }
}

//! A file in the making: invisible under its final name until it is complete and on disk.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::StoreError;

/// A file that replaces another one atomically, or leaves no trace.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    draft: PathBuf,
    path: PathBuf,
    committed: bool,
}

impl Draft {
    /// Starts a new version of `path`, whose folder is made where it is missing.
    ///
    /// One draft of a path exists at a time, over all processes; what a process that died has left is
    /// reused.
    pub(crate) fn create(path: &Path) -> Result<Self, StoreError> {
        let folder = folder_of(path)?;
        make_folder(folder)?;
        let draft = draft_of(path);
        // Opening, locking and looking again: between the first two, the draft may have got its final
        // name, and then it must not be touched.
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
                .open(&draft)
                .map_err(StoreError::io(&draft, "create the file"))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { path: path.to_owned() }),
                Err(TryLockError::Error(error)) => {
                    return Err(StoreError::io(&draft, "lock the file")(error));
                }
            }
            if is_still(&file, &draft) {
                file.set_len(0).map_err(StoreError::io(&draft, "empty the file"))?;
                return Ok(Self { file, draft, path: path.to_owned(), committed: false });
            }
        }
    }

    /// The file, for what writing in order cannot do.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Puts the file under its name, when its bytes and the name are on disk.
    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        // After a failed fsync the file is given up, never tried again: the system may have dropped the bytes.
        self.file.sync_all().map_err(StoreError::io(&self.draft, "write the file to disk"))?;
        fs::rename(&self.draft, &self.path).map_err(StoreError::io(&self.path, "put the file in place"))?;
        self.committed = true;
        sync_folder(folder_of(&self.path)?)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing is lost when it stays: the next draft of the path reuses it.
            let _ = fs::remove_file(&self.draft);
        }
    }
}

fn folder_of(path: &Path) -> Result<&Path, StoreError> {
    path.parent().ok_or_else(|| StoreError::Refused {
        subject: path.display().to_string(),
        what: "a file needs a folder".to_owned(),
    })
}

/// Where the next version of `path` is written.
pub(crate) fn draft_of(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".draft");
    path.with_file_name(name)
}

/// Whether `path` names this very file.
fn is_still(file: &File, path: &Path) -> bool {
    let same = || -> io::Result<bool> {
        let (open, named) = (file.metadata()?, fs::symlink_metadata(path)?);
        Ok(open.dev() == named.dev() && open.ino() == named.ino())
    };
    same().unwrap_or(false)
}

/// Makes a folder below one that exists, and refuses a link that would lead elsewhere.
fn make_folder(folder: &Path) -> Result<(), StoreError> {
    match fs::create_dir(folder) {
        Ok(()) => folder.parent().map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let metadata =
                fs::symlink_metadata(folder).map_err(StoreError::io(folder, "look at the folder"))?;
            if metadata.is_dir() {
                return Ok(());
            }
            Err(StoreError::Refused {
                subject: folder.display().to_string(),
                what: "expected a folder, found a link or a file; move it away".to_owned(),
            })
        }
        Err(error) => Err(StoreError::io(folder, "make the folder")(error)),
    }
}

/// Makes names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(StoreError::io(folder, "write the folder to disk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_invisible_until_it_is_committed_and_gone_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/x.arrow");
        let mut draft = Draft::create(&path).unwrap();
        draft.write_all(b"new").unwrap();
        assert!(!path.exists());
        assert!(matches!(Draft::create(&path), Err(StoreError::Busy { .. })));
        draft.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");

        let mut draft = Draft::create(&path).unwrap();
        draft.write_all(b"half").unwrap();
        drop(draft);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_in_place_of_a_folder_or_a_draft_is_refused() {
        let (catalog, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(outside.path(), catalog.path().join("X")).unwrap();
        assert!(Draft::create(&catalog.path().join("X/x.arrow")).unwrap_err().to_string().contains("link"));
        let victim = outside.path().join("victim");
        fs::write(&victim, "keep").unwrap();
        fs::create_dir(catalog.path().join("Y")).unwrap();
        std::os::unix::fs::symlink(&victim, catalog.path().join("Y/.y.arrow.draft")).unwrap();
        assert!(Draft::create(&catalog.path().join("Y/y.arrow")).is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"keep");
    }
}

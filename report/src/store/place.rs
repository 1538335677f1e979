//! Where files go: names that are safe on every system, written under a temporary name and renamed
//! when they are whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Longest name of a file or folder made from a user's words, in bytes.
const NAME_BYTES_MAX: usize = 120;

/// A user's name as the name of a file: letters, digits, `-`, `_` and inner dots stay, every other
/// byte becomes `%XX`. Different names stay different up to 120 bytes.
pub fn file_name(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for (place, byte) in name.bytes().enumerate() {
        let keep = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && place > 0);
        if keep {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe.truncate(NAME_BYTES_MAX);
    if safe.is_empty() { "%".into() } else { safe }
}

/// Writes a whole file: under a temporary name first, so that nobody ever sees half of it.
///
/// # Errors
/// When a folder or the file cannot be written; the temporary file is then gone.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let temporary = temporary(path);
    let written = fs::write(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The name of a file while it is written.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}

/// A file that grows under a temporary name. It is open only while it is written to, so that any
/// number of accounts needs one descriptor.
#[derive(Debug)]
pub(super) struct GrowingFile {
    path: PathBuf,
    temporary: PathBuf,
}

impl GrowingFile {
    /// Starts the file over, empty.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        let temporary = temporary(&path);
        File::create(&temporary)?;
        Ok(Self { path, temporary })
    }

    /// Forces the content to the disk and gives it its name.
    pub(super) fn finish(&self) -> io::Result<()> {
        OpenOptions::new().append(true).open(&self.temporary)?.sync_data()?;
        fs::rename(&self.temporary, &self.path)
    }
}

impl Write for GrowingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).open(&self.temporary)?.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for GrowingFile {
    /// What was not finished leaves no trace. After [`GrowingFile::finish`] there is nothing to remove.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_cannot_leave_their_folder() {
        for (name, expected) in [
            ("trend", "trend"),
            ("../../etc", "%2E.%2F..%2Fetc"),
            ("a/b", "a%2Fb"),
            ("", "%"),
            (".", "%2E"),
            ("BTC-USD_1.5", "BTC-USD_1.5"),
            ("nul\0", "nul%00"),
            ("ü", "%C3%BC"),
        ] {
            assert_eq!(file_name(name), expected);
        }
        assert!(file_name(&"x".repeat(5000)).len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn an_unfinished_file_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("equity.csv");
        let mut file = GrowingFile::create(path.clone()).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        let mut file = GrowingFile::create(path.clone()).unwrap();
        file.write_all(b"whole").unwrap();
        file.finish().unwrap();
        drop(file);
        assert_eq!(fs::read(path).unwrap(), b"whole");
    }
}

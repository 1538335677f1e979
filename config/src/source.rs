//! Files of a configuration: regular files beneath the folder of the first one, and nothing else.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use crate::{fault::FaultLog, tree::Location};

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Reads the file that the user named, wherever it is.
pub(crate) fn read_named(path: &Path) -> io::Result<Vec<u8>> {
    // Looked at first: opening a pipe would wait for its writer.
    bounded(&path.metadata()?)?;
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn bounded(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    Ok(())
}

/// The folder that includes may not leave.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads a file beneath this folder.
    pub(crate) fn read(&self, relative: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // A file may grow between the look at its size and the reading.
        let file = open_beneath(&self.path, relative)?;
        bounded(&file.metadata()?)?;
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Opens without ever following a link out of `folder`, and without waiting for a pipe's writer.
#[cfg(target_os = "linux")]
fn open_beneath(folder: &Path, relative: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};

    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let directory = openat(CWD, folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match openat2(&directory, relative, flags, Mode::empty(), resolve) {
        Ok(descriptor) => Ok(File::from(descriptor)),
        Err(rustix::io::Errno::XDEV) => {
            Err(io::Error::other("it lies outside of the configuration's folder"))
        }
        Err(rustix::io::Errno::NOSYS) => open_checked(folder, relative),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(folder: &Path, relative: &Path) -> io::Result<File> {
    open_checked(folder, relative)
}

/// As good as it gets where the system cannot resolve beneath a folder.
fn open_checked(folder: &Path, relative: &Path) -> io::Result<File> {
    let real = folder.join(relative).canonicalize()?;
    if !real.starts_with(folder.canonicalize()?) {
        return Err(io::Error::other("it lies outside of the configuration's folder"));
    }
    if !real.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(real)
}

/// A path in a configuration, made plain: `a/./b/../c` is `a/c`.
///
/// # Errors
/// When it is absolute, empty, or leaves the folder that it starts from.
pub(crate) fn plain_path(from: &Path, text: &str) -> Result<PathBuf, String> {
    let outside =
        || "expected a file within the configuration's folder, found a path that leaves it".to_owned();
    if text.is_empty() || text.contains('\0') {
        return Err("expected the path of a file".into());
    }
    if text.contains(['\\', ':', '~', '$', '%', '*', '?', '<', '>', '|', '"']) {
        return Err("expected a plain relative path with forward slashes".into());
    }
    let mut plain = from.to_path_buf();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !plain.pop() {
                    return Err(outside());
                }
            }
            Component::RootDir | Component::Prefix(_) => {
                return Err("expected a path relative to this file, found an absolute one".into());
            }
        }
    }
    Ok(plain)
}

/// Text of a file and its number in the log; a fault when it is not UTF-8.
pub(crate) fn take_text(bytes: Vec<u8>, name: String, log: &FaultLog) -> Option<(u32, String)> {
    match String::from_utf8(bytes) {
        Ok(text) => Some((log.add_source(name, text.clone()), text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let before = String::from_utf8_lossy(&error.as_bytes()[..valid]);
            let line = before.matches('\n').count() as u32 + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
            let byte = error.as_bytes()[valid];
            let file = log.add_source(name, text);
            let message = format!("expected UTF-8 text, found the byte 0x{byte:02x}");
            log.add(Location { file, line, column }, "", message, None);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        let plain = |text| plain_path(Path::new("sub"), text);
        assert_eq!(plain("./a/../b.yaml"), Ok(PathBuf::from("sub/b.yaml")));
        assert_eq!(plain("../b.yaml"), Ok(PathBuf::from("b.yaml")));
        for text in ["../../b", "/etc/passwd", "", "a\0b", "file://x", "\\\\host\\share", "a/../../../b"] {
            assert!(plain(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_regular_files_beneath_the_folder_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "a: 1").unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let here = Folder::new(folder.path().to_path_buf());
        assert_eq!(here.read(Path::new("a.yaml")).unwrap(), b"a: 1");
        assert!(here.read(Path::new("sub")).is_err());
        assert!(here.read(Path::new("missing")).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
            std::os::unix::fs::symlink("a.yaml", folder.path().join("inner")).unwrap();
            std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero")).unwrap();
            assert!(here.read(Path::new("link")).is_err());
            assert!(here.read(Path::new("zero")).is_err());
            assert_eq!(here.read(Path::new("inner")).unwrap(), b"a: 1");
        }
    }
}

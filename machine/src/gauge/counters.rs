//! A file of counters that is read again and again.

use std::{
    fs::File,
    io::{Read, Seek},
    path::Path,
};

/// An open file and the text that it held last. A file of a process stays with that process: when its
/// number is given to another, the file fails.
#[derive(Debug)]
pub(super) struct Counters {
    file: File,
    text: Vec<u8>,
}

impl Counters {
    pub(super) fn open(path: &Path) -> Option<Self> {
        File::open(path).ok().map(|file| Self { file, text: Vec::new() })
    }

    /// What it holds now; nothing when it is gone.
    pub(super) fn read(&mut self) -> Option<&str> {
        self.text.clear();
        self.file.rewind().ok()?;
        self.file.read_to_end(&mut self.text).ok()?;
        // Names of processes may be anything.
        match std::str::from_utf8(&self.text) {
            Ok(_) => {}
            Err(_) => self.text.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?'),
        }
        std::str::from_utf8(&self.text).ok()
    }
}

//! A file of bars being written: there whole, or not at all.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
};

use barhive_engine::data::{BarColumns, FeedError};
use barhive_feeds::{
    import::Format,
    write::{BarWriter, writer},
};

/// Writes beside the file's name and takes the name when it is done.
pub(super) struct BarFile {
    path: PathBuf,
    draft: PathBuf,
    writer: Option<Box<dyn BarWriter>>,
}

impl BarFile {
    pub(super) fn create(path: &Path, format: Format) -> Result<Self, FeedError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::create(&draft).map_err(|error| io(path, &error))?;
        let writer = writer(path, format, Box::new(BufWriter::with_capacity(1 << 18, file)))?;
        Ok(Self { path: path.to_owned(), draft, writer: Some(writer) })
    }

    pub(super) fn rows(&mut self, rows: &BarColumns) -> Result<(), FeedError> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.rows(rows))
    }

    pub(super) fn finish(mut self) -> Result<(), FeedError> {
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        fs::rename(&self.draft, &self.path).map_err(|error| io(&self.path, &error))
    }
}

impl Drop for BarFile {
    fn drop(&mut self) {
        self.writer = None;
        // After a rename there is no draft any more.
        let _ = fs::remove_file(&self.draft);
    }
}

fn io(path: &Path, error: &std::io::Error) -> FeedError {
    FeedError::Io { origin: path.display().to_string(), what: format!("cannot be written: {error}") }
}

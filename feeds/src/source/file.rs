//! One file, or a folder of files, as a source.

use std::path::{Path, PathBuf};

use barhive_engine::{
    data::{Feed, FeedError, SeriesInfo, SeriesRequest, Source},
    instrument::Instrument,
};

use super::feed::{HeldFeed, StreamFeed};
use crate::import::{Chunk, Format, ImportReport, ImportSpec, Pipeline, name_of, open_rows};

/// Rows read at a time where nothing is kept of them.
const SCAN_ROWS: usize = 8_192;

/// Files of bars, read in place.
///
/// Opening reads and judges every row once. After that a file of one instrument in order of time is
/// streamed anew for each feed; a file of several instruments, or one that runs backwards, is held in
/// memory. Import such files into a catalog where that is too much.
#[derive(Debug)]
pub struct FileSource {
    origin: String,
    entries: Vec<Entry>,
    reports: Vec<ImportReport>,
}

/// An instrument, and where its rows are.
#[derive(Debug)]
struct Entry {
    instrument: Instrument,
    infos: Vec<SeriesInfo>,
    path: PathBuf,
    spec: ImportSpec,
    held: Option<Chunk>,
}

impl FileSource {
    /// Opens a file, or all files of the spec's format in a folder.
    ///
    /// # Errors
    /// As for [`crate::import::import_file`], when a folder holds no such file, or when two files hold the
    /// same instrument.
    pub fn open(path: &Path, spec: &ImportSpec) -> Result<Self, FeedError> {
        let origin = path.display().to_string();
        let mut source = Self { origin: origin.clone(), entries: Vec::new(), reports: Vec::new() };
        if !path.is_dir() {
            source.add(path, spec)?;
        } else {
            if spec.symbol.is_some() {
                let what = "symbol names the instrument of one file, and this is a folder: its files name \
                            their instruments"
                    .to_owned();
                return Err(FeedError::Io { origin, what });
            }
            let files = files_in(path, spec.format)?;
            if files.is_empty() {
                let what = "the folder holds no file of that format".to_owned();
                return Err(FeedError::Empty { origin, what });
            }
            for file in files {
                source.add(&file, spec)?;
            }
        }
        source.entries.sort_by(|one, other| one.instrument.symbol.cmp(&other.instrument.symbol));
        for pair in source.entries.windows(2) {
            if let [one, other] = pair
                && one.instrument.symbol == other.instrument.symbol
            {
                let what = format!(
                    "{} is in {} and in {}: import both into a catalog, or name one",
                    one.instrument.symbol,
                    one.path.display(),
                    other.path.display()
                );
                return Err(FeedError::Io { origin, what });
            }
        }
        Ok(source)
    }

    /// What reading each file came to.
    pub fn reports(&self) -> &[ImportReport] {
        &self.reports
    }

    fn add(&mut self, path: &Path, spec: &ImportSpec) -> Result<(), FeedError> {
        let mut pipeline = pipeline(path, spec)?;
        let streams = pipeline.streams();
        while pipeline.advance(SCAN_ROWS)? {
            pipeline.take_chunk();
        }
        for (instrument, infos, chunk) in pipeline.finish()? {
            let held = (!streams).then_some(chunk);
            self.entries.push(Entry { instrument, infos, path: path.to_owned(), spec: spec.clone(), held });
        }
        self.reports.push(pipeline.report);
        Ok(())
    }

    fn find(&self, symbol: &str) -> Result<&Entry, FeedError> {
        let found = self.entries.binary_search_by(|entry| entry.instrument.symbol.as_str().cmp(symbol));
        found.map(|at| &self.entries[at]).map_err(|_| {
            let known: Vec<&str> =
                self.entries.iter().take(20).map(|entry| entry.instrument.symbol.as_str()).collect();
            let more = if self.entries.len() > known.len() { ", ..." } else { "" };
            let what = format!("instrument {symbol}; there are {}{more}", known.join(", "));
            FeedError::Unknown { origin: self.origin.clone(), what }
        })
    }
}

pub(super) fn pipeline(path: &Path, spec: &ImportSpec) -> Result<Pipeline, FeedError> {
    Pipeline::new(open_rows(path, spec.format, &spec.layout)?, spec, &name_of(path))
}

/// The files of a format in a folder, by name.
fn files_in(folder: &Path, format: Option<Format>) -> Result<Vec<PathBuf>, FeedError> {
    let io = |fault: std::io::Error| FeedError::Io {
        origin: folder.display().to_string(),
        what: fault.to_string(),
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let of_path = Format::of_path(&path);
        if path.is_file() && of_path.is_some() && (format.is_none() || of_path == format) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Source for FileSource {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        Ok(self.entries.iter().map(|entry| entry.instrument.clone()).collect())
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        self.find(symbol).map(|entry| entry.infos.clone())
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        let entry = self.find(&request.symbol)?;
        let same = |info: &&SeriesInfo| info.kind == request.kind && info.timeframe == request.timeframe;
        if entry.infos.iter().find(same).is_none() {
            let known: Vec<String> =
                entry.infos.iter().map(|info| format!("{} {}", info.timeframe, info.kind)).collect();
            let what = format!(
                "series {} {} {}; there is {}",
                request.symbol,
                request.timeframe,
                request.kind,
                known.join(", ")
            );
            return Err(FeedError::Unknown { origin: self.origin.clone(), what });
        }
        if let Some(chunk) = &entry.held {
            let columns = chunk.of(request.kind);
            return Ok(Box::new(HeldFeed::new(&self.origin, columns, request)?));
        }
        let pipeline = pipeline(&entry.path, &entry.spec)?;
        Ok(Box::new(StreamFeed::new(&self.origin, pipeline, request)?))
    }
}

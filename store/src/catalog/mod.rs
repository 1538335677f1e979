//! The catalog: a folder with one Arrow IPC file per series.
//!
//! `<symbol>/<kind>_<timeframe>.arrow`, such as `BTCUSDT/bar_1m.arrow`, with the columns `ts_open` and
//! `ts_close` (nanoseconds, UTC) and `open`, `high`, `low`, `close`, `volume` (doubles), uncompressed, in
//! record batches of 65,536 rows. The schema's metadata says whose rows they are; the footer's metadata
//! hold the instrument, facts about the import, a CRC32C per column and block of 8,192 rows, and a
//! checksum over all of that.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use barhive_engine::{data::SeriesKind, instrument::Instrument, timeframe::Timeframe};

pub(crate) mod check;
pub(crate) mod checksum;
mod draft;
mod feed;
pub(crate) mod file;
#[cfg(test)]
mod hostile;
mod ipc;
mod listing;
pub(crate) mod meta;
pub(crate) mod name;
pub(crate) mod order;
mod parse;
mod source;
mod writer;

pub(crate) use draft::{Draft, draft_of, sync_folder};

pub use check::CheckReport;
pub use feed::CatalogFeed;
pub use listing::{Listing, SeriesEntry};
pub use meta::SeriesFacts;
pub use source::{CatalogParams, CatalogSource};
pub use writer::CatalogWriter;

use crate::StoreError;
use file::SeriesFile;
use name::{series_label, series_path};

/// A folder of series.
#[derive(Clone, Debug)]
pub struct Catalog {
    root: PathBuf,
    is_mapped: bool,
}

impl Catalog {
    /// A catalog in an existing folder.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        match fs::metadata(&root) {
            Ok(metadata) if metadata.is_dir() => Ok(Self { root, is_mapped: true }),
            Ok(_) => Err(StoreError::Refused {
                subject: root.display().to_string(),
                what: "expected a catalog folder, found a file".to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::Empty {
                path: root,
                what: "there is no catalog; fill one with `barhive data import`".to_owned(),
            }),
            Err(error) => Err(StoreError::io(root, "open the catalog")(error)),
        }
    }

    /// A catalog in a folder that is made where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open_or_create(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        fs::create_dir_all(&root).map_err(StoreError::io(&root, "make the catalog"))?;
        Self::open(root)
    }

    /// The same catalog, whose series are read into memory of this process's own when they are opened,
    /// not mapped: for folders of which somebody else may cut files short, which would end every program
    /// that has them mapped.
    #[must_use]
    pub fn without_mapping(self) -> Self {
        Self { is_mapped: false, ..self }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Every series, and every file that should be one and is not. Reads footers only.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        for folder in sorted(&self.root, |entry| entry.is_dir())? {
            self.list_folder(&folder, &mut listing)?;
        }
        listing
            .entries
            .sort_by(|a, b| (&a.symbol, a.kind, a.timeframe).cmp(&(&b.symbol, b.kind, b.timeframe)));
        Ok(listing)
    }

    /// Whether there is no file of a series, be it a good one or not.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        for folder in sorted(&self.root, |entry| entry.is_dir())? {
            if !sorted(&folder, is_series)?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn list_folder(&self, folder: &Path, listing: &mut Listing) -> Result<(), StoreError> {
        for path in sorted(folder, is_series)? {
            match self.open_listed(&path) {
                Ok(file) => listing.entries.push(SeriesEntry::of(&file)),
                Err(fault) => listing.faults.push(fault),
            }
        }
        Ok(())
    }

    /// Opens a file found in a folder; it must lie where its series belongs.
    fn open_listed(&self, path: &Path) -> Result<SeriesFile, StoreError> {
        let file = if self.is_mapped { SeriesFile::open(path) } else { SeriesFile::open_unmapped(path) }?;
        let identity = &file.identity;
        let place = series_path(&self.root, &identity.symbol, identity.kind, identity.timeframe)?;
        if place == path {
            return Ok(file);
        }
        Err(StoreError::Format {
            path: path.to_owned(),
            expected: format!("{} at {}", identity.label(), place.display()),
            found: "it under another name".to_owned(),
        })
    }

    /// The series of one symbol, finest timeframe first.
    ///
    /// # Errors
    /// When a folder or one of the files cannot be read.
    pub(crate) fn files_of(&self, symbol: &str) -> Result<Vec<SeriesFile>, StoreError> {
        let folder = self.root.join(name::folder_name(symbol)?);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let paths = sorted(&folder, is_series)?;
        let mut files = paths.iter().map(|path| self.open_listed(path)).collect::<Result<Vec<_>, _>>()?;
        files.sort_by_key(|file| (file.identity.timeframe, file.identity.kind));
        Ok(files)
    }

    pub(crate) fn open_series(
        &self,
        symbol: &str,
        kind: SeriesKind,
        timeframe: Timeframe,
    ) -> Result<SeriesFile, StoreError> {
        let path = series_path(&self.root, symbol, kind, timeframe)?;
        if !path.exists() {
            let series = series_label(symbol, kind, timeframe);
            return Err(StoreError::Unknown { path: self.root.clone(), series });
        }
        self.open_listed(&path)
    }

    /// Starts a new version of a series, which replaces the earlier one when it is finished.
    ///
    /// # Errors
    /// When the instrument is unsound, its symbol cannot be stored, the disk refuses, or somebody else is
    /// writing the same series.
    pub fn writer(
        &self,
        instrument: Instrument,
        kind: SeriesKind,
        timeframe: Timeframe,
        facts: SeriesFacts,
    ) -> Result<CatalogWriter, StoreError> {
        CatalogWriter::create(&self.root, instrument, kind, timeframe, facts)
    }

    /// Removes a series.
    ///
    /// # Errors
    /// When there is no such series or the disk refuses.
    pub fn remove(&self, symbol: &str, kind: SeriesKind, timeframe: Timeframe) -> Result<(), StoreError> {
        let path = series_path(&self.root, symbol, kind, timeframe)?;
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let series = series_label(symbol, kind, timeframe);
                return Err(StoreError::Unknown { path: self.root.clone(), series });
            }
            Err(error) => return Err(StoreError::io(path, "remove the file")(error)),
        }
        let folder = path.parent().unwrap_or(&self.root);
        sync_folder(folder)?;
        // Fails where other series are left, which is as it should be.
        let _ = fs::remove_dir(folder);
        Ok(())
    }
}

fn is_series(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "arrow")
}

/// The entries of a folder that fit, by name.
fn sorted(folder: &Path, fits: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, StoreError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::io(folder, "list the folder"))? {
        let path = entry.map_err(StoreError::io(folder, "list the folder"))?.path();
        if fits(&path) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

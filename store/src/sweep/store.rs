//! The one writer of a run folder.

use std::{fs, path::PathBuf};

use barhive_engine::sweep::{PassBlock, SweepSpec, VariantSet};

use super::{
    SweepError, SweepManifest, SweepResult, SweepRun, finish,
    log::Log,
    manifest::{MANIFEST, write_whole},
};

/// The one writer of a run folder, which is locked as long as it lives.
///
/// The state of a sweep is its folder: whatever moment a process dies at, what [`SweepStore::append`]
/// has returned for is there when the folder is opened again, and nothing else.
#[derive(Debug)]
pub struct SweepStore {
    run: SweepRun,
}

impl SweepStore {
    /// Makes a run folder, or takes an empty one. It is a run from the moment its manifest is there;
    /// what a process that died before that has left is taken over.
    ///
    /// # Errors
    /// When it holds a run already, somebody else is making it, or the disk refuses.
    pub fn create(folder: impl Into<PathBuf>, manifest: &SweepManifest) -> Result<Self, SweepError> {
        let folder = folder.into();
        manifest.check()?;
        let (bytes, identity) = manifest.encode()?;
        fs::create_dir_all(&folder).map_err(SweepError::io(&folder, "make the run folder"))?;
        let (path, file) = Log::lock(&folder, true)?;
        if SweepManifest::read(&folder)?.is_some() {
            return Err(SweepError::Refused {
                subject: folder.display().to_string(),
                what: "it holds a run already; resume it, or choose another folder".to_owned(),
            });
        }
        let log = Log::start(path, file, identity)?;
        write_whole(&folder.join(MANIFEST), &bytes)?;
        Ok(Self { run: SweepRun { folder, manifest: manifest.clone(), log } })
    }

    /// Opens a run folder to go on with it; `wanted` is what the caller would make it from now. What a
    /// crash has left half written is cut off.
    ///
    /// # Errors
    /// When it was made from something else (all differences are named), somebody else is writing it, or
    /// it cannot be read.
    pub fn resume(folder: impl Into<PathBuf>, wanted: &SweepManifest) -> Result<Self, SweepError> {
        let store = Self::open(folder)?;
        let differences = store.run.manifest.differences(wanted);
        if differences.is_empty() {
            Ok(store)
        } else {
            Err(SweepError::Differs { path: store.run.folder, differences })
        }
    }

    /// Opens a run folder to append to it. [`SweepStore::resume`] checks whether that makes sense.
    ///
    /// # Errors
    /// When it is no run, somebody else is writing it, or it cannot be read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, SweepError> {
        let folder = folder.into();
        let (manifest, identity) = SweepRun::manifest_of(&folder)?;
        let (path, file) = Log::lock(&folder, false)?;
        let log = Log::scan(path, file, identity)?;
        log.cut_tail()?;
        for note in &log.notes {
            tracing::warn!("{note}");
        }
        Ok(Self { run: SweepRun { folder, manifest, log } })
    }

    /// Appends a pass; it is on disk when this returns. One call is one checkpoint.
    ///
    /// # Errors
    /// When one of its variants has a result already or was not selected, it has not exactly one result
    /// per variant in grid order, or the disk refuses. Then the run is as it was before, and the pass may
    /// be appended again.
    pub fn append(&mut self, pass: &PassBlock) -> Result<(), SweepError> {
        let foreign = VariantSet::from(pass.range).without(&self.run.manifest.selected);
        if !foreign.is_empty() {
            return Err(SweepError::Refused {
                subject: self.run.folder.display().to_string(),
                what: format!("results of variants {foreign}, which were not selected"),
            });
        }
        self.run.log.append(pass)
    }

    /// What is there.
    pub fn run(&self) -> &SweepRun {
        &self.run
    }

    /// The variants that have results.
    pub fn done(&self) -> &VariantSet {
        self.run.done()
    }

    /// Writes the final results: `results.parquet`, `work.json` and, last, `result.json`. May be called
    /// again; the same bytes are written.
    ///
    /// # Errors
    /// When a selected variant has no result, `spec` is of another sweep, or the disk refuses.
    pub fn finish(&self, spec: &SweepSpec, finished_ns: i64) -> Result<SweepResult, SweepError> {
        finish::write(&self.run, spec, finished_ns)
    }
}

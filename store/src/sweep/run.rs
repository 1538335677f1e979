//! A run folder, open for reading; also while somebody appends to it.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use barhive_engine::sweep::{PassWork, SweepHasher, SweepSpec, Variant, VariantRange, VariantSet};

use super::{
    SweepError, SweepManifest, SweepResult,
    export::write_parquet,
    finish,
    log::{LOG, Log},
};

/// What a sweep has so far. Opening reads its log once and checks every checksum.
#[derive(Debug)]
pub struct SweepRun {
    pub(super) folder: PathBuf,
    pub(super) manifest: SweepManifest,
    pub(super) log: Log,
}

impl SweepRun {
    /// Opens a run folder. Passes that are appended later are not seen; one that is being written is left
    /// out.
    ///
    /// # Errors
    /// When it is none, or cannot be read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, SweepError> {
        let folder = folder.into();
        let (manifest, identity) = Self::manifest_of(&folder)?;
        let path = folder.join(LOG);
        let file = File::open(&path).map_err(SweepError::io(&path, "open the log"))?;
        let log = Log::scan(path, file, identity)?;
        Ok(Self { folder, manifest, log })
    }

    pub(super) fn manifest_of(folder: &Path) -> Result<(SweepManifest, u64), SweepError> {
        SweepManifest::read(folder)?.ok_or_else(|| SweepError::Refused {
            subject: folder.display().to_string(),
            what:
                "expected the folder of a sweep, found no manifest; `barhive runs list` shows what there is"
                    .to_owned(),
        })
    }

    /// Whether somebody is writing this run at the moment.
    pub fn is_being_written(&self) -> bool {
        // The writer holds its lock on the same file; this one is given up at once.
        let file = File::open(&self.log.path);
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Looks at the log again: passes that were appended since are seen now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn refresh(&mut self) -> Result<(), SweepError> {
        self.log.refresh()
    }

    /// What tells this run from all others, in hexadecimal: a hash of its manifest.
    pub fn id(&self) -> String {
        format!("{:016x}", self.log.identity)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it is made from.
    pub fn manifest(&self) -> &SweepManifest {
        &self.manifest
    }

    /// The variants that have results.
    pub fn done(&self) -> &VariantSet {
        &self.log.index.done
    }

    /// The variants that are selected and have no result.
    pub fn left(&self) -> VariantSet {
        self.manifest.selected.without(self.done())
    }

    /// The passes that brought them, in grid order.
    pub fn pass_ranges(&self) -> impl Iterator<Item = VariantRange> + '_ {
        self.log.index.ranges()
    }

    /// The results of one of [`SweepRun::pass_ranges`]; of any other range, what that pass has which holds
    /// its start.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn pass_variants(
        &self,
        range: VariantRange,
    ) -> Result<impl Iterator<Item = Variant> + Send + use<>, SweepError> {
        self.log.pass(range.start)
    }

    /// How many passes brought them.
    pub fn passes(&self) -> usize {
        self.log.index.passes()
    }

    /// The work behind them.
    pub fn work(&self) -> &PassWork {
        &self.log.index.work
    }

    /// What is wrong with the log, one sentence each; results that are damaged count as not there.
    pub fn notes(&self) -> &[String] {
        &self.log.notes
    }

    /// The results in grid order, whatever order they were appended in. Memory: one pass.
    pub fn variants(&self) -> impl Iterator<Item = Result<Variant, SweepError>> + Send + '_ {
        self.log.variants()
    }

    /// The result of one variant, counted from 0; `None` when it is not there.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn variant(&self, index: u64) -> Result<Option<Variant>, SweepError> {
        self.log.variant(index)
    }

    /// The hash over the results that are there, in grid order.
    ///
    /// # Errors
    /// When `spec` is of another sweep, or the log cannot be read.
    pub fn hash(&self, spec: &SweepSpec) -> Result<String, SweepError> {
        self.check_spec(spec)?;
        let mut hasher = SweepHasher::new();
        for variant in self.variants() {
            hasher.add(spec, &variant?);
        }
        Ok(hasher.finish())
    }

    /// Writes the results that are there as one Parquet file, in grid order, replacing `path` at once.
    /// Its bytes depend on the results alone. Memory: one pass and one row group.
    ///
    /// # Errors
    /// When `spec` is of another sweep, the log cannot be read or the file cannot be written.
    pub fn export_parquet(&self, spec: &SweepSpec, path: &Path) -> Result<(), SweepError> {
        self.check_spec(spec)?;
        write_parquet(self, spec, path)
    }

    /// The final result, when the run is finished.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn result(&self) -> Result<Option<SweepResult>, SweepError> {
        finish::read(&self.folder)
    }

    pub(crate) fn check_spec(&self, spec: &SweepSpec) -> Result<(), SweepError> {
        let (stored, now) = (self.manifest.variants, spec.variants());
        if stored == now && self.manifest.sweep == spec.name {
            return Ok(());
        }
        Err(SweepError::Differs {
            path: self.folder.clone(),
            differences: vec![format!(
                "sweep: the run has {} with {stored} variants, now {} with {now}",
                self.manifest.sweep, spec.name
            )],
        })
    }
}

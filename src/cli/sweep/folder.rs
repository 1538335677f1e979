//! The run folder of a sweep: made anew, or found again to go on with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use barhive_config::LoadedSweep;
use barhive_engine::sweep::VariantSet;
use barhive_report::store::write_whole;
use barhive_store::sweep::{DataUse, SweepError, SweepManifest, SweepStore, list};

use super::{
    flags::SweepFlags,
    series::{of_sweep, series},
};
use crate::cli::{
    outcome::CliError,
    results_dir::{self, new_folder},
};

/// The configuration beside the results, for people and for `barhive sweep`.
pub(in crate::cli) const CONFIG: &str = "config.yaml";

/// A run folder that is open for writing.
pub(super) struct Folder {
    pub(super) store: SweepStore,
    /// Whether this program made it just now.
    is_new: bool,
}

/// What a run is made from.
///
/// # Errors
/// When the source cannot say what it has.
pub(super) fn manifest(
    loaded: &LoadedSweep,
    selected: VariantSet,
    now_ns: i64,
) -> Result<SweepManifest, CliError> {
    let spec = &loaded.spec;
    let mut data = series(&*spec.source, of_sweep(spec), spec.bars_max)?;
    // Files of points are data, too: other points, other results.
    data.extend(loaded.files.iter().map(|file| DataUse {
        series: format!("points {}", file.path.display()),
        hash: Some(blake3::hash(file.text.as_bytes()).to_hex().to_string()),
    }));
    Ok(SweepManifest {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        sweep: spec.name.clone(),
        config: loaded.standalone_yaml.clone(),
        data,
        seed: spec.account.seed,
        variants: spec.variants(),
        selected,
        created_ns: now_ns,
    })
}

impl Folder {
    /// The folder that flags ask for: a new one, or with `--resume` the newest run of the same
    /// configuration and data, one that is not finished before one that is.
    ///
    /// # Errors
    /// When the folder cannot be made, holds another run, or somebody else is writing it.
    pub(super) fn open(
        flags: &SweepFlags,
        loaded: &LoadedSweep,
        manifest: &SweepManifest,
    ) -> Result<Self, CliError> {
        let base = base(flags, loaded);
        if flags.resume {
            let found = match &flags.results_dir {
                Some(folder) => Some(folder.clone()).filter(|folder| folder.join("manifest.json").exists()),
                None => newest(&base, manifest)?,
            };
            match found {
                Some(folder) => {
                    let store = SweepStore::resume(&folder, manifest).map_err(failure)?;
                    let opened = Self { store, is_new: false };
                    opened.write_config(loaded)?;
                    return Ok(opened);
                }
                None => tracing::warn!("nothing to resume: a new run begins"),
            }
        }
        let folder = match &flags.results_dir {
            Some(folder) => folder.clone(),
            None => {
                let identity = format!("{}{}", manifest.config_hash(), manifest.data_hash());
                let hash = blake3::hash(identity.as_bytes()).to_hex();
                new_folder(&base, &manifest.sweep, manifest.created_ns, &hash)?
            }
        };
        let config = folder.join(CONFIG);
        if config.exists() {
            return Err(CliError::Failed(format!(
                "{} would be replaced; go on with the run that made it (--resume), or name another folder with \
                 --results-dir",
                config.display()
            )));
        }
        let store = SweepStore::create(&folder, manifest).map_err(failure)?;
        let opened = Self { store, is_new: flags.results_dir.is_none() };
        opened.write_config(loaded)?;
        Ok(opened)
    }

    /// The configuration and its files of points: enough to run it again from here.
    fn write_config(&self, loaded: &LoadedSweep) -> Result<(), CliError> {
        for file in &loaded.files {
            self.write(&file.path.to_string_lossy(), &file.text)?;
        }
        self.write(CONFIG, &loaded.standalone_yaml)
    }

    /// Writes a file of text beside the results, whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), CliError> {
        let path = self.path().join(name);
        write_whole(&path, text.as_bytes())
            .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", path.display())))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.store.run().folder()
    }

    /// Takes away a folder that this program made and that has no result.
    pub(super) fn abandon_if_empty(self) -> bool {
        let is_empty = self.is_new && self.store.done().is_empty();
        // What led here is told; that the folder cannot be removed adds nothing.
        is_empty && fs::remove_dir_all(self.path()).is_ok()
    }
}

/// Where runs of this sweep are.
pub(super) fn base(flags: &SweepFlags, loaded: &LoadedSweep) -> PathBuf {
    match &loaded.report.dir {
        Some(dir) => flags.sweep.parent().unwrap_or(Path::new("")).join(dir),
        None => results_dir::BASE.into(),
    }
}

fn newest(base: &Path, manifest: &SweepManifest) -> Result<Option<PathBuf>, CliError> {
    let (entries, faults) = list(base).map_err(failure)?;
    for fault in faults {
        tracing::warn!("{fault}");
    }
    let same = || entries.iter().filter(|entry| entry.manifest.differences(manifest).is_empty());
    let unfinished = same().find(|entry| entry.result.is_none());
    Ok(unfinished.or_else(|| same().next()).map(|entry| entry.folder.clone()))
}

/// What the store says, as an end of this command.
pub(in crate::cli) fn failure(error: SweepError) -> CliError {
    match error {
        SweepError::Differs { .. } => CliError::Usage(error.to_string()),
        other => CliError::Failed(other.to_string()),
    }
}

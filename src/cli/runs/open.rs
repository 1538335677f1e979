//! Which run is meant, and the sweep that it was made from.

use std::path::{Path, PathBuf};

use barhive_config::{LoadOptions, SweepSettings, VariantSets};
use barhive_engine::{registry::Registry as Parts, sweep::SweepSpec};
use barhive_store::sweep::{SweepRun, list};
use clap::Args;

use super::BaseFlags;
use crate::cli::{
    outcome::CliError,
    sweep::{as_ranked, failure},
};

/// Names a run.
#[derive(Args, Debug)]
pub(in crate::cli) struct OpenRun {
    /// The run: its folder, its name, the beginning of that, or `latest`
    #[arg(value_name = "RUN")]
    name: String,
    #[command(flatten)]
    base: BaseFlags,
}

/// A run and its sweep.
pub(in crate::cli) struct OpenSweep {
    pub(in crate::cli) run: SweepRun,
    pub(in crate::cli) spec: SweepSpec,
    /// What its file says, ranked as the run was.
    pub(in crate::cli) settings: SweepSettings,
    pub(in crate::cli) sets: VariantSets,
}

impl OpenRun {
    /// Opens the run that is meant.
    ///
    /// # Errors
    /// When there is none or more than one, or it cannot be read.
    pub(in crate::cli) fn open(&self, parts: &Parts) -> Result<OpenSweep, CliError> {
        OpenSweep::open(&find(&self.base.base, &self.name)?, parts)
    }
}

impl OpenSweep {
    /// Opens a run folder, and the sweep from the configuration that is kept there.
    ///
    /// # Errors
    /// When it is none, or its data are gone.
    pub(in crate::cli) fn open(folder: &Path, parts: &Parts) -> Result<Self, CliError> {
        let run = SweepRun::open(folder).map_err(failure)?;
        let manifest = run.manifest();
        let options = LoadOptions { base_dir: folder.to_owned(), ..LoadOptions::default() };
        let origin = folder.join("config.yaml").display().to_string();
        let loaded = barhive_config::load_sweep_str(&manifest.config, &origin, parts, &options)
            .map_err(|faults| CliError::Failed(format!("the sweep cannot be read again: {faults}")))?;
        let mut spec = loaded.spec;
        // A sweep without a name is called after its file, which had another name.
        spec.name.clone_from(&manifest.sweep);
        if spec.variants() != manifest.variants {
            return Err(CliError::Failed(format!(
                "{}: the sweep had {} combinations, now it has {}: were its data or its files of points changed?",
                folder.display(),
                manifest.variants,
                spec.variants()
            )));
        }
        let mut settings = loaded.settings;
        as_ranked(folder, &mut settings);
        Ok(Self { run, spec, settings, sets: loaded.sets })
    }

    /// A variant by its number from 1, counted from 0.
    ///
    /// # Errors
    /// When there is no such number.
    pub(in crate::cli) fn index(&self, number: u64) -> Result<u64, CliError> {
        if (1..=self.spec.variants()).contains(&number) {
            return Ok(number - 1);
        }
        let variants = self.spec.variants();
        Err(CliError::Usage(format!("there is no combination {number}: the sweep has 1 to {variants}")))
    }
}

/// The folder of a run, of a sweep or of a set.
///
/// # Errors
/// When none or several are meant.
pub(in crate::cli) fn any_run(base: &Path, name: &str) -> Result<PathBuf, CliError> {
    let set =
        [PathBuf::from(name), base.join(name)].into_iter().find(|folder| folder.join("report.json").exists());
    set.map_or_else(|| find(base, name), Ok)
}

/// The folder of the run of a sweep.
///
/// # Errors
/// When none or several are meant.
pub(super) fn find(base: &Path, name: &str) -> Result<PathBuf, CliError> {
    let refused = |what: String| CliError::Usage(format!("{name}: {what}"));
    if name == "latest" {
        let (entries, _) = list(base).map_err(failure)?;
        let newest = entries.into_iter().next().map(|entry| entry.folder);
        return newest.ok_or_else(|| refused(format!("there is no sweep in {}", base.display())));
    }
    let path = Path::new(name);
    for folder in [path.to_owned(), base.join(name)] {
        if folder.join("manifest.json").exists() {
            return Ok(folder);
        }
    }
    if path.join("report.json").exists() || base.join(name).join("report.json").exists() {
        return Err(refused("this is the run of a set; its report.html and config.yaml say all".to_owned()));
    }
    let (entries, _) = list(base).map_err(failure)?;
    let begins = |folder: &Path| {
        folder.file_name().and_then(|file| file.to_str()).is_some_and(|file| file.starts_with(name))
    };
    let mut meant: Vec<_> =
        entries.into_iter().map(|entry| entry.folder).filter(|folder| begins(folder)).collect();
    match (meant.pop(), meant.len()) {
        (Some(folder), 0) if !name.is_empty() => Ok(folder),
        (Some(_), others) if !name.is_empty() => {
            Err(refused(format!("{} runs begin like that; say more of the name", others + 1)))
        }
        _ => Err(refused(format!(
            "expected the folder or the name of a sweep's run; `barhive runs list` shows those in {}",
            base.display()
        ))),
    }
}

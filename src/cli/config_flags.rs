//! Which configuration to read, and what to change in it.

use std::path::PathBuf;

use barhive_config::{Document, LoadOptions, Loaded};
use barhive_engine::registry::Registry as Parts;
use clap::Args;

use super::outcome::CliError;

#[derive(Args, Debug)]
pub(super) struct ConfigFlags {
    /// The strategy set, a YAML file
    #[arg(value_name = "SET")]
    pub(super) set: PathBuf,
    /// Change a value of the set, as in strategies[0].params.fast=12 (may be repeated)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) overrides: Vec<String>,
}

impl ConfigFlags {
    /// Reads the set; its warnings go to the log.
    ///
    /// # Errors
    /// All faults of the set at once.
    pub(super) fn load(&self, parts: &Parts, keep_going: bool) -> Result<Loaded, CliError> {
        let options = LoadOptions { sets: self.overrides.clone(), keep_going, ..LoadOptions::default() };
        let loaded = barhive_config::load(&self.set, parts, &options)
            .map_err(|faults| CliError::Usage(faults.to_string()))?;
        for warning in &loaded.warnings {
            tracing::warn!("{}: {warning}", self.set.display());
        }
        Ok(loaded)
    }

    /// Reads the file, whether it is a set or a sweep; its warnings go to the log.
    ///
    /// # Errors
    /// All faults of the file at once.
    pub(super) fn load_any(&self, parts: &Parts) -> Result<Document, CliError> {
        let options = LoadOptions { sets: self.overrides.clone(), ..LoadOptions::default() };
        let document = barhive_config::load_any(&self.set, parts, &options)
            .map_err(|faults| CliError::Usage(faults.to_string()))?;
        let warnings = match &document {
            Document::Set(set) => &set.warnings,
            Document::Sweep(sweep) => &sweep.warnings,
        };
        for warning in warnings {
            tracing::warn!("{}: {warning}", self.set.display());
        }
        Ok(document)
    }
}

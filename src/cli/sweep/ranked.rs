//! What a run was ranked by, kept beside its results: flags say it, and are gone when somebody looks again.

use std::{fs, io::ErrorKind, path::Path};

use barhive_config::SweepSettings;
use barhive_report::store::write_whole;
use serde::{Deserialize, Serialize};

use crate::cli::outcome::CliError;

/// Says which results are looked at first, and is none.
const RANKING: &str = "ranking.json";

#[derive(Debug, Serialize, Deserialize)]
struct Ranked {
    /// Figures as `--rank` names them.
    rank: Vec<String>,
    top: u64,
}

/// Keeps what a run is ranked by.
///
/// # Errors
/// When it cannot be written.
pub(super) fn keep(folder: &Path, settings: &SweepSettings) -> Result<(), CliError> {
    let rank = settings.rank.iter().map(ToString::to_string).collect();
    let path = folder.join(RANKING);
    let written = serde_json::to_vec(&Ranked { rank, top: settings.top })
        .map_err(Into::into)
        .and_then(|bytes| write_whole(&path, &bytes));
    written.map_err(|error| CliError::Failed(format!("cannot write {}: {error}", path.display())))
}

/// Has `settings` rank as the run in `folder` was ranked, where that says so.
pub(in crate::cli) fn as_ranked(folder: &Path, settings: &mut SweepSettings) {
    let path = folder.join(RANKING);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        Err(error) => return tracing::warn!("{}: {error}; ranked as the sweep says", path.display()),
    };
    let ranked = serde_json::from_slice::<Ranked>(&bytes).map_err(|error| error.to_string());
    let read = ranked.and_then(|ranked| {
        let rank = ranked.rank.iter().map(|figure| figure.parse()).collect::<Result<Vec<_>, String>>()?;
        Ok((rank, ranked.top))
    });
    match read {
        Ok((rank, top)) => (settings.rank, settings.top) = (rank, top),
        Err(fault) => tracing::warn!("{}: {fault}; ranked as the sweep says", path.display()),
    }
}

//! A set that is run once more with everything recorded.

use std::{fs, path::Path, sync::Arc};

use barhive_actors::{RunOptions, clock::SystemClock};
use barhive_config::Loaded;
use barhive_engine::{
    Registry as Parts,
    pass::RunError,
    result::RunResult,
    set::{ContainerSpec, Retention, Trace},
    time::Clock,
};
use barhive_report::{ReportInput, RunMeta, curve::PriceTap, store::Format as RecordFormat};

use crate::cli::{
    database::Collector,
    outcome::CliError,
    run::{Records, write_folder},
};

/// Symbols whose prices a page shows.
const SYMBOLS_SHOWN_MAX: usize = 24;

/// What came of it.
pub(super) struct Again {
    pub(super) result: RunResult,
    /// The accounts that were run.
    pub(super) containers: Vec<ContainerSpec>,
    /// What they ordered and traded.
    pub(super) collector: Collector,
}

/// Runs a set and writes its reports, records and configuration into `folder`. `None` when it cannot be set
/// up.
///
/// # Errors
/// When its data cannot be read or the folder cannot be written.
pub(super) fn again(
    set: Loaded,
    origin: &Path,
    parts: &Parts,
    folder: &Path,
    html: bool,
) -> Result<Option<Again>, CliError> {
    let started_ns = SystemClock.now_ns();
    let (mut spec, name) = (set.spec, set.report.title.unwrap_or_default());
    let name = if name.is_empty() { spec.name.clone() } else { name };
    for container in &mut spec.containers {
        (container.trace, container.retention) = (Trace::Full, Retention::Full);
    }
    let (instruments, containers) = (spec.instruments.clone(), spec.containers.clone());
    let seed = containers.first().map_or(0, |container| container.seed);
    let tap = PriceTap::new(Arc::clone(&spec.source), SYMBOLS_SHOWN_MAX);
    spec.source = Arc::clone(&tap) as _;
    let (records, collector) =
        (Records::start(folder, vec![RecordFormat::Parquet], &spec)?, Collector::default());
    let collects = collector.clone();
    let recorders = records.factory_with(move |container| Some(collects.recorder(container)));
    let outcome =
        match barhive_actors::run(spec, parts, RunOptions { recorders, seed, ..RunOptions::default() }) {
            Ok(outcome) => outcome,
            Err(error) => {
                records.discard();
                // Folders that this run made and that are empty again.
                let _ = fs::remove_dir(folder);
                return match error {
                    RunError::Setup(_) => Ok(None),
                    other => Err(CliError::Failed(format!("{name} cannot be run: {other}"))),
                };
            }
        };
    drop(outcome.recorders);
    let result = outcome.result;
    let quarantined: Vec<_> = result.quarantined.iter().map(|one| one.container.clone()).collect();
    let recorded = records.finish(&quarantined);
    let meta = RunMeta {
        name,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_ns: Some(started_ns),
        wall_ms: outcome.elapsed.as_secs_f64() * 1e3,
        config_text: set.canonical_yaml,
        config_path: Some(origin.display().to_string()),
        seed,
        ..RunMeta::default()
    };
    let input = ReportInput {
        result: &result,
        meta: &meta,
        instruments: &instruments,
        curves: &recorded.curves,
        prices: &tap.prices(),
        files: &recorded.files,
        faults: &recorded.faults,
    };
    write_folder(folder, &set.standalone_yaml, &input, html)?;
    Ok(Some(Again { result, containers, collector }))
}

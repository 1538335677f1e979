//! The end of a sweep: what it brought, and what it took.

use std::{fs, io, path::Path};

use barhive_engine::sweep::{Outcome, PassWork, SweepHasher, SweepSpec};
use serde::{Deserialize, Serialize};

use super::{
    SweepError, SweepRun,
    manifest::{DataUse, FORMAT, write_whole},
};

/// The results as a table.
pub const PARQUET: &str = "results.parquet";
/// The final result; a run that has it is finished.
pub const RESULT: &str = "result.json";
/// What the sweep took.
pub const WORK: &str = "work.json";
/// Failures that are named one by one in the result.
const FAILURES_NAMED: usize = 100;

/// What a sweep brought. A function of configuration, data and selection: nothing in it tells how the
/// sweep was cut into passes, interrupted, resumed or spread over workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepResult {
    /// Version of this file.
    pub format: u32,
    /// Version of the program that made it.
    pub program: String,
    /// The sweep's name.
    pub sweep: String,
    /// Hash of the configuration.
    pub config_hash: String,
    /// The data.
    pub data: Vec<DataUse>,
    /// Root of the randomness.
    pub seed: u64,
    /// Variants of the grid.
    pub variants: u64,
    /// Variants that were run, counted from 1.
    pub selected: String,
    /// Variants that ran to their end.
    pub done: u64,
    /// Variants that failed for good.
    pub failed: u64,
    /// The first of those.
    pub failures: Vec<VariantFailure>,
    /// The hash over the results in grid order.
    pub result_hash: String,
    /// BLAKE3 of `results.parquet`.
    pub parquet_hash: String,
}

/// A variant that failed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantFailure {
    /// Its number, counted from 1.
    pub variant: u64,
    /// Its definition, instruments, timeframe and parameters.
    pub key: String,
    /// The step at which it failed, counted from 1; 0 when it could not be set up.
    pub step: u64,
    /// Close time of that step, UTC nanoseconds.
    pub ts_ns: i64,
    /// Why.
    pub reason: String,
}

/// What a sweep took: the part of its end that depends on how it was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepWork {
    /// When it was finished, UTC nanoseconds.
    pub finished_ns: i64,
    /// Passes.
    pub passes: u64,
    /// The work of all passes that were kept.
    pub work: PassWork,
}

pub(super) fn write(run: &SweepRun, spec: &SweepSpec, finished_ns: i64) -> Result<SweepResult, SweepError> {
    run.check_spec(spec)?;
    let left = run.left();
    if !left.is_empty() {
        return Err(SweepError::Refused {
            subject: run.folder.display().to_string(),
            what: format!("variants {left} have no results yet; resume the sweep"),
        });
    }
    let mut hasher = SweepHasher::new();
    let (mut done, mut failed, mut failures) = (0, 0, Vec::new());
    for variant in run.variants() {
        let variant = variant?;
        hasher.add(spec, &variant);
        let Outcome::Failed { step, ts_ns, reason } = variant.outcome else {
            done += 1;
            continue;
        };
        failed += 1;
        if failures.len() < FAILURES_NAMED {
            let key = spec.variant(variant.index).map(|parts| spec.key(&parts)).unwrap_or_default();
            failures.push(VariantFailure { variant: variant.index + 1, key, step, ts_ns, reason });
        }
    }
    let parquet = run.folder.join(PARQUET);
    run.export_parquet(spec, &parquet)?;
    let manifest = &run.manifest;
    let result = SweepResult {
        format: FORMAT,
        program: manifest.program.clone(),
        sweep: manifest.sweep.clone(),
        config_hash: manifest.config_hash(),
        data: manifest.data.clone(),
        seed: manifest.seed,
        variants: manifest.variants,
        selected: manifest.selected.to_string(),
        done,
        failed,
        failures,
        result_hash: hasher.finish(),
        parquet_hash: hash_of(&parquet)?,
    };
    let work = SweepWork { finished_ns, passes: run.passes() as u64, work: *run.work() };
    write_json(&run.folder.join(WORK), &work)?;
    // Last: what has a result is finished.
    write_json(&run.folder.join(RESULT), &result)?;
    Ok(result)
}

/// The final result of the run in `folder`; `None` when it is not finished.
pub(super) fn read(folder: &Path) -> Result<Option<SweepResult>, SweepError> {
    let path = folder.join(RESULT);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SweepError::io(&path, "read the result")(error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| SweepError::Format {
        path,
        expected: "the result of a sweep".to_owned(),
        found: error.to_string(),
    })
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), SweepError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| SweepError::Refused {
        subject: path.display().to_string(),
        what: error.to_string(),
    })?;
    bytes.push(b'\n');
    write_whole(path, &bytes)
}

fn hash_of(path: &Path) -> Result<String, SweepError> {
    let mut hasher = blake3::Hasher::new();
    fs::File::open(path)
        .and_then(|mut file| io::copy(&mut file, &mut hasher))
        .map_err(SweepError::io(path, "read the file again"))?;
    Ok(hasher.finalize().to_hex().to_string())
}

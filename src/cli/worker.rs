//! `worker`: a process of a sweep. Started by `sweep --isolation process`, never by hand.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use barhive_actors::sweep::{Affinity, ProcessSpec, serve_worker, worker_pipes};
use barhive_config::{Cores, LoadOptions, LoadedSweep, PointsFile, ProcessSettings};
use barhive_engine::{governor::ThrottleConfig, registry::Registry as Parts, sweep::SweepSpec};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{
    logging::{self, LogFlags},
    outcome::{CliError, Done, Outcome},
    sweep::NICE,
};
use crate::bench;

/// Which sweep a worker runs.
#[derive(Serialize, Deserialize)]
struct Payload {
    /// The exact configuration, overrides applied, with absolute paths.
    yaml: String,
    /// Where files of points are.
    base_dir: PathBuf,
    /// What such files hold.
    files: Vec<File>,
    /// How many combinations there are.
    combinations: u64,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct File {
    path: PathBuf,
    hash: String,
}

impl From<&PointsFile> for File {
    fn from(file: &PointsFile) -> Self {
        Self { path: file.path.clone(), hash: blake3::hash(file.text.as_bytes()).to_hex().to_string() }
    }
}

/// How a worker is started.
#[derive(Args, Debug)]
pub(super) struct WorkerFlags {
    /// Know the strategies of `bench`, too
    #[arg(long)]
    bench: bool,
}

/// What worker processes may take.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Worker processes")]
pub(super) struct ProcessFlags {
    /// Memory that one may take beyond the sweep itself, as in 512MiB; its files, which all share,
    /// are not counted [default: 4GiB, and 1GiB for each combination of a pass]
    #[arg(long, value_name = "SIZE", value_parser = memory_max)]
    memory_max: Option<u64>,
    /// On which cores they run: any, auto (each on one of those allowed) or a list as in 0,2-3
    #[arg(long, value_name = "CORES")]
    affinity: Option<Cores>,
    /// Stand back behind other programs, for processor and disk, threads too: by 10, or as far as
    /// said, 0 to 19
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "10",
        value_parser = clap::value_parser!(i32).range(0..=19))]
    nice: Option<i32>,
}

impl ProcessFlags {
    /// The first of these flags that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let flags = [("--memory-max", self.memory_max.is_some()), ("--affinity", self.affinity.is_some())];
        flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// Does to worker processes what these flags say, and else the sweep.
    pub(super) fn apply(&self, settings: &ProcessSettings, process: &mut ProcessSpec) {
        if let Some(memory_max) = self.memory_max.or(settings.memory_max_bytes) {
            process.memory_max = memory_max;
        }
        process.affinity = affinity(self.affinity.as_ref().unwrap_or(&settings.cores));
    }

    /// How far workers stand back.
    pub(super) fn nice(&self, settings: &ProcessSettings, throttle: &ThrottleConfig) -> i32 {
        let of_throttle = if throttle.nice_priority { NICE } else { 0 };
        self.nice.unwrap_or(i32::from(settings.nice).max(of_throttle))
    }
}

/// A size that a worker can begin with.
fn memory_max(text: &str) -> Result<u64, String> {
    match barhive_config::byte_size(text)? {
        bytes if bytes < ProcessSettings::MEMORY_MIN_BYTES => Err("expected 16MiB or more".to_owned()),
        bytes => Ok(bytes),
    }
}

fn affinity(cores: &Cores) -> Affinity {
    match cores {
        Cores::Any => Affinity::None,
        Cores::Auto => Affinity::Automatic,
        Cores::Listed(cores) => Affinity::Cores(cores.clone()),
    }
}

/// This program as the workers of a sweep that was read from a file in `folder`.
///
/// # Errors
/// When the folder or the program itself cannot be found.
pub(super) fn process_spec(
    sweep: &LoadedSweep,
    folder: &Path,
    logs: &LogFlags,
) -> Result<ProcessSpec, CliError> {
    let failed = |what: &str, error: io::Error| CliError::Failed(format!("{what} cannot be found: {error}"));
    // The folder of a file without one is the current one.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let payload = Payload {
        yaml: sweep.standalone_yaml.clone(),
        base_dir: folder.canonicalize().map_err(|error| failed("the sweep's folder", error))?,
        files: sweep.files.iter().map(File::from).collect(),
        combinations: sweep.spec.variants(),
    };
    let payload = serde_json::to_vec(&payload)
        .map_err(|error| CliError::Failed(format!("the sweep cannot be told to its workers: {error}")))?;
    let program = program().map_err(|error| failed("this program", error))?;
    let mut process = ProcessSpec::new(program, payload);
    process.args = vec![OsString::from("worker")];
    process.args.extend(logs.as_arguments().into_iter().map(OsString::from));
    Ok(process)
}

/// `program` as the workers of a sweep that is measured: it knows the strategies that only measurements
/// need, and logs nothing.
///
/// # Errors
/// As text: when the sweep cannot be told.
pub(crate) fn worker_process(sweep: &LoadedSweep, program: &Path) -> Result<ProcessSpec, String> {
    let process = process_spec(sweep, Path::new("."), &LogFlags::default());
    let mut process = process.map_err(|error| error.to_string())?;
    program.clone_into(&mut process.program);
    process.args.push(OsString::from("--bench"));
    // What is read to name the frames of a backtrace is not what is measured.
    for (name, value) in [(logging::LEVELS, "off"), ("RUST_BACKTRACE", "0")] {
        process.env.push((OsString::from(name), OsString::from(value)));
    }
    Ok(process)
}

/// The very program that runs, even where another version has taken its place on the disk since.
pub(super) fn program() -> io::Result<PathBuf> {
    let own = Path::new("/proc/self/exe");
    if own.exists() { Ok(own.to_path_buf()) } else { std::env::current_exe() }
}

/// Is a worker of the sweep that the coordinator at the other end of standard input tells.
pub(super) fn run(flags: &WorkerFlags, parts: &Parts) -> Outcome {
    let parts = if flags.bench { bench::strategies::register(parts.clone()) } else { parts.clone() };
    let (input, output) =
        worker_pipes().map_err(|error| CliError::Failed(format!("a worker has no pipes: {error}")))?;
    serve_worker(input, output, |payload| load(payload, &parts))
        .map_err(|error| CliError::Failed(error.to_string()))?;
    Ok(Done::All)
}

fn load(payload: &[u8], parts: &Parts) -> Result<(SweepSpec, Parts), String> {
    let told: Payload = serde_json::from_slice(payload)
        .map_err(|error| format!("what a worker is told is no sweep: {error}"))?;
    let options = LoadOptions { base_dir: told.base_dir, ..LoadOptions::default() };
    let loaded = barhive_config::load_sweep_str(&told.yaml, "the sweep", parts, &options)
        .map_err(|faults| faults.to_string())?;
    // A worker that replaces another must not run other combinations under the same numbers.
    if loaded.files.iter().map(File::from).ne(told.files) || loaded.spec.variants() != told.combinations {
        let names: Vec<_> = loaded.files.iter().map(|file| file.path.display().to_string()).collect();
        return Err(format!("the sweep's files have changed since it began: {}", names.join(", ")));
    }
    Ok((loaded.spec, parts.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    const SWEEP: &str = "
name: told
feed: {kind: synthetic, params: {symbols: [X], bars: 200}}
account: {cash: 100000 USD}
strategies:
  - {id: cross, kind: sma_cross, timeframe: 1m, points: points.json, sizing: {fixed: 1}}
";

    #[test]
    fn a_worker_runs_the_same_combinations_or_none() {
        let registry = Registry::builtin();
        let folder = tempfile::tempdir().expect("a folder");
        let points = folder.path().join("points.json");
        std::fs::write(&points, r#"[{"fast": 2, "slow": 5}, {"fast": 3, "slow": 9}]"#).expect("written");
        let options = LoadOptions { base_dir: folder.path().to_path_buf(), ..LoadOptions::default() };
        let sweep =
            barhive_config::load_sweep_str(SWEEP, "test", registry.as_engine(), &options).expect("sound");
        let process = process_spec(&sweep, folder.path(), &LogFlags::default()).expect("a folder");
        let (spec, _) = load(&process.payload, registry.as_engine()).expect("the same");
        let keys = |spec: &SweepSpec| -> Vec<_> {
            spec.all().iter().filter_map(|index| spec.variant(index).map(|parts| spec.key(&parts))).collect()
        };
        assert_eq!(keys(&spec), keys(&sweep.spec));
        assert_eq!(keys(&spec).len(), 2);
        std::fs::write(&points, r#"[{"fast": 2, "slow": 5}, {"fast": 3, "slow": 10}]"#).expect("written");
        let changed = load(&process.payload, registry.as_engine()).map(|_| ()).unwrap_err();
        assert_eq!(changed, "the sweep's files have changed since it began: points.json");
    }
}

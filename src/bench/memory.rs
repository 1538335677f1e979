//! Memory of whole runs of the program, in processes of their own.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use barhive_machine::smaps;
use serde::Serialize;

use super::{BenchError, Place, ensure, market, not_written};

/// How often a process is looked at.
const LOOK: Duration = Duration::from_micros(200);

/// The most memory of its own (anonymous pages, as mapped files are everybody's) that a command takes, in
/// bytes.
///
/// # Errors
/// When it cannot be started, or fails.
pub fn peak_anonymous(mut command: Command) -> Result<u64, BenchError> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().map_err(
            |error| BenchError(format!("{} cannot be started: {error}", command.get_program().display())),
        )?;
    let mut peak = 0;
    loop {
        peak = peak.max(smaps::anonymous(child.id()));
        if let Some(status) = child.try_wait().map_err(BenchError::of)? {
            ensure(status.success(), || format!("a measured command failed: {status}"))?;
            return Ok(peak);
        }
        std::thread::sleep(LOOK);
    }
}

/// What full backtests take: every order, fill and curve recorded, every report written.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FullBacktests {
    /// A run of one account on one instrument over 1,000 bars.
    pub base_bytes: u64,
    /// Every further instrument that the account trades.
    pub per_instrument_bytes: u64,
    /// Every further account on the same instrument, by how many bars it sees.
    pub per_container: [OfContainer; 2],
}

/// What a container takes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OfContainer {
    /// Bars that it sees.
    pub bars: u64,
    /// A run with one container.
    pub run_bytes: u64,
    /// Every further one.
    pub container_bytes: u64,
}

/// A run's shape.
#[derive(Clone, Copy)]
struct Shape {
    instruments: u32,
    containers: u32,
    bars: u64,
}

/// How many more instruments or containers the larger of two runs has.
const MORE: u32 = 100;
/// Measures full backtests; of each shape the median of `rounds` runs.
///
/// # Errors
/// When the program cannot be run.
pub fn full_backtests(place: &Place, rounds: usize) -> Result<FullBacktests, BenchError> {
    let full = |shape: Shape| full(place, shape, rounds);
    let each = |more: u64, one: u64| more.saturating_sub(one) / u64::from(MORE);
    let one = Shape { instruments: 1, containers: 1, bars: 1_000 };
    let base_bytes = full(one)?;
    let many = full(Shape { instruments: 1 + MORE, ..one })?;
    let mut per_container =
        [1_000, 10_000].map(|bars| OfContainer { bars, run_bytes: 0, container_bytes: 0 });
    for row in &mut per_container {
        let one = Shape { bars: row.bars, ..one };
        row.run_bytes = full(one)?;
        row.container_bytes = each(full(Shape { containers: 1 + MORE, ..one })?, row.run_bytes);
    }
    Ok(FullBacktests { base_bytes, per_instrument_bytes: each(many, base_bytes), per_container })
}

fn full(place: &Place, shape: Shape, rounds: usize) -> Result<u64, BenchError> {
    let Shape { instruments, containers, bars } = shape;
    let catalog = place.folder.join(format!("full-{instruments}-{bars}"));
    market::catalog(&catalog, instruments, bars)?;
    let mut peaks = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let folder = place.empty("full")?;
        let set = folder.join("set.yaml");
        std::fs::write(&set, set_text(&catalog, containers)).map_err(|error| not_written(&set, &error))?;
        let mut command = Command::new(&place.program);
        command.arg("run").arg(&set).arg("--results-dir").arg(folder.join("results")).arg("--quiet");
        peaks.push(peak_anonymous(command)?);
        ensure(folder.join("results/report.json").exists(), || "a measured run wrote no report".to_owned())?;
    }
    peaks.sort_unstable();
    Ok(peaks.get(rounds / 2).copied().unwrap_or(0))
}

/// Accounts of one crossing of averages each, all of them different.
fn set_text(catalog: &Path, containers: u32) -> String {
    let path = serde_json::Value::from(catalog.to_string_lossy());
    let strategies = (0..containers).map(|number| {
        let (fast, slow) = (5 + number % 20, 30 + number / 20);
        format!(
            "  - {{id: cross{number}, kind: sma_cross, params: {{fast: {fast}, slow: {slow}}}, timeframe: 1m, \
             sizing: {{fixed: 1}}}}\n"
        )
    });
    format!(
        "name: full\n\
         feed: {{kind: catalog, params: {{path: {path}}}}}\n\
         account: {{kind: per_strategy, cash: 1000000 USD}}\n\
         fees: {{rate: 0.1%}}\n\
         trace: full\n\
         strategies:\n{}",
        strategies.collect::<String>()
    )
}

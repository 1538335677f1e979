//! How much memory worker processes share, and whether what fails leaves memory behind.

use std::path::Path;

use barhive_actors::sweep::{inspect_workers, restart_times};
use barhive_engine::{
    registry::Registry as Parts,
    sweep::{Outcome, PassBlock, VariantRange},
};
use barhive_machine::smaps;
use serde::Serialize;

use super::{
    BenchError, Place, ensure,
    market::{self, Data},
    strategies,
};

/// The data part of so many workers' memory: all of them added up, pages that several map counted once.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Shared {
    /// Worker processes.
    pub workers: usize,
    /// When the catalog is mapped, beyond what the same workers have of their own with little data.
    pub shared_bytes: u64,
    /// The proportional memory of the catalog's mappings alone.
    pub mapped_bytes: u64,
    /// When every worker reads the catalog into memory of its own.
    pub read_bytes: u64,
}

impl Shared {
    /// What sharing saves, as a part of what is taken without it.
    pub fn saving(&self) -> f64 {
        1.0 - self.shared_bytes as f64 / self.read_bytes.max(1) as f64
    }

    /// What it can save at most: all but one copy.
    pub fn saving_max(&self) -> f64 {
        1.0 - 1.0 / self.workers as f64
    }
}

/// Combinations of the grid.
const VARIANTS: u64 = 50;
/// Those that every worker runs before it is looked at: all the data are read for one as for many.
const PASS: VariantRange = VariantRange { start: 0, end: 2 };

/// Bars of little data, that fill every batch many times all the same: what else a worker takes does not
/// grow with more.
const FEW: u64 = 100_000;

/// Measures worker processes that have read the whole catalog and run a pass on it.
///
/// # Errors
/// When workers cannot be started, or disagree.
pub fn shared(place: &Place, parts: &Parts, catalog: &Path, workers: usize) -> Result<Shared, BenchError> {
    let few = place.folder.join("few");
    market::catalog(&few, 1, FEW)?;
    let (few, mapped_few, _) = total(place, parts, Data::of(&few), workers)?;
    let few = few - mapped_few;
    let (shared, mapped_bytes, expected) = total(place, parts, Data::of(catalog), workers)?;
    let (read, _, found) = total(place, parts, Data { map: false, ..Data::of(catalog) }, workers)?;
    let mut blocks = expected.iter().chain(&found);
    let first = blocks.next().map(|block| &block.variants);
    ensure(blocks.all(|block| Some(&block.variants) == first), || {
        "workers with a mapped catalog and workers that read it have different results".to_owned()
    })?;
    let beyond = |bytes: u64| bytes.saturating_sub(few);
    Ok(Shared { workers, shared_bytes: beyond(shared), mapped_bytes, read_bytes: beyond(read) })
}

/// Proportional bytes of all workers, without the program; those of their mappings of the catalog alone;
/// and what they found out.
fn total(
    place: &Place,
    parts: &Parts,
    data: Data<'_>,
    workers: usize,
) -> Result<(u64, u64, Vec<PassBlock>), BenchError> {
    let sweep = data.sweep(&[market::crosses("cross", VARIANTS)], parts)?;
    let process = place.workers(&sweep)?;
    let (mut all, mut mapped) = (0, 0);
    let mut look = |passes: usize, processes: &[u32]| {
        if passes > 0 {
            let memory = processes.iter().filter_map(|process| smaps::of(&process.to_string()));
            mapped = processes.iter().map(|process| smaps::mapped(*process, data.catalog)).sum();
            // The program's own pages are left out: a share of them is everybody's who runs it.
            all = mapped + memory.map(|memory| memory.anonymous).sum::<u64>();
        }
    };
    let blocks = inspect_workers(&process, workers, &[PASS], &mut look).map_err(BenchError::of)?;
    Ok((all, mapped, blocks))
}

/// Memory of a process before and after something that should leave nothing behind.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Kept {
    /// How often it was done.
    pub times: u64,
    /// Anonymous memory before.
    pub before_bytes: u64,
    /// And after.
    pub after_bytes: u64,
}

impl Kept {
    /// What it grew by, as a part of what it was.
    pub fn growth(&self) -> f64 {
        self.after_bytes as f64 / self.before_bytes.max(1) as f64 - 1.0
    }
}

/// A worker process that ran a good pass, and then so many jobs that panic.
///
/// # Errors
/// When it cannot be started, or a job does not fail as it should.
pub fn after_failed_jobs(place: &Place, parts: &Parts, jobs: u64) -> Result<Kept, BenchError> {
    let parts = strategies::register(parts.clone());
    let few = place.folder.join("few");
    market::catalog(&few, 1, FEW)?;
    let fails = format!(
        "id: fails, kind: bench_fails, params: {{at: \"range(100, {})\"}}, timeframe: 1m, sizing: {{fixed: 1}}",
        100 + jobs - 1
    );
    let sweep = Data::of(&few).sweep(&[market::crosses("cross", VARIANTS), fails], &parts)?;
    let process = place.workers(&sweep)?;
    let failing = (VARIANTS..VARIANTS + jobs).map(|job| VariantRange { start: job, end: job + 1 });
    let passes: Vec<_> = std::iter::once(PASS).chain(failing).collect();
    let mut kept = Kept { times: jobs, before_bytes: 0, after_bytes: 0 };
    let mut look = |done: usize, processes: &[u32]| {
        let bytes = processes.iter().map(|process| smaps::anonymous(*process)).sum();
        match done {
            1 => kept.before_bytes = bytes,
            _ => kept.after_bytes = bytes,
        }
    };
    let blocks = inspect_workers(&process, 1, &passes, &mut look).map_err(BenchError::of)?;
    let failed = blocks.iter().flat_map(|block| &block.variants);
    let failed =
        failed.filter(|variant| matches!(variant.outcome, Outcome::Failed { step: 1.., .. })).count();
    ensure(failed as u64 == jobs, || format!("expected {jobs} jobs to fail, found {failed}"))?;
    Ok(kept)
}

/// This process, when so many of its workers were killed and replaced.
///
/// # Errors
/// When workers cannot be started.
pub fn after_killed_workers(place: &Place, parts: &Parts, kills: u64) -> Result<Kept, BenchError> {
    let few = place.folder.join("few");
    market::catalog(&few, 1, FEW)?;
    let sweep = Data::of(&few).sweep(&[market::crosses("cross", VARIANTS)], parts)?;
    let process = place.workers(&sweep)?;
    let me = std::process::id();
    // The first ones leave stacks and buffers that later ones take over.
    restart_times(&process, 3).map_err(BenchError::of)?;
    let before_bytes = smaps::anonymous(me);
    restart_times(&process, kills as usize).map_err(BenchError::of)?;
    Ok(Kept { times: kills, before_bytes, after_bytes: smaps::anonymous(me) })
}

//! Sweeps on one worker and on several, beside loops that have nothing in common.

use std::{sync::Arc, time::Duration};

use barhive_actors::sweep::{SweepOptions, run_sweep};
use barhive_engine::{
    registry::Registry as Parts,
    sweep::{Outcome, PassBlock, SweepSpec, VariantRange, run_pass},
};

use super::{BenchError, ensure, timed};

/// A sweep that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// From the call to the last result.
    pub elapsed: Duration,
    /// How long workers waited at the end, all of them added up.
    pub idle: Duration,
    /// Over the digests of all variants in grid order: the same for every number of workers.
    pub hash: String,
}

/// Runs a sweep and keeps no result but its hash.
///
/// # Errors
/// When it cannot be run, a worker fails, or a variant fails or is missing.
pub fn sweep(spec: &Arc<SweepSpec>, parts: &Arc<Parts>, options: SweepOptions) -> Result<Ran, BenchError> {
    let mut digests = vec![None; spec.variants() as usize];
    let selected = options.selected.as_ref().map_or(spec.variants(), |selected| selected.len());
    let mut sink = |block: &PassBlock| {
        for variant in &block.variants {
            if let Outcome::Done(done) = &variant.outcome {
                digests[variant.index as usize] = Some((done.digest, done.final_equity));
            }
        }
        Ok(())
    };
    let (elapsed, outcome) = timed(|| run_sweep(spec, parts, options, &mut sink));
    let outcome = outcome.map_err(BenchError::of)?;
    ensure(outcome.worker_failures == 0, || format!("{} workers failed", outcome.worker_failures))?;
    let mut hasher = blake3::Hasher::new();
    let mut done = 0;
    for (digest, equity) in digests.into_iter().flatten() {
        hasher.update(&digest).update(&equity.0.to_le_bytes());
        done += 1;
    }
    ensure(done == selected, || format!("expected {selected} results, found {done}"))?;
    Ok(Ran { elapsed, idle: outcome.idle, hash: hasher.finalize().to_hex().to_string() })
}

/// The same passes on as many threads, each with a sweep of its own: no coordinator, no queue, nobody to
/// wait for. Answers how long the slowest takes.
///
/// # Errors
/// When a pass cannot be run.
pub fn loops(specs: &[SweepSpec], parts: &Parts, passes: &[VariantRange]) -> Result<Duration, BenchError> {
    let threads = specs.len();
    let one = |thread: usize| -> Result<(), BenchError> {
        for range in passes.iter().skip(thread).step_by(threads) {
            let block = run_pass(&specs[thread], parts, *range, &mut |_| true).map_err(BenchError::of)?;
            ensure(block.variants.iter().all(|variant| variant.evaluation().is_some()), || {
                "a variant failed".to_owned()
            })?;
        }
        Ok(())
    };
    let (time, ended) = timed(|| {
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|thread| scope.spawn(move || one(thread))).collect();
            let first = one(0);
            others.into_iter().fold(first, |ended, other| {
                ended.and(other.join().unwrap_or_else(|_| Err(BenchError("a loop panicked".to_owned()))))
            })
        })
    });
    ended.map(|()| time)
}

/// Variants in passes of so many, without those that are left over.
pub fn even_passes(variants: u64, len: u64) -> Vec<VariantRange> {
    (0..variants / len).map(|pass| VariantRange { start: pass * len, end: (pass + 1) * len }).collect()
}

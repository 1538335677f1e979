//! Running a pass of a sweep on the caller's thread: one read of the data, all its variants fed.

use serde::{Deserialize, Serialize};

use super::{Evaluation, Outcome, SweepSpec, Variant, VariantRange};
use crate::{
    container::Container,
    frame::Frame,
    layout::{Declared, declare},
    merge::Merged,
    outcome::{Ended, Failure, finish_guarded, rerun_alone, run_guarded},
    pass::{Pass, RunError},
    record::NoRecorder,
    registry::Registry,
    result::{AccountResult, HubCounters},
    set::RunSpec,
};

/// What a pass brought.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PassBlock {
    /// Its variants, in grid order.
    pub range: VariantRange,
    /// What came of each, in grid order.
    pub variants: Vec<Variant>,
    /// How much was done for it.
    pub work: PassWork,
}

/// The work behind a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassWork {
    /// Variants that ran as lanes.
    pub lanes: u64,
    /// Variants that ran as containers of their own.
    pub containers: u64,
    /// Variants that failed once and were run again alone.
    pub reruns: u64,
    /// Rows read, over all series.
    pub rows: u64,
    /// Steps taken, over all variants.
    pub steps: u64,
    /// The hub's account.
    pub hub: HubCounters,
}

impl PassWork {
    /// Adds the work of another pass.
    pub fn add(&mut self, other: &Self) {
        self.lanes += other.lanes;
        self.containers += other.containers;
        self.reruns += other.reruns;
        self.rows += other.rows;
        self.steps += other.steps;
        self.hub.keys += other.hub.keys;
        self.hub.subscriptions += other.hub.subscriptions;
        self.hub.computed += other.hub.computed;
        self.hub.expected += other.hub.expected;
        self.hub.recomputed += other.hub.recomputed;
        self.hub.shared += other.hub.shared;
        self.hub.cache_hits += other.hub.cache_hits;
        self.hub.cache_misses += other.hub.cache_misses;
        self.hub.cache_evictions += other.hub.cache_evictions;
        self.hub.cache_bytes_peak = self.hub.cache_bytes_peak.max(other.hub.cache_bytes_peak);
    }
}

/// Runs the variants of `range` in one pass over the data.
///
/// `watch` is called between containers, often, with the rows that variants were fed so far (each
/// variant counts); where it answers no, the pass is given up. A variant that fails is run again alone
/// and, where it fails at the same step again, reported as failed: it touches no other.
///
/// # Errors
/// When the data cannot be read, or `watch` said no ([`RunError::Cancelled`]).
pub fn run_pass(
    spec: &SweepSpec,
    registry: &Registry,
    range: VariantRange,
    watch: &mut dyn FnMut(u64) -> bool,
) -> Result<PassBlock, RunError> {
    let (run, members, faults) = spec.run_spec(registry, range.iter());
    let mut rows: Vec<Option<Outcome>> = vec![None; range.len() as usize];
    let place = |variant: u64| (variant - range.start) as usize;
    for (variant, fault) in faults {
        rows[place(variant)] = Some(not_set_up(fault.what));
    }
    let mut work = PassWork::default();
    run_containers(&run, registry, &members, watch, &mut work, &mut |variant, outcome| {
        rows[place(variant)] = Some(outcome);
    })?;
    let variants = range.iter().zip(rows).filter_map(|(index, outcome)| {
        let outcome = outcome?;
        Some(Variant { index, outcome })
    });
    Ok(PassBlock { range, variants: variants.collect(), work })
}

fn not_set_up(reason: String) -> Outcome {
    Outcome::Failed { step: 0, ts_ns: 0, reason }
}

/// The plain way: every variant a container.
fn run_containers(
    run: &RunSpec,
    registry: &Registry,
    members: &[u64],
    watch: &mut dyn FnMut(u64) -> bool,
    work: &mut PassWork,
    tell: &mut dyn FnMut(u64, Outcome),
) -> Result<(), RunError> {
    let instruments = run.instruments.clone().into();
    let mut declared: Vec<(usize, Declared)> = Vec::with_capacity(members.len());
    for (index, container) in run.containers.iter().enumerate() {
        match declare(container, &instruments, registry) {
            Ok(one) => declared.push((index, one)),
            Err(faults) => {
                let reasons: Vec<_> = faults.into_iter().map(|fault| fault.what).collect();
                tell(members[index], not_set_up(reasons.join("; ")));
            }
        }
    }
    if declared.is_empty() {
        return Ok(());
    }
    let places: Vec<usize> = declared.iter().map(|(index, _)| *index).collect();
    let mut pass = Pass::of_declared(run, registry, declared, &|_| Box::new(NoRecorder), false)?;
    let mut containers: Vec<Option<Container>> =
        std::mem::take(&mut pass.containers).into_iter().map(|c| Some(c.digest_only())).collect();
    work.containers += containers.len() as u64;
    let mut frame = Frame::empty();
    let mut failed: Vec<(usize, Failure)> = Vec::new();
    let mut fed = 0;
    loop {
        match pass.next_frame(&mut frame)? {
            Merged::Frame => {
                work.rows += frame.rows() as u64;
                for (slot, index) in containers.iter_mut().zip(&places) {
                    fed += frame.rows() as u64;
                    if !watch(fed) {
                        return Err(RunError::Cancelled);
                    }
                    let Some(container) = slot else { continue };
                    if let Err(failure) = run_guarded(container, &frame) {
                        *slot = None;
                        failed.push((*index, failure));
                    }
                }
            }
            Merged::Pending => std::thread::yield_now(),
            Merged::End => break,
        }
    }
    work.hub = pass.hub.counters();
    for (container, index) in containers.into_iter().zip(&places) {
        let Some(container) = container else { continue };
        match finish_guarded(container) {
            Ended::Done(result, _) => {
                work.steps += result.statistics.steps;
                tell(members[*index], Outcome::Done(Box::new(evaluation(&result))));
            }
            Ended::Failed(failure) => failed.push((*index, failure)),
        }
    }
    failed.sort_by_key(|(index, _)| *index);
    for (index, failure) in failed {
        work.reruns += 1;
        tell(members[index], run_again(run, registry, index, failure, &mut || watch(fed), work)?);
    }
    Ok(())
}

/// Most reruns of one variant whose failures differ.
const RERUNS_MAX: u32 = 3;

fn run_again(
    run: &RunSpec,
    registry: &Registry,
    index: usize,
    first: Failure,
    go_on: &mut dyn FnMut() -> bool,
    work: &mut PassWork,
) -> Result<Outcome, RunError> {
    let mut last = first;
    for _ in 0..RERUNS_MAX {
        if !go_on() {
            return Err(RunError::Cancelled);
        }
        let (ended, hub) = rerun_alone(run, registry, index, &|_| Box::new(NoRecorder), &|| false)?;
        work.hub.recomputed += hub.recomputed;
        match ended {
            Ended::Done(result, _) => {
                work.steps += result.statistics.steps;
                return Ok(Outcome::Done(Box::new(evaluation(&result))));
            }
            Ended::Failed(failure) if failure.step == last.step => {
                let Failure { step, ts_ns, reason } = failure;
                return Ok(Outcome::Failed { step, ts_ns, reason });
            }
            Ended::Failed(failure) => last = failure,
        }
    }
    let Failure { step, ts_ns, reason } = last;
    Ok(Outcome::Failed { step, ts_ns, reason })
}

/// What a sweep keeps of an account's result.
pub(super) fn evaluation(result: &AccountResult) -> Evaluation {
    let mut statistics = result.statistics.clone();
    statistics.monthly_equity = Vec::new();
    Evaluation {
        digest: result.digest_bytes,
        final_equity: result.final_equity,
        fees: result.fees,
        orders: result.orders,
        fills: result.fills,
        trades: result.trades,
        statistics,
    }
}

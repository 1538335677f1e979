//! Running a pass of a sweep on the caller's thread: one read of the data, all its variants fed.

use std::{cell::RefCell, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Evaluation, Outcome, PassPart, PassWatch, SweepSpec, Variant, VariantRange, watch::GoesOn};
use crate::{
    container::Container,
    frame::Frame,
    instrument::Instrument,
    lanes::{LaneEnd, LaneGroup},
    layout::{Declared, Layout, declare},
    merge::Merged,
    outcome::{Ended, Failure, finish_guarded, rerun_alone, run_guarded},
    pass::{RunError, open_data},
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
/// variant counts), and while variants are set up or run again; where it answers no, the pass is given
/// up. A variant that fails is run again alone
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
    watch_pass(spec, registry, range, &mut GoesOn(watch))
}

/// The same as [`run_pass`] for whoever wants to know in which part it is, too.
///
/// # Errors
/// When the data cannot be read, or `watch` said no ([`RunError::Cancelled`]).
pub fn watch_pass(
    spec: &SweepSpec,
    registry: &Registry,
    range: VariantRange,
    watch: &mut dyn PassWatch,
) -> Result<PassBlock, RunError> {
    watch.enters(PassPart::SetUp);
    let mut is_wanted = true;
    let wanted = range.iter().take_while(|_| {
        is_wanted = watch.goes_on(0);
        is_wanted
    });
    let (run, members, faults) = spec.run_spec(registry, wanted);
    if !is_wanted {
        return Err(RunError::Cancelled);
    }
    let mut rows: Vec<Option<Outcome>> = vec![None; range.len() as usize];
    let place = |variant: u64| (variant - range.start) as usize;
    for (variant, fault) in faults {
        rows[place(variant)] = Some(not_set_up(fault.what));
    }
    let mut work = PassWork::default();
    run_variants(&run, registry, &members, watch, &mut work, &mut |variant, outcome| {
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

/// How one variant is stepped.
enum Way {
    Lane(usize),
    Container(Box<Container>),
    Failed(Failure),
}

/// Feeds all variants from one read of the data: as lanes where they can, else as containers.
fn run_variants(
    run: &RunSpec,
    registry: &Registry,
    members: &[u64],
    watch: &mut dyn PassWatch,
    work: &mut PassWork,
    tell: &mut dyn FnMut(u64, Outcome),
) -> Result<(), RunError> {
    let instruments: Arc<[Instrument]> = run.instruments.clone().into();
    let mut declared: Vec<(usize, Declared)> = Vec::with_capacity(members.len());
    for (index, container) in run.containers.iter().enumerate() {
        if !watch.goes_on(0) {
            return Err(RunError::Cancelled);
        }
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
    let layout = Layout::new(declared.iter().map(|(_, container)| container), registry);
    let (mut merge, mut hub) = open_data(run, registry, &layout, false)?;
    let mut lanes = LaneGroup::default();
    let mut ways: Vec<(usize, Way)> = Vec::with_capacity(declared.len());
    for (place, (index, declared)) in declared.into_iter().enumerate() {
        if !watch.goes_on(0) {
            return Err(RunError::Cancelled);
        }
        let spec = &run.containers[index];
        let simd = run.machinery.simd;
        let way = if run.machinery.lanes && lanes.add(spec, &instruments, &declared, &layout, place, simd) {
            Way::Lane(lanes.len() - 1)
        } else {
            let spec = Arc::new(spec.clone());
            let recorder = Box::new(NoRecorder);
            let container =
                Container::new(spec, Arc::clone(&instruments), declared, &layout, place, recorder);
            Way::Container(Box::new(container.digest_only()))
        };
        ways.push((index, way));
    }
    work.lanes = lanes.len() as u64;
    work.containers = (ways.len() - lanes.len()) as u64;
    let mut frame = Frame::empty();
    let mut fed = 0;
    loop {
        watch.enters(PassPart::Data);
        let merged = merge.next_frame(&mut frame)?;
        match merged {
            Merged::Frame => {
                watch.enters(PassPart::Indicators);
                hub.compute(&mut frame);
                watch.enters(PassPart::Variants);
                let rows = frame.rows() as u64;
                work.rows += rows;
                for (_, way) in &mut ways {
                    fed += rows;
                    if !watch.goes_on(fed) {
                        return Err(RunError::Cancelled);
                    }
                    match way {
                        Way::Lane(lane) => lanes.run_frame(*lane, &frame),
                        Way::Container(container) => {
                            if let Err(failure) = run_guarded(container, &frame) {
                                *way = Way::Failed(failure);
                            }
                        }
                        Way::Failed(_) => {}
                    }
                }
            }
            Merged::Pending => std::thread::yield_now(),
            Merged::End => break,
        }
    }
    watch.enters(PassPart::End);
    work.hub = hub.counters();
    let mut lane_ends = lanes.finish();
    for (index, way) in ways {
        if !watch.goes_on(fed) {
            return Err(RunError::Cancelled);
        }
        let failure = match way {
            Way::Lane(_) => match lane_ends.next() {
                Some(LaneEnd::Done(done)) => {
                    work.steps += done.statistics.steps;
                    tell(members[index], Outcome::Done(done));
                    continue;
                }
                // What a lane cannot do, a container can.
                _ => {
                    work.lanes -= 1;
                    work.containers += 1;
                    None
                }
            },
            Way::Container(container) => match finish_guarded(*container) {
                Ended::Done(result, _) => {
                    work.steps += result.statistics.steps;
                    tell(members[index], Outcome::Done(Box::new(evaluation(&result))));
                    continue;
                }
                Ended::Failed(failure) => Some(failure),
            },
            Way::Failed(failure) => Some(failure),
        };
        work.reruns += 1;
        tell(members[index], run_again(run, registry, index, failure, &mut || watch.goes_on(fed), work)?);
    }
    Ok(())
}

/// Most reruns of one variant whose failures differ.
const RERUNS_MAX: u32 = 3;

fn run_again(
    run: &RunSpec,
    registry: &Registry,
    index: usize,
    first: Option<Failure>,
    go_on: &mut dyn FnMut() -> bool,
    work: &mut PassWork,
) -> Result<Outcome, RunError> {
    let mut last = first;
    // Asked from within the run, where only a shared borrow gets.
    let go_on = RefCell::new(go_on);
    let cancelled = || !(*go_on.borrow_mut())();
    for _ in 0..=RERUNS_MAX {
        if cancelled() {
            return Err(RunError::Cancelled);
        }
        let (ended, hub) = rerun_alone(run, registry, index, &|_| Box::new(NoRecorder), &cancelled)?;
        work.hub.recomputed += hub.recomputed;
        match ended {
            Ended::Done(result, _) => {
                work.steps += result.statistics.steps;
                return Ok(Outcome::Done(Box::new(evaluation(&result))));
            }
            Ended::Failed(failure) => {
                let is_same = last.as_ref().is_some_and(|last| last.step == failure.step);
                last = Some(failure);
                if is_same {
                    break;
                }
            }
        }
    }
    let Failure { step, ts_ns, reason } = last.unwrap_or_else(|| unreachable!("it was run"));
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

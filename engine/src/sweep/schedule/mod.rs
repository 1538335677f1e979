//! Which variants run next, and what becomes of those whose worker failed: the state of a sweep, pure.
//!
//! Workers take chunks, a pass at a time; one that finds nothing left takes half of what another has
//! not begun. A pass whose worker failed is tried once more, then halved until the one variant that
//! does it stands alone.

use std::collections::{BTreeMap, VecDeque};

mod pace;
#[cfg(test)]
mod tests;

use pace::Pace;
use serde::{Deserialize, Serialize};

use super::{SweepSpec, VariantRange, VariantSet};

/// Variants that are run first, to learn how long one takes.
pub const SAMPLES: u64 = 10;

/// A pass of so long is not worth cutting for the sake of an even end.
const SHORT_PASS_NS: u64 = 100_000_000;
/// Nothing is cut finer than so much of a short pass.
const CRUMBS: u64 = 8;
/// A pass is worth what it takes in any case if it takes so many times that in all.
const PASS_WORTH: u64 = 8;

/// How a sweep is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOptions {
    /// Workers that take chunks.
    pub workers: usize,
    /// Variants per chunk, where somebody decided.
    pub chunk: Option<u64>,
    /// Most variants per pass.
    pub batch: u64,
}

/// Variants per chunk: the more, the quicker one is done.
///
/// `base = max(1, total / (4 x workers))`; below 50 ms each, twice that and at least 100; above 500 ms,
/// half and at least 10. Never more than a worker's share.
pub fn chunk_len(total: u64, workers: usize, variant_ns: u64) -> u64 {
    let workers = workers.max(1) as u64;
    let base = (total / (workers * 4)).max(1);
    let len = match variant_ns {
        0..50_000_000 => (base * 2).max(100),
        50_000_000..=500_000_000 => base,
        _ => (base / 2).max(10),
    };
    len.min(total.div_ceil(workers).max(1))
}

/// A pass that a worker has in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its number: every lease has another, so that what comes late is known.
    pub id: u64,
    /// Which variants.
    pub range: VariantRange,
    /// How often their worker has failed so far.
    pub failures: u32,
}

/// How long a pass took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassTime {
    /// From its start to its end, without what it was held, in nanoseconds.
    pub elapsed_ns: u64,
    /// Of that, what was done for all variants at once: rows read, columns computed.
    pub shared_ns: u64,
}

/// What follows from a worker's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The lease is not in force any more: nothing follows.
    Stale,
    /// Its variants will be run again.
    Again,
    /// The pass failed twice; its halves will be run apart.
    Halved,
    /// This variant alone makes its worker fail: it is given up.
    GivenUp(u64),
}

/// The state of a sweep.
#[derive(Debug)]
pub struct Schedule {
    options: CutOptions,
    /// Borders at which passes are best cut: (first variant, variants that share columns).
    borders: Vec<(u64, u64)>,
    total: u64,
    /// Nobody's yet.
    left: VecDeque<VariantRange>,
    /// To be run again, before anything else: they have waited.
    again: VecDeque<(VariantRange, u32)>,
    /// What each worker has taken and not begun.
    chunks: BTreeMap<usize, VariantRange>,
    /// Who has them in hand, and since when.
    leases: BTreeMap<u64, (usize, Lease, u64)>,
    next_lease: u64,
    chunk: Option<u64>,
    sampling: Sampling,
    done: u64,
    given_up: u64,
    pace: Pace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sampling {
    Wanted,
    Running(u64),
    Done,
}

impl Schedule {
    /// A schedule for `selected` variants of `spec`, of which those in `done` need no run.
    pub fn new(spec: &SweepSpec, selected: &VariantSet, done: &VariantSet, options: CutOptions) -> Self {
        let left = selected.without(done);
        let mut start = 0;
        let borders = spec.definitions.iter().flat_map(|definition| {
            let lists = definition.instruments.len() as u64 * definition.timeframes.len() as u64;
            let (points, block) = (definition.grid.len(), definition.grid.block());
            (0..lists)
                .map(|_| {
                    start += points;
                    (start - points, block)
                })
                .collect::<Vec<_>>()
        });
        Self {
            borders: borders.collect(),
            total: left.len(),
            left: left.ranges().iter().copied().collect(),
            again: VecDeque::new(),
            chunks: BTreeMap::new(),
            leases: BTreeMap::new(),
            next_lease: 0,
            chunk: options.chunk,
            sampling: if options.chunk.is_some() { Sampling::Done } else { Sampling::Wanted },
            options,
            done: 0,
            given_up: 0,
            pace: Pace::default(),
        }
    }

    /// Variants to be run in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Variants that have results, or were given up.
    pub fn finished(&self) -> u64 {
        self.done + self.given_up
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.finished() == self.total
    }

    /// Variants per chunk, once it is known.
    pub fn chunk(&self) -> Option<u64> {
        self.chunk
    }

    /// The next pass for a worker that has none, at `now_ns` of any clock that does not go back; `None`
    /// while others hold all that is left.
    pub fn next(&mut self, worker: usize, now_ns: u64) -> Option<Lease> {
        if let Some((range, failures)) = self.again.pop_front() {
            return Some(self.lease(worker, range, failures, now_ns));
        }
        if self.sampling == Sampling::Wanted {
            let range = self.take_left(SAMPLES.min(self.options.batch.max(1)))?;
            let lease = self.lease(worker, range, 0, now_ns);
            self.sampling = Sampling::Running(lease.id);
            return Some(lease);
        }
        // Until the samples are in, other workers take small chunks.
        let chunk = self.chunk.unwrap_or(SAMPLES).max(1);
        let mut range = match self.chunks.remove(&worker) {
            Some(range) => range,
            None => match self.take_left(chunk) {
                Some(range) => range,
                None => self.steal()?,
            },
        };
        let (pass, rest) = range.split_at(self.pass_len(range, now_ns));
        range = rest;
        if !range.is_empty() {
            self.chunks.insert(worker, range);
        }
        Some(self.lease(worker, pass, 0, now_ns))
    }

    /// A pass is done. Answers no when the lease is not in force any more: its results must then not
    /// be used.
    #[must_use]
    pub fn complete(&mut self, lease: u64, time: PassTime) -> bool {
        let Some((_, lease, _)) = self.leases.remove(&lease) else { return false };
        if self.sampling == Sampling::Running(lease.id) {
            self.sampling = Sampling::Done;
            let variant_ns = time.elapsed_ns / lease.range.len().max(1);
            self.chunk = Some(chunk_len(self.total, self.options.workers, variant_ns));
        }
        self.done += lease.range.len();
        self.pace.learn(lease.range.len(), time);
        true
    }

    /// The worker that held a lease has failed. What else it had taken goes back to all.
    pub fn fail(&mut self, lease: u64) -> Verdict {
        let Some((worker, lease, _)) = self.leases.remove(&lease) else { return Verdict::Stale };
        self.release(worker);
        if self.sampling == Sampling::Running(lease.id) {
            self.sampling = Sampling::Done;
            self.chunk = Some(chunk_len(self.total, self.options.workers, 0));
        }
        let failures = lease.failures + 1;
        if failures < 2 {
            self.again.push_back((lease.range, failures));
            return Verdict::Again;
        }
        if lease.range.len() == 1 {
            self.given_up += 1;
            return Verdict::GivenUp(lease.range.start);
        }
        let (first, second) = lease.range.split_at(lease.range.len() / 2);
        // A half that fails once has failed twice with its other half: it is halved at once.
        self.again.push_front((second, 1));
        self.again.push_front((first, 1));
        Verdict::Halved
    }

    /// A worker leaves with nothing in hand: what it had taken goes back to all.
    pub fn release(&mut self, worker: usize) {
        if let Some(range) = self.chunks.remove(&worker) {
            self.left.push_front(range);
        }
    }

    fn lease(&mut self, worker: usize, range: VariantRange, failures: u32, now_ns: u64) -> Lease {
        let lease = Lease { id: self.next_lease, range, failures };
        self.next_lease += 1;
        self.leases.insert(lease.id, (worker, lease, now_ns));
        lease
    }

    fn take_left(&mut self, most: u64) -> Option<VariantRange> {
        let range = self.left.pop_front()?;
        let (taken, rest) = range.split_at(most);
        if !rest.is_empty() {
            self.left.push_front(rest);
        }
        Some(taken)
    }

    /// The second half of the longest chunk that nobody has begun.
    fn steal(&mut self) -> Option<VariantRange> {
        let (victim, range) = self.chunks.iter().max_by_key(|(_, range)| range.len())?;
        let (victim, range) = (*victim, *range);
        let (kept, stolen) = range.split_at(range.len() / 2);
        if kept.is_empty() {
            self.chunks.remove(&victim);
        } else {
            self.chunks.insert(victim, kept);
        }
        Some(stolen)
    }

    /// How much of a chunk the next pass takes: up to a border behind which other columns are read,
    /// and less towards the end, so that no worker waits long for the last one.
    fn pass_len(&self, chunk: VariantRange, now_ns: u64) -> u64 {
        let waiting: u64 = self.left.iter().map(VariantRange::len).sum();
        let held: u64 = self.chunks.values().map(VariantRange::len).sum();
        let workers = self.options.workers.max(1) as u64;
        let left = waiting + held + chunk.len();
        let fair = if workers == 1 {
            u64::MAX
        } else {
            // An even share; a quarter of it where that takes long enough for a worker to wait for, as the
            // first quarter may take as long as all the others; no crumbs.
            let short = self.pace.len_of(SHORT_PASS_NS);
            let fine = left.div_ceil(4 * workers).max(short).min(left.div_ceil(workers)).max(short / CRUMBS);
            // Cutting finer costs what every pass takes whatever it holds: not before all who are at work
            // can end at the same time.
            let worth = self.pace.len_of(self.pace.shared_ns().saturating_mul(PASS_WORTH)).min(left);
            fine.max(worth.min(self.share(left, now_ns))).max(1)
        };
        let mut most = fair.min(chunk.len());
        // A rest that takes less than its pass would goes along.
        if chunk.len() - most <= self.pace.len_of(self.pace.shared_ns() / 2) {
            most = chunk.len();
        }
        let most = most.min(self.options.batch.max(1));
        let end = chunk.start + most;
        if end == chunk.end {
            return most;
        }
        let at = self.borders.partition_point(|(first, _)| *first <= end);
        let Some((first, block)) = at.checked_sub(1).map(|at| self.borders[at]) else { return most };
        let border = first + (end - first) / block.max(1) * block.max(1);
        if border > chunk.start && border - chunk.start >= most / 2 { border - chunk.start } else { most }
    }

    /// How much of what is left a worker takes that begins now, if it is to end when the others do.
    fn share(&self, left: u64, now_ns: u64) -> u64 {
        let mut ends: Vec<u64> = self
            .leases
            .values()
            .map(|(_, lease, since_ns)| since_ns.saturating_add(self.pace.pass_ns(lease.range.len())))
            .map(|end_ns| end_ns.saturating_sub(now_ns))
            .collect();
        // Who has nothing in hand begins now, too.
        ends.resize(self.options.workers.max(ends.len() + 1), 0);
        self.pace.share(left, &mut ends)
    }
}

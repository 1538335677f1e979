//! Which variants run next, and what becomes of those whose worker failed: the state of a sweep, pure.
//!
//! Workers take chunks, a pass at a time; one that finds nothing left takes half of what another has
//! not begun. A pass whose worker failed is tried once more, then halved until the one variant that
//! does it stands alone.

use std::collections::{BTreeMap, VecDeque};

use super::{SweepSpec, VariantRange, VariantSet};

/// Variants that are run first, to learn how long one takes.
pub const SAMPLES: u64 = 10;

/// A pass of so long is not worth cutting for the sake of an even end.
const SHORT_PASS_NS: u64 = 100_000_000;
/// Nothing is cut finer than so much of a short pass.
const CRUMBS: u64 = 8;

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
    leases: BTreeMap<u64, (usize, Lease)>,
    next_lease: u64,
    chunk: Option<u64>,
    sampling: Sampling,
    done: u64,
    given_up: u64,
    /// Variants that were timed, and how long they took together.
    measured: u64,
    elapsed_ns: u64,
    /// How long a variant of the latest pass took.
    latest_ns: u64,
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
            measured: 0,
            elapsed_ns: 0,
            latest_ns: 0,
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

    /// The next pass for a worker; `None` while others hold all that is left.
    pub fn next(&mut self, worker: usize) -> Option<Lease> {
        if let Some((range, failures)) = self.again.pop_front() {
            return Some(self.lease(worker, range, failures));
        }
        if self.sampling == Sampling::Wanted {
            let range = self.take_left(SAMPLES.min(self.options.batch.max(1)))?;
            let lease = self.lease(worker, range, 0);
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
        let (pass, rest) = range.split_at(self.pass_len(range));
        range = rest;
        if !range.is_empty() {
            self.chunks.insert(worker, range);
        }
        Some(self.lease(worker, pass, 0))
    }

    /// A pass is done. Answers no when the lease is not in force any more: its results must then not
    /// be used.
    #[must_use]
    pub fn complete(&mut self, lease: u64, elapsed_ns: u64) -> bool {
        let Some((_, lease)) = self.leases.remove(&lease) else { return false };
        if self.sampling == Sampling::Running(lease.id) {
            self.sampling = Sampling::Done;
            let variant_ns = elapsed_ns / lease.range.len().max(1);
            self.chunk = Some(chunk_len(self.total, self.options.workers, variant_ns));
        }
        self.done += lease.range.len();
        self.measured += lease.range.len();
        self.elapsed_ns = self.elapsed_ns.saturating_add(elapsed_ns);
        self.latest_ns = elapsed_ns / lease.range.len().max(1);
        true
    }

    /// The worker that held a lease has failed. What else it had taken goes back to all.
    pub fn fail(&mut self, lease: u64) -> Verdict {
        let Some((worker, lease)) = self.leases.remove(&lease) else { return Verdict::Stale };
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

    fn lease(&mut self, worker: usize, range: VariantRange, failures: u32) -> Lease {
        let lease = Lease { id: self.next_lease, range, failures };
        self.next_lease += 1;
        self.leases.insert(lease.id, (worker, lease));
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

    /// Variants that take no longer than [`SHORT_PASS_NS`] together, as far as that is known: where they
    /// take longer and longer, the latest know more than all of them.
    fn short_pass(&self) -> u64 {
        let variant_ns = (self.elapsed_ns / self.measured.max(1)).max(self.latest_ns);
        if self.measured == 0 { u64::MAX } else { SHORT_PASS_NS / variant_ns.max(1) }
    }

    /// How much of a chunk the next pass takes: up to a border behind which other columns are read,
    /// and less towards the end, so that no worker waits long for the last one.
    fn pass_len(&self, chunk: VariantRange) -> u64 {
        let waiting: u64 = self.left.iter().map(VariantRange::len).sum();
        let held: u64 = self.chunks.values().map(VariantRange::len).sum();
        let workers = self.options.workers.max(1) as u64;
        let left = waiting + held + chunk.len();
        let fair = if workers == 1 {
            u64::MAX
        } else {
            // An even share; a quarter of it where that takes long enough for a worker to wait for, as the
            // first quarter may take as long as all the others; no crumbs. Cutting finer costs columns
            // that are computed once a pass.
            let short = self.short_pass();
            left.div_ceil(4 * workers).max(short).min(left.div_ceil(workers)).max(short / CRUMBS).max(1)
        };
        let most = self.options.batch.max(1).min(chunk.len()).min(fair);
        let end = chunk.start + most;
        if end == chunk.end {
            return most;
        }
        let at = self.borders.partition_point(|(first, _)| *first <= end);
        let Some((first, block)) = at.checked_sub(1).map(|at| self.borders[at]) else { return most };
        let border = first + (end - first) / block.max(1) * block.max(1);
        if border > chunk.start && border - chunk.start >= most / 2 { border - chunk.start } else { most }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::sweep::tests::spec_of;

    fn all(len: u64) -> VariantSet {
        VariantSet::from(VariantRange { start: 0, end: len })
    }

    #[test]
    fn chunks_follow_the_measured_duration() {
        const MS: u64 = 1_000_000;
        // total / (workers x 4) = 250.
        assert_eq!(chunk_len(2_000, 2, MS), 500);
        assert_eq!(chunk_len(2_000, 2, 50 * MS), 250);
        assert_eq!(chunk_len(2_000, 2, 500 * MS), 250);
        assert_eq!(chunk_len(2_000, 2, 501 * MS), 125);
        assert_eq!(chunk_len(80, 2, MS), 40);
        assert_eq!(chunk_len(30, 8, 900 * MS), 4);
        assert_eq!(chunk_len(1_000, 8, MS), 100);
        assert_eq!(chunk_len(0, 0, 0), 1);
    }

    #[test]
    fn passes_end_where_the_columns_change() {
        let spec = spec_of(&[4, 30]);
        let options = CutOptions { workers: 1, chunk: Some(120), batch: 70 };
        let mut schedule = Schedule::new(&spec, &all(120), &VariantSet::new(), options);
        let mut lens = Vec::new();
        while let Some(lease) = schedule.next(0) {
            lens.push(lease.range.len());
            assert!(schedule.complete(lease.id, 1));
        }
        assert_eq!(lens, [60, 60]);
        assert!(schedule.is_done());
    }

    #[test]
    fn passes_shrink_towards_the_end_where_variants_take_long() {
        let lens = |variant_ns: u64| {
            let options = CutOptions { workers: 2, chunk: Some(50), batch: 50 };
            let mut schedule = Schedule::new(&spec_of(&[200]), &all(200), &VariantSet::new(), options);
            let mut lens = Vec::new();
            let mut worker = 0;
            while let Some(lease) = schedule.next(worker) {
                lens.push(lease.range.len());
                assert!(schedule.complete(lease.id, variant_ns * lease.range.len()));
                worker = 1 - worker;
            }
            lens
        };
        assert_eq!(lens(1_000), [50, 50, 50, 50]);
        // An eighth of 100 ms is 12 variants of a millisecond.
        assert_eq!(lens(1_000_000), [50, 50, 50, 25, 13, 12]);
        let slow = lens(1_000_000_000);
        assert!(slow.len() > 8 && slow.last() == Some(&1), "{slow:?}");
        assert!(slow[slow.len() / 2..].iter().all(|len| *len <= 9), "{slow:?}");
    }

    /// What workers wait at the end, as a part of all their time, for variants that take so long each.
    fn idle(variants_ns: &[u64], workers: usize) -> f64 {
        let len = variants_ns.len();
        let options = CutOptions { workers, chunk: None, batch: 1_024 };
        let mut schedule = Schedule::new(&spec_of(&[len]), &all(len as u64), &VariantSet::new(), options);
        // When each worker has done what it has in hand.
        let mut hands: Vec<Option<(u64, Lease)>> = vec![None; workers];
        let mut ends = vec![0; workers];
        let mut now = 0;
        while !schedule.is_done() {
            for (worker, hand) in hands.iter_mut().enumerate().filter(|(_, hand)| hand.is_none()) {
                *hand = schedule.next(worker).map(|lease| {
                    let takes: u64 = lease.range.iter().map(|variant| variants_ns[variant as usize]).sum();
                    (now + takes, lease)
                });
            }
            let busy = hands.iter().enumerate().filter_map(|(worker, hand)| hand.map(|hand| (hand, worker)));
            let ((end, lease), worker) = busy.min_by_key(|((end, _), _)| *end).unwrap();
            let takes: u64 = lease.range.iter().map(|variant| variants_ns[variant as usize]).sum();
            assert!(schedule.complete(lease.id, takes));
            (now, ends[worker], hands[worker]) = (end, end, None);
        }
        ends.iter().map(|end| now - end).sum::<u64>() as f64 / (workers as u64 * now) as f64
    }

    #[test]
    fn uneven_variants_leave_no_worker_waiting_whatever_their_order() {
        const MS: u64 = 1_000_000;
        let drawn = |variant: u64| (MS as f64 / 10.0 * 200f64.powf(variant as f64 / 1_000.0)) as u64;
        let rising: Vec<u64> = (0..1_000).map(drawn).collect();
        let falling: Vec<u64> = rising.iter().rev().copied().collect();
        let shuffled: Vec<u64> = (0..1_000).map(|variant| drawn(variant * 7_919 % 1_000)).collect();
        let steps: Vec<u64> = (0..1_000).map(|variant| MS * [60, 12, 1][variant / 334]).collect();
        let steps_up: Vec<u64> = steps.iter().rev().copied().collect();
        for (name, variants_ns) in [
            ("rising", rising),
            ("falling", falling),
            ("shuffled", shuffled),
            ("steps", steps),
            ("steps up", steps_up),
            ("even", vec![5 * MS; 1_000]),
        ] {
            let waited = idle(&variants_ns, 2);
            assert!(waited < 0.02, "{name}: {waited}");
        }
    }

    #[test]
    fn a_late_result_of_a_failed_worker_is_not_used() {
        let spec = spec_of(&[4]);
        let options = CutOptions { workers: 2, chunk: Some(4), batch: 4 };
        let mut schedule = Schedule::new(&spec, &all(4), &VariantSet::new(), options);
        let first = schedule.next(0).unwrap();
        assert_eq!(schedule.fail(first.id), Verdict::Again);
        let second = schedule.next(1).unwrap();
        assert!(!schedule.complete(first.id, 1));
        assert!(schedule.complete(second.id, 1));
        assert_eq!(schedule.fail(second.id), Verdict::Stale);
    }

    proptest! {
        /// Workers that fail on poisoned variants, and now and then for no reason of the variants'.
        #[test]
        fn every_variant_is_run_once_and_only_the_poisoned_are_given_up(
            len in 1u64..300,
            workers in 1usize..5,
            chunk in proptest::option::of(1u64..80),
            batch in 1u64..60,
            poisoned in proptest::collection::btree_set(0u64..300, 0..4),
            moves in proptest::collection::vec((any::<proptest::sample::Index>(), 0u8..20), 1..4_000),
        ) {
            let spec = spec_of(&[len as usize]);
            let options = CutOptions { workers, chunk, batch };
            let mut schedule = Schedule::new(&spec, &all(len), &VariantSet::new(), options);
            let poisoned: BTreeSet<u64> = poisoned.into_iter().filter(|variant| *variant < len).collect();
            let mut hands: Vec<Option<Lease>> = vec![None; workers];
            let (mut seen, mut given_up, mut strays) = (BTreeSet::new(), BTreeSet::new(), 0);
            let mut moves = moves.into_iter().cycle();
            let mut turns = 0;
            while !schedule.is_done() {
                turns += 1;
                prop_assert!(turns < 100_000, "no end");
                let (worker, luck) = moves.next().unwrap();
                let worker = worker.index(workers);
                match hands[worker].take() {
                    None => hands[worker] = schedule.next(worker),
                    Some(lease) if lease.range.iter().any(|variant| poisoned.contains(&variant)) => {
                        match schedule.fail(lease.id) {
                            Verdict::GivenUp(variant) => prop_assert!(given_up.insert(variant)),
                            Verdict::Stale => prop_assert!(false, "in force"),
                            _ => {}
                        }
                    }
                    // A stray failure is forgiven once for a pass.
                    Some(lease) if luck == 0 && strays < 5 && lease.failures == 0 => {
                        strays += 1;
                        prop_assert_eq!(schedule.fail(lease.id), Verdict::Again);
                    }
                    Some(lease) => {
                        prop_assert!(schedule.complete(lease.id, 1_000));
                        for variant in lease.range.iter() {
                            prop_assert!(seen.insert(variant), "twice");
                        }
                    }
                }
            }
            prop_assert_eq!(&given_up, &poisoned);
            prop_assert_eq!(seen.len() as u64 + given_up.len() as u64, len);
            prop_assert!(hands.iter().all(Option::is_none));
        }
    }
}

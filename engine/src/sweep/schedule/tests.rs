use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::sweep::tests::spec_of;

/// All of it for variants.
fn time(elapsed_ns: u64) -> PassTime {
    PassTime { elapsed_ns, shared_ns: 0 }
}

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
    while let Some(lease) = schedule.next(0, 0) {
        lens.push(lease.range.len());
        assert!(schedule.complete(lease.id, time(1)));
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
        while let Some(lease) = schedule.next(worker, 0) {
            lens.push(lease.range.len());
            assert!(schedule.complete(lease.id, time(variant_ns * lease.range.len())));
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

/// A sweep of variants that take so long each, and passes that take `pass_ns` besides: how long it takes,
/// and what workers wait at the end, as a part of all their time.
fn sweep(variants_ns: &[u64], pass_ns: u64, workers: usize) -> (u64, f64) {
    let len = variants_ns.len();
    let options = CutOptions { workers, chunk: None, batch: 1_024 };
    let mut schedule = Schedule::new(&spec_of(&[len]), &all(len as u64), &VariantSet::new(), options);
    let took = |lease: &Lease| {
        pass_ns + lease.range.iter().map(|variant| variants_ns[variant as usize]).sum::<u64>()
    };
    // When each worker has done what it has in hand.
    let mut hands: Vec<Option<(u64, Lease)>> = vec![None; workers];
    let mut ends = vec![0; workers];
    let mut now = 0;
    while !schedule.is_done() {
        for (worker, hand) in hands.iter_mut().enumerate().filter(|(_, hand)| hand.is_none()) {
            *hand = schedule.next(worker, now).map(|lease| (now + took(&lease), lease));
        }
        let busy = hands.iter().enumerate().filter_map(|(worker, hand)| hand.map(|hand| (hand, worker)));
        let ((end, lease), worker) = busy.min_by_key(|((end, _), _)| *end).unwrap();
        assert!(schedule.complete(lease.id, PassTime { elapsed_ns: took(&lease), shared_ns: pass_ns }));
        (now, ends[worker], hands[worker]) = (end, end, None);
    }
    (now, ends.iter().map(|end| now - end).sum::<u64>() as f64 / (workers as u64 * now) as f64)
}

#[test]
fn a_second_worker_is_worth_nearly_one_though_every_pass_costs_something() {
    // Passes that cost as much as 130 variants.
    let (pass_ns, variant_ns) = (16_000_000, 125_000);
    for (variants, worth) in [(1_000, 1.5), (10_000, 1.93), (100_000, 1.98)] {
        let variants_ns = vec![variant_ns; variants];
        let [one, two] = [1, 2].map(|workers| sweep(&variants_ns, pass_ns, workers).0 as f64);
        assert!(one / two > worth, "{variants}: {}", one / two);
    }
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
        let (_, waited) = sweep(&variants_ns, 0, 2);
        assert!(waited < 0.02, "{name}: {waited}");
        let (_, waited) = sweep(&variants_ns, 5 * MS, 2);
        assert!(waited < 0.03, "{name}, with passes that cost something: {waited}");
    }
}

#[test]
fn a_late_result_of_a_failed_worker_is_not_used() {
    let spec = spec_of(&[4]);
    let options = CutOptions { workers: 2, chunk: Some(4), batch: 4 };
    let mut schedule = Schedule::new(&spec, &all(4), &VariantSet::new(), options);
    let first = schedule.next(0, 0).unwrap();
    assert_eq!(schedule.fail(first.id), Verdict::Again);
    let second = schedule.next(1, 0).unwrap();
    assert!(!schedule.complete(first.id, time(1)));
    assert!(schedule.complete(second.id, time(1)));
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
        let mut turns = 0u64;
        while !schedule.is_done() {
            turns += 1;
            prop_assert!(turns < 100_000, "no end");
            let (worker, luck) = moves.next().unwrap();
            let worker = worker.index(workers);
            match hands[worker].take() {
                None => hands[worker] = schedule.next(worker, turns),
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
                    prop_assert!(schedule.complete(lease.id, time(1_000)));
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

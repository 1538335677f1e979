//! A frame taken in slices, wherever they are cut, gives what the whole frame gives.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use barhive_engine::{
    data::Bar,
    frame::{Frame, Order},
    merge::Merged,
    outcome::{Ended, Failure, finish_guarded, run_guarded, run_slice_guarded},
    pass::Pass,
    record::{Recorder, Records},
    recorder::MemoryRecorder,
    result::{AccountResult, Statistics},
    set::{ContainerSpec, MarketFill, RunSpec},
    strategy::{Bars, Context},
    time::NS_PER_MINUTE,
};
use proptest::prelude::*;

use crate::{
    kit::{account, minutes, one, registry, scripted, set, strategy},
    random::{Looks, markets, source, traded},
};

/// What came of the only account, to the bit, or how it failed; and what it had recorded by then.
type Came = (Result<(String, Statistics), Failure>, Records);

fn bits(account: &AccountResult) -> (String, Statistics) {
    (account.hash.clone(), account.statistics.clone())
}

/// Runs the only account of a set; each slice may do as much work as `work_max` says, `None` for whole
/// frames.
fn came_of(spec: &RunSpec, mut work_max: impl FnMut() -> Option<usize>) -> Came {
    let kept = MemoryRecorder::full();
    let recorder = |_: &ContainerSpec| Box::new(kept.clone()) as Box<dyn Recorder>;
    let mut pass = Pass::open(spec, &registry(), &[0], &recorder, false).unwrap();
    let mut container = pass.containers.remove(0);
    let mut frame = Frame::empty();
    while pass.next_frame(&mut frame).unwrap() == Merged::Frame {
        loop {
            let went = match work_max() {
                None => run_guarded(&mut container, &frame).map(|()| true),
                Some(work) => run_slice_guarded(&mut container, &frame, work).map(|slice| slice.is_done),
            };
            match went {
                Ok(true) => break,
                Ok(false) => {}
                Err(failure) => return (Err(failure), kept.take()),
            }
        }
    }
    match finish_guarded(container) {
        Ended::Done(result, _) => (Ok(bits(&result)), kept.take()),
        Ended::Failed(failure) => (Err(failure), kept.take()),
    }
}

/// Work of a slice, from a single step to a whole frame.
fn works() -> impl proptest::strategy::Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![Just(0), 1usize..12, 1usize..200, Just(usize::MAX)], 1..20)
}

fn earlier(bar: &Bar, minutes: i64) -> Bar {
    let by = minutes * NS_PER_MINUTE;
    Bar { ts_open_ns: bar.ts_open_ns - by, ts_close_ns: bar.ts_close_ns - by, ..*bar }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slices_give_what_whole_frames_give(
        markets in markets(), seed in any::<u32>(), at_close in any::<bool>(), spanned in any::<bool>(),
        bounded in any::<bool>(), close_at_end in any::<bool>(), batch_rows in 1usize..400,
        fails_at in prop::option::of(1usize..120), works in works(), minutes_of_day_before in 0i64..300,
    ) {
        // Where days begin must not depend on the cuts either.
        let markets: Vec<Vec<Bar>> = markets
            .iter()
            .map(|bars| bars.iter().map(|bar| earlier(bar, minutes_of_day_before)).collect())
            .collect();
        for looks in [Looks::Alone, Looks::Everywhere] {
            let instruments = if looks == Looks::Alone { 1 } else { markets.len() };
            let mut account = traded("a", u64::from(seed), instruments, looks);
            if let Some(at) = fails_at {
                let ids: Vec<u32> = (0..instruments as u32).collect();
                let fails = scripted(move |_: &mut Context<'_>, _: Bars, bar| assert!(bar < at, "bar {bar}"));
                account.strategies.push(strategy("fails", fails, &ids));
            }
            account.fill.market = if at_close { MarketFill::DecidingClose } else { MarketFill::NextOpen };
            account.fill.close_at_end = close_at_end;
            account.drawdown_max = bounded.then_some(0.05);
            if spanned {
                let bars = &markets[0];
                account.from_ns = Some(bars[bars.len() / 4].ts_close_ns);
                account.to_ns = Some(bars[bars.len() / 4 * 3].ts_close_ns);
            }
            let mut spec = set(source(&markets), vec![account]);
            spec.machinery.batch_rows = batch_rows;
            let mut cuts = works.iter().copied().cycle();
            prop_assert_eq!(came_of(&spec, || cuts.next()), came_of(&spec, || None));
        }
    }
}

#[test]
fn a_slice_does_the_work_that_it_may_and_a_step_at_least() {
    let calls = Arc::new(AtomicUsize::new(0));
    let prices: Vec<_> = (0..100).map(|minute| f64::from(10 + minute % 5)).map(|p| (p, p, p, p)).collect();
    let counted = |calls: &Arc<AtomicUsize>| {
        let calls = Arc::clone(calls);
        scripted(move |_: &mut Context<'_>, _: Bars, _| _ = calls.fetch_add(1, Relaxed))
    };
    // Three strategies on one series: four units of work a row.
    let three = (0..3).map(|n| strategy(&format!("s{n}"), counted(&calls), &[0])).collect();
    let spec = set(one(minutes(&prices)), vec![account("a", three)]);
    let recorder = |_: &ContainerSpec| Box::new(MemoryRecorder::full()) as Box<dyn Recorder>;
    let mut pass = Pass::open(&spec, &registry(), &[0], &recorder, false).unwrap();
    let (mut container, mut frame) = (pass.containers.remove(0), Frame::empty());
    assert_eq!(pass.next_frame(&mut frame).unwrap(), Merged::Frame);
    assert!(matches!(frame.groups[0].order, Order::Single { .. }));
    let mut rows_seen = 0;
    for (work_max, rows) in [(0, 1), (1, 1), (4, 1), (5, 2), (40, 10), (380, 85)] {
        let slice = run_slice_guarded(&mut container, &frame, work_max).unwrap();
        rows_seen += rows;
        assert_eq!((slice.work, slice.is_done), (4 * rows, rows_seen == 100), "{work_max}");
        assert_eq!((calls.load(Relaxed), container.steps()), (3 * rows_seen, rows_seen as u64));
    }
}

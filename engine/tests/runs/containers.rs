//! Accounts that fail: restarted alone, or left out by name, and never felt by the others.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use barhive_engine::{
    data::MemorySource,
    instrument::Instrument,
    money::Money,
    order::OrderRequest,
    registry::{StrategyFactory, factory},
    set::{ContainerSpec, RunSpec},
    strategy::{Bars, Context, Inst, Setup, SetupError, Strategy},
    timeframe::Timeframe,
};
use proptest::prelude::*;

use crate::kit::{Ran, account, close_of, instrument, minutes, one, run, scripted, set, strategy};

fn prices() -> Vec<(f64, f64, f64, f64)> {
    (0..50).map(|minute| f64::from(10 + minute * 7 % 11)).map(|p| (p, p + 1.0, p - 1.0, p + 0.5)).collect()
}

fn trade(ctx: &mut Context<'_>, bar: usize) {
    match bar % 4 {
        0 => _ = ctx.target(Inst(0), bar as i64 % 3 - 1),
        1 => _ = ctx.submit(OrderRequest::limit(Inst(0), 1, 12.0).with_stop_loss(9.0)),
        2 => ctx.cancel_all(Inst(0)),
        _ => {}
    }
}

fn sound() -> Arc<dyn StrategyFactory> {
    scripted(|ctx: &mut Context<'_>, _: Bars, bar| trade(ctx, bar))
}

/// Trades like the others, and panics at bar `at` while `armed`.
fn failing(at: usize, armed: Arc<AtomicBool>, stays: bool) -> Arc<dyn StrategyFactory> {
    scripted(move |ctx: &mut Context<'_>, _: Bars, bar| {
        trade(ctx, bar);
        if bar == at && armed.load(Ordering::Relaxed) {
            armed.store(stays, Ordering::Relaxed);
            panic!("bar {bar} is too much");
        }
    })
}

fn neighbours(count: usize, place: usize, factory: Arc<dyn StrategyFactory>, batch_rows: usize) -> RunSpec {
    let factory_of = |index| if index == place { Arc::clone(&factory) } else { sound() };
    let accounts = (0..count)
        .map(|index| account(&format!("a{index}"), vec![strategy("s", factory_of(index), &[0])]))
        .collect();
    let mut spec = set(one(minutes(&prices())), accounts);
    spec.machinery.batch_rows = batch_rows;
    spec
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn an_account_that_panics_once_ends_as_if_it_had_not(
        at in 1usize..=50, place in 0usize..5, batch_rows in 1usize..60,
    ) {
        let quiet = run(&neighbours(5, place, sound(), 1024));
        let once = failing(at, Arc::new(AtomicBool::new(true)), false);
        let ran = run(&neighbours(5, place, once, batch_rows));
        prop_assert_eq!(ran.hash(), quiet.hash());
        prop_assert_eq!(&ran.records, &quiet.records);
        let reason = format!("step {at}: bar {at} is too much");
        let restarts: Vec<_> = ran.result.restarts.iter().map(|r| (r.part.clone(), r.attempt, r.reason.clone())).collect();
        prop_assert_eq!(restarts, vec![(format!("container a{place}"), 1, reason)]);
        prop_assert!(ran.result.quarantined.is_empty());
    }

    #[test]
    fn an_account_that_always_panics_is_left_out_by_name_and_no_other_changes(
        at in 1usize..=50, place in 0usize..5, batch_rows in 1usize..60, bounded in any::<bool>(),
    ) {
        let bound = |mut spec: RunSpec| {
            spec.containers[place].drawdown_max = bounded.then_some(1e9);
            spec
        };
        let quiet = run(&bound(neighbours(5, place, sound(), 1024)));
        let always = failing(at, Arc::new(AtomicBool::new(true)), true);
        let ran = run(&bound(neighbours(5, place, always, batch_rows)));
        let [quarantine] = &ran.result.quarantined[..] else { panic!("one is quarantined") };
        prop_assert_eq!(&quarantine.container, &format!("a{place}"));
        prop_assert_eq!((quarantine.step, quarantine.ts_ns), (at as u64, close_of(at as i64)));
        prop_assert_eq!(&quarantine.reason, &format!("bar {at} is too much"));
        let others = |ran: &Ran| -> Vec<_> {
            let accounts = ran.result.accounts.iter().filter(|account| account.name != format!("a{place}"));
            accounts.map(|account| (account.name.clone(), account.hash.clone())).collect()
        };
        prop_assert_eq!(others(&ran), others(&quiet));
        prop_assert_eq!(ran.result.accounts.len(), 4);
    }
}

#[test]
fn a_recorder_that_the_caller_keeps_is_told_to_forget_before_a_rerun() {
    use barhive_engine::{backtest, record::Recorder, recorder::MemoryRecorder};
    let spec = neighbours(1, 0, failing(30, Arc::new(AtomicBool::new(true)), false), 8);
    let kept = MemoryRecorder::full();
    backtest::run_recorded(&spec, &crate::kit::registry(), &|_| Box::new(kept.clone()) as Box<dyn Recorder>)
        .unwrap();
    let expected = run(&neighbours(1, 0, sound(), 1024)).records.remove(0);
    assert_eq!(kept.take(), expected);
}

/// Fails to be built the `nth` time, with a panic or an error.
fn unbuildable(nth: usize, panics: bool) -> Arc<dyn StrategyFactory> {
    struct Hands;
    impl barhive_engine::strategy::Strategy for Hands {
        fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {
            panic!("no hands");
        }
    }
    let built = Arc::new(AtomicUsize::new(0));
    factory((), move |(), setup: &mut Setup<'_>| {
        let times = built.fetch_add(1, Ordering::Relaxed) + 1;
        if times == nth && panics {
            panic!("no blueprint");
        } else if times == nth {
            return Err(SetupError::new("no bricks"));
        }
        let instrument = setup.instrument();
        setup.bars(instrument);
        Ok(Hands)
    })
}

#[test]
fn a_panic_at_set_up_is_a_fault_of_that_strategy() {
    let error = crate::kit::try_run(&neighbours(2, 1, unbuildable(1, true), 64)).err().unwrap();
    assert_eq!(error.to_string(), "account a1, strategy s: set-up panicked: no blueprint");
}

#[test]
fn an_account_that_cannot_be_set_up_again_is_left_out_and_the_run_goes_on() {
    for (panics, what) in [(true, "set-up panicked: no blueprint"), (false, "no bricks")] {
        let ran = run(&neighbours(3, 1, unbuildable(2, panics), 64));
        assert_eq!(ran.result.accounts.len(), 2);
        assert_eq!(ran.result.quarantined[0].reason, format!("account a1, strategy s: {what}"));
    }
}

#[test]
fn a_number_beyond_the_ledger_ends_that_account_only() {
    let huge: Instrument = Instrument { multiplier: u32::MAX, lot: i64::MAX, ..instrument("X") };
    let prices: Vec<_> = (0..5).map(|_| (1e9, 1e9, 1e9, 1e9)).collect();
    let buyer = scripted(|ctx: &mut Context<'_>, _: Bars, bar| {
        if bar == 2 {
            ctx.submit(OrderRequest::market(Inst(0), 1 << 40));
        }
    });
    let idle = || account("idle", vec![strategy("s", scripted(|_: &mut Context<'_>, _: Bars, _| {}), &[0])]);
    let source = || MemorySource::new().with(huge.clone(), Timeframe::M1, minutes(&prices));
    let rich =
        ContainerSpec { cash: Money(i128::MAX / 4), ..account("rich", vec![strategy("s", buyer, &[0])]) };
    let ran = run(&set(source(), vec![rich, idle()]));
    let alone = run(&set(source(), vec![idle()]));
    assert_eq!(ran.result.accounts[0].hash, alone.result.accounts[0].hash);
    let [quarantine] = &ran.result.quarantined[..] else { panic!("one is quarantined") };
    assert_eq!((quarantine.container.as_str(), quarantine.step), ("rich", 3));
    assert_eq!(quarantine.reason, "an amount or a quantity is too large for the ledger");
}

/// Keeps every close that it sees.
struct Hoarder {
    closes: Vec<f64>,
}

impl Strategy for Hoarder {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        self.closes.push(ctx.close(bars));
    }

    fn memory_bytes(&self) -> u64 {
        size_of_val(&self.closes[..]) as u64
    }
}

#[test]
fn an_account_over_its_memory_limit_ends_with_an_error_and_touches_no_other() {
    let prices: Vec<_> = (0..3_000).map(|_| (1.0, 1.0, 1.0, 1.0)).collect();
    let hoarder = || {
        factory((), |(), setup: &mut Setup<'_>| -> Result<Hoarder, SetupError> {
            setup.bars(setup.instrument());
            Ok(Hoarder { closes: Vec::new() })
        })
    };
    let hoarding = |name: &str, memory_max_bytes: u64| ContainerSpec {
        memory_max_bytes,
        ..account(name, vec![strategy("s", hoarder(), &[0])])
    };
    let ran = run(&set(
        MemorySource::new().with(instrument("X"), Timeframe::M1, minutes(&prices)),
        vec![hoarding("small", 40_000), hoarding("large", 100_000)],
    ));
    let names: Vec<_> = ran.result.accounts.iter().map(|account| &*account.name).collect();
    assert_eq!(names, ["large"]);
    let [quarantine] = &ran.result.quarantined[..] else { panic!("one is quarantined") };
    assert_eq!(quarantine.container, "small");
    assert!(quarantine.reason.starts_with("memory limit: the account holds "), "{}", quarantine.reason);
    assert!(quarantine.reason.contains("of the 40000 that it may"), "{}", quarantine.reason);
}

//! Indicators are computed once, for whoever asks, and seen alike by all.

use std::sync::{Arc, Mutex};

use barhive_engine::{
    Registry,
    container::Progress,
    data::{BarColumns, MemorySource},
    frame::Frame,
    indicator::{IndicatorDef, IndicatorSpec, Input, InputKind, Kernel, Output, PriceField, builtin},
    merge::Merged,
    pass::Pass,
    record::NoRecorder,
    registry::{StrategyFactory, factory},
    set::RunSpec,
    strategy::{Bars, Context, Setup, Strategy, Value},
    timeframe::Timeframe,
};

use crate::kit::{account, instrument, minute_bar, minutes, run, run_with, set, strategy, with_period};

fn price(minute: i64) -> f64 {
    (1_000 + (minute * 37) % 101 + minute % 13) as f64 / 100.0
}

fn walk(rows: i64, shift: f64) -> BarColumns {
    let bar = |minute: i64| {
        let price = price(minute) + shift;
        minute_bar(minute, price, price + 0.5, price - 0.5, price)
    };
    BarColumns::from_bars(&(0..rows).map(bar).collect::<Vec<_>>())
}

type Seen = Arc<Mutex<Vec<Vec<f64>>>>;

struct Watcher {
    value: Value,
    seen: Seen,
}

impl Strategy for Watcher {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        let mut row = vec![ctx.value(self.value)];
        row.extend(ctx.values(self.value));
        row.extend(ctx.closes(bars));
        self.seen.lock().unwrap().push(row);
    }
}

/// Notes an indicator's value, its lagged values and the closes at every bar.
fn watcher(spec: IndicatorSpec, back: usize, seen: &Seen) -> Arc<dyn StrategyFactory> {
    let seen = Arc::clone(seen);
    factory((), move |(), setup: &mut Setup<'_>| {
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        let value = setup.indicator(bars, spec.clone())?;
        setup.lookback(bars, back);
        setup.lag(value, back);
        Ok(Watcher { value, seen: Arc::clone(&seen) })
    })
}

fn watching(columns: &BarColumns, factory: Arc<dyn StrategyFactory>, batch_rows: usize) -> RunSpec {
    let source = MemorySource::new().with(instrument("X"), Timeframe::M1, columns.clone());
    let mut spec = set(source, vec![account("a", vec![strategy("s", factory, &[0])])]);
    spec.machinery.batch_rows = batch_rows;
    spec
}

/// What a watcher saw, as bits: no value is equal to nothing but itself.
fn bits(seen: &Seen) -> Vec<Vec<u64>> {
    seen.lock().unwrap().iter().map(|row| row.iter().map(|value| value.to_bits()).collect()).collect()
}

#[test]
fn each_key_is_computed_once_per_bar_for_any_number_of_subscribers() {
    let columns = walk(300, 0.0);
    for subscribers in [1u64, 10, 500] {
        let seen = Seen::default();
        let of = |k: u64| {
            let strategy = strategy("s", watcher(with_period("sma", 5 + (k % 3) as i64), 0, &seen), &[0]);
            account(&format!("a{k}"), vec![strategy])
        };
        let source = MemorySource::new().with(instrument("X"), Timeframe::M1, columns.clone());
        let hub = run(&set(source, (0..subscribers).map(of).collect())).result.hub;
        let keys = subscribers.min(3);
        assert_eq!((hub.keys, hub.computed, hub.expected), (keys, keys * 300, keys * 300));
        assert_eq!((hub.subscriptions, hub.recomputed), (subscribers, 0));
    }
}

#[test]
fn a_subscriber_of_one_series_never_sees_another() {
    let source = MemorySource::new().with(instrument("A"), Timeframe::M1, walk(100, 0.0)).with(
        instrument("B"),
        Timeframe::M1,
        walk(100, 500.0),
    );
    let (of_a, of_b) = (Seen::default(), Seen::default());
    let accounts = vec![
        account("a", vec![strategy("s", watcher(with_period("sma", 3), 5, &of_a), &[0])]),
        account("b", vec![strategy("s", watcher(with_period("sma", 3), 5, &of_b), &[1])]),
    ];
    run(&set(source, accounts));
    let all = |seen: &Seen| {
        seen.lock().unwrap().concat().into_iter().filter(|value| !value.is_nan()).collect::<Vec<_>>()
    };
    assert!(all(&of_a).iter().all(|value| *value < 100.0));
    assert!(all(&of_b).iter().all(|value| *value > 500.0));
}

#[test]
fn windows_reach_across_the_borders_of_frames() {
    let columns = walk(2_500, 0.0);
    let spec = || with_period("sma", 1_000);
    let whole = Seen::default();
    run(&watching(&columns, watcher(spec(), 1_000, &whole), usize::MAX));
    for (row, seen) in whole.lock().unwrap().iter().enumerate() {
        let closes = &columns.close[row.saturating_sub(1_000)..=row];
        assert_eq!(seen[1 + closes.len()..], *closes, "row {row}");
        assert_eq!(seen[0].to_bits(), seen[closes.len()].to_bits(), "the newest value comes last");
        if row >= 999 {
            let cents: i64 = columns.close[row - 999..=row].iter().map(|c| (c * 100.0).round() as i64).sum();
            assert_eq!(seen[0], cents as f64 / 100_000.0, "row {row}");
        }
    }
    for batch_rows in [1, 2, 7, 64, 1_024, 4_096] {
        let cut = Seen::default();
        run(&watching(&columns, watcher(spec(), 1_000, &cut), batch_rows));
        assert_eq!(bits(&cut), bits(&whole), "{batch_rows}");
    }
}

#[test]
fn an_indicator_over_an_indicator_starts_when_that_one_is_warm() {
    let columns = walk(200, 0.0);
    let spec = with_period("sma", 4).over(with_period("sma", 10), 0);
    let whole = Seen::default();
    run(&watching(&columns, watcher(spec.clone(), 3, &whole), 1_024));
    let warm = whole.lock().unwrap().iter().position(|row| !row[0].is_nan());
    assert_eq!(warm, Some(9 + 3));
    for batch_rows in [1, 2, 7, 64] {
        let cut = Seen::default();
        run(&watching(&columns, watcher(spec.clone(), 3, &cut), batch_rows));
        assert_eq!(bits(&cut), bits(&whole), "{batch_rows}");
    }
}

/// One over the distance from 10.00: not a number wherever the close is at it.
struct Inverse;

impl Kernel for Inverse {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        for (out, x) in output.column(0).iter_mut().zip(input.x) {
            *out = if *x == 10.0 { f64::NAN } else { 1.0 / (x - 10.0) };
        }
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(Self)
    }
}

#[test]
fn a_hole_in_an_indicator_is_a_hole_in_what_reads_it_and_no_more() {
    let inverse = IndicatorDef {
        name: "inverse",
        doc: Default::default(),
        input: InputKind::Value,
        params: Vec::new(),
        outputs: vec!["inverse"],
        warm_up: |_| 1,
        check: |_| Ok(()),
        build: Arc::new(|_| Box::new(Inverse)),
    };
    let registry = builtin().into_iter().fold(Registry::empty(), Registry::indicator);
    let registry = registry.indicator(inverse);
    let closes = [11.0, 10.0, 12.0, 10.0, 10.0, 8.0, 11.0, 10.0, 12.0, 12.0];
    let columns = minutes(&closes.map(|close| (close, close, close, close)));
    let spec = with_period("sma", 2).over(IndicatorSpec::new("inverse"), 0);
    let mut all = Vec::new();
    for batch_rows in [1, 2, 3, 5, 64] {
        let seen = Seen::default();
        run_with(&watching(&columns, watcher(spec.clone(), 0, &seen), batch_rows), &registry);
        let values: Vec<f64> = seen.lock().unwrap().iter().map(|row| row[0]).collect();
        all.push(format!("{values:?}"));
    }
    let expected = "[NaN, NaN, 0.75, NaN, NaN, 0.0, 0.25, NaN, 0.75, 0.5]";
    assert_eq!(all, [expected; 5]);
}

#[test]
fn where_the_hub_is_cut_within_a_frame_changes_no_value() {
    let columns = walk(700, 0.0);
    let specs = [
        with_period("sma", 10),
        with_period("sma", 4).over(with_period("sma", 10), 0),
        with_period("ema", 7).on(PriceField::Hl2),
        IndicatorSpec::new("macd"),
    ];
    let seen = Seen::default();
    let accounts = specs.iter().enumerate().map(|(number, spec)| {
        account(&format!("a{number}"), vec![strategy("s", watcher(spec.clone(), 5, &seen), &[0])])
    });
    let source = MemorySource::new().with(instrument("X"), Timeframe::M1, columns);
    let mut spec = set(source, accounts.collect());
    spec.machinery.batch_rows = 64;
    let registry = builtin().into_iter().fold(Registry::empty(), Registry::indicator);
    let open = || Pass::open(&spec, &registry, &[0, 1, 2, 3], &|_| Box::new(NoRecorder), false).unwrap();
    for values_max in [1, 2, 7, 63, 64, 65, 1_000] {
        let (mut whole, mut cut) = (open(), open());
        let (mut expected, mut found) = (Frame::empty(), Frame::empty());
        let mut parts = 0;
        while whole.merge.next_frame(&mut expected).unwrap() == Merged::Frame {
            whole.hub.compute(&mut expected);
            assert_eq!(cut.merge.next_frame(&mut found).unwrap(), Merged::Frame);
            loop {
                let Progress { work, is_done } = cut.hub.compute_part(&mut found, values_max);
                parts += 1;
                assert!(work <= values_max, "{work} of {values_max}");
                if is_done {
                    break;
                }
                assert_eq!(work, values_max);
            }
            let bits = |frame: &Frame| -> Vec<Vec<u64>> {
                let rows = frame.series[0].columns.len();
                let columns = frame.columns.iter();
                columns.map(|column| column[..rows].iter().map(|value| value.to_bits()).collect()).collect()
            };
            assert_eq!(bits(&found), bits(&expected), "{values_max}");
        }
        assert_eq!(cut.hub.counters(), whole.hub.counters());
        assert!(values_max > 64 || parts > 700 / 64 + 1, "{values_max}: {parts}");
    }
}

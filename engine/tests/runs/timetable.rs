//! The column that knows when the weeks of the data end: the same for every cut, for what is aggregated
//! and what is cut short, and refused where there is no end.

use std::sync::{Arc, Mutex};

use barhive_engine::{
    data::{BarColumns, Batch, Feed, FeedError, MemorySource, Pull, SeriesInfo, SeriesRequest, Source},
    instrument::Instrument,
    plan::plan,
    registry::{StrategyFactory, factory},
    set::RunSpec,
    strategy::{Bars, Context, Setup, Strategy, Value},
    time::NS_PER_DAY,
};
use proptest::prelude::*;

use crate::kit::{
    START_NS, account, instrument, minute_bar, one, registry, run, set, strategy, try_run, with_period,
};

const WEEK_MINUTES: i64 = 7 * 24 * 60;

/// (open stamp, the column, the column one bar before) of every bar.
type Seen = Arc<Mutex<Vec<(i64, f64, f64)>>>;

struct Looks {
    edges: Value,
    seen: Seen,
}

impl Strategy for Looks {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        let before = match ctx.values(self.edges) {
            [before, _] => *before,
            _ => f64::NAN,
        };
        self.seen.lock().unwrap().push((ctx.bar(bars).ts_open_ns, ctx.value(self.edges), before));
    }
}

fn looks(rows: u32, seen: &Seen) -> Arc<dyn StrategyFactory> {
    let seen = Arc::clone(seen);
    factory((), move |(), setup: &mut Setup<'_>| {
        let bars = setup.bars(setup.instrument());
        let edges = setup.week_edges(bars, rows)?;
        setup.lag(edges, 1);
        Ok(Looks { edges, seen: Arc::clone(&seen) })
    })
}

/// Bars that open at these minutes after the start, which is a Monday midnight.
fn bars(minutes: impl IntoIterator<Item = i64>) -> BarColumns {
    let bar = |minute: i64| minute_bar(minute, 10.0, 11.0, 9.0, 10.5);
    BarColumns::from_bars(&minutes.into_iter().map(bar).collect::<Vec<_>>())
}

/// The plainest way to say it.
fn expected(opens: &[i64], rows: usize) -> Vec<f64> {
    let week = |ts_ns: &i64| (ts_ns - START_NS).div_euclid(7 * NS_PER_DAY);
    let is_edge = |row: usize| {
        let of_week: Vec<usize> =
            (0..opens.len()).filter(|o| week(&opens[*o]) == week(&opens[row])).collect();
        of_week.iter().take(rows).any(|o| *o == row) || of_week.iter().rev().take(rows).any(|o| *o == row)
    };
    (0..opens.len()).map(|row| if is_edge(row) { 1.0 } else { 0.0 }).collect()
}

fn check(seen: &Seen, rows: usize) -> usize {
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let opens: Vec<i64> = seen.iter().map(|(open, ..)| *open).collect();
    let found: Vec<f64> = seen.iter().map(|(_, edge, _)| *edge).collect();
    assert_eq!(found, expected(&opens, rows));
    assert!(seen.windows(2).all(|pair| pair[1].2 == pair[0].1), "looking back shows what was shown");
    opens.len()
}

fn looking(source: impl Source + 'static, rows: u32, seen: &Seen) -> RunSpec {
    set(source, vec![account("a", vec![strategy("s", looks(rows, seen), &[0])])])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_first_and_last_bars_of_a_week_are_its_edges_in_every_batch_size(
        steps in prop::collection::vec(1i64..300, 1..400),
        batch_rows in 1usize..80,
        bars_max in prop::option::of(1u64..300),
        rows in 1u32..8,
    ) {
        let minutes = steps.iter().scan(0, |minute, step| { *minute += step; Some(*minute) });
        let seen = Seen::default();
        let mut spec = looking(one(bars(minutes)), rows, &seen);
        spec.machinery.batch_rows = batch_rows;
        spec.bars_max = bars_max;
        run(&spec);
        let taken = check(&seen, rows as usize);
        prop_assert_eq!(taken as u64, bars_max.unwrap_or(u64::MAX).min(steps.len() as u64));
    }
}

#[test]
fn the_bars_of_an_aggregated_series_count_as_they_are_aggregated() {
    let seen = Seen::default();
    let mut spec = looking(one(bars((0..WEEK_MINUTES * 5 / 2).step_by(7))), 6, &seen);
    spec.containers[0].strategies[0].timeframe = "4h".parse().unwrap();
    run(&spec);
    assert_eq!(check(&seen, 6), 104, "the last bar is not complete");
}

#[test]
fn a_span_of_an_account_moves_no_week() {
    let seen = Seen::default();
    let mut spec = looking(one(bars((0..WEEK_MINUTES * 2).step_by(60))), 6, &seen);
    spec.containers[0].from_ns = Some(START_NS + 3 * NS_PER_DAY);
    run(&spec);
    let restricted: f64 = seen.lock().unwrap().iter().map(|(_, edge, _)| edge).sum();
    assert_eq!(restricted, 18.0, "the last six of the first week and twelve of the second");
}

#[test]
fn it_is_made_once_for_all_and_is_not_counted_as_an_indicator() {
    let (first, second) = (Seen::default(), Seen::default());
    let average = factory((), |(), setup: &mut Setup<'_>| {
        let bars = setup.bars(setup.instrument());
        setup.indicator(bars, with_period("sma", 5))?;
        Ok(Idle)
    });
    struct Idle;
    impl Strategy for Idle {
        fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {}
    }
    let accounts = vec![
        account("a", vec![strategy("s", looks(6, &first), &[0])]),
        account("b", vec![strategy("s", looks(6, &second), &[0]), strategy("t", average, &[0])]),
    ];
    let spec = set(one(bars(0..500)), accounts);
    let planned = plan(&spec, &registry()).unwrap();
    assert_eq!(
        planned.indicators.iter().map(|one| &one.indicator).collect::<Vec<_>>(),
        ["sma(period=5)@close"]
    );
    let hub = run(&spec).result.hub;
    assert_eq!((hub.keys, hub.subscriptions, hub.computed, hub.expected, hub.shared), (1, 1, 500, 500, 0));
    let column = |seen: &Seen| seen.lock().unwrap().iter().map(|(_, edge, _)| *edge).collect::<Vec<_>>();
    assert_eq!(column(&first), column(&second));
}

/// Counts how often it is opened, and may have nothing at present.
struct Watched {
    source: MemorySource,
    opened: Arc<Mutex<u32>>,
    waits: bool,
}

impl Source for Watched {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        self.source.instruments()
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        self.source.series(symbol)
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        *self.opened.lock().unwrap() += 1;
        let feed = self.source.open(request)?;
        Ok(Box::new(Waiting { feed, waits: self.waits }))
    }
}

struct Waiting {
    feed: Box<dyn Feed>,
    waits: bool,
}

impl Feed for Waiting {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        match self.feed.pull(rows_max, lead)? {
            Pull::End if std::mem::take(&mut self.waits) => Ok(Pull::Pending),
            pull => Ok(pull),
        }
    }
}

#[test]
fn who_does_not_ask_pays_nothing_and_who_asks_without_an_end_is_told() {
    let opened = Arc::default();
    let source = |waits| Watched { source: one(bars(0..100)), opened: Arc::clone(&opened), waits };
    let seen = Seen::default();
    run(&looking(source(false), 6, &seen));
    assert_eq!(std::mem::take(&mut *opened.lock().unwrap()), 2, "stamps first, then rows");
    let error = try_run(&looking(source(true), 6, &seen)).err().expect("no end").to_string();
    assert_eq!(
        error,
        "X: expected a series with an end: a strategy asks which bars are the last of their week, found a \
         source that still waits for rows; record it first and run on the recording"
    );
    *opened.lock().unwrap() = 0;
    let idle = factory((), |(), setup: &mut Setup<'_>| {
        setup.bars(setup.instrument());
        Ok(Nothing)
    });
    struct Nothing;
    impl Strategy for Nothing {
        fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {}
    }
    run(&set(source(false), vec![account("a", vec![strategy("s", idle, &[0])])]));
    assert_eq!(*opened.lock().unwrap(), 1);
}

#[test]
fn no_bars_at_the_edge_are_refused() {
    let error = try_run(&looking(one(bars(0..10)), 0, &Seen::default())).err().expect("refused").to_string();
    assert!(error.contains("week edges: the number of bars must be at least 1, found 0"), "{error}");
}

#[test]
fn a_source_that_answers_differently_the_second_time_ends_its_weeks_where_it_first_did() {
    struct Growing(Mutex<i64>);
    impl Source for Growing {
        fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
            Ok(vec![instrument("X")])
        }
        fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
            one(bars(0..20)).series(symbol)
        }
        fn open(&self, _: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
            let mut rows = self.0.lock().unwrap();
            *rows += 10;
            Ok(Box::new(Once(Some(bars(0..*rows)))))
        }
    }
    struct Once(Option<BarColumns>);
    impl Feed for Once {
        fn pull(&mut self, _: usize, _: usize) -> Result<Pull, FeedError> {
            Ok(self.0.take().map_or(Pull::End, |rows| Pull::Rows(Batch::new(rows))))
        }
    }
    let seen = Seen::default();
    run(&looking(Growing(Mutex::new(10)), 2, &seen));
    let column: Vec<f64> = seen.lock().unwrap().iter().map(|(_, edge, _)| *edge).collect();
    assert_eq!(column[..3], [1.0, 1.0, 0.0]);
    assert!(column[18..].iter().all(|edge| *edge == 1.0) && column.len() == 30);
}

//! Feeds of every temper: slow, late, out of order, empty.

use std::collections::BTreeMap;

use barhive_engine::{
    data::{
        BarColumns, Batch, Feed, FeedError, MemorySource, Pull, SeriesInfo, SeriesKind, SeriesRequest, Source,
    },
    instrument::Instrument,
    order::OrderRequest,
    pass::RunError,
    registry::factory,
    strategy::{Bars, Context, Inst, Setup, Strategy as Trades},
    time::NS_PER_MINUTE,
    timeframe::Timeframe,
};
use proptest::{prelude::*, strategy::Strategy as Generates};

use crate::kit::{
    account, close_of, instrument, minute_bar, minutes, one, run, scripted, set, strategy, try_run,
};

/// What a feed answers, in order.
#[derive(Clone, Debug)]
enum Say {
    Rows(BarColumns),
    Watermark(i64),
    Pending,
}

/// One-minute series that say what they are told to.
#[derive(Clone, Default)]
struct Told(BTreeMap<String, Vec<Say>>);

impl Source for Told {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        Ok(self.0.keys().map(|symbol| instrument(symbol)).collect())
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        Ok(vec![SeriesInfo {
            symbol: symbol.to_owned(),
            kind: SeriesKind::BAR,
            timeframe: Timeframe::M1,
            rows: None,
            span_ns: None,
            prices_on_scale: true,
            data_hash: None,
            notes: Vec::new(),
        }])
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        Ok(Box::new(Telling { says: self.0[&request.symbol].clone().into_iter(), given: None }))
    }
}

/// Hands leading rows along where it can, as a mapped file does.
struct Telling {
    says: std::vec::IntoIter<Say>,
    given: Option<BarColumns>,
}

impl Feed for Telling {
    fn pull(&mut self, _: usize, lead: usize) -> Result<Pull, FeedError> {
        Ok(match self.says.next() {
            None => Pull::End,
            Some(Say::Watermark(ts_ns)) => Pull::Watermark(ts_ns),
            Some(Say::Pending) => Pull::Pending,
            Some(Say::Rows(rows)) => {
                let before = self.given.take().unwrap_or_else(BarColumns::empty);
                let lead = lead.min(before.len());
                let mut all: Vec<_> = before.slice(before.len() - lead, lead).bars().collect();
                all.extend(rows.bars());
                self.given = Some(rows);
                Pull::Rows(Batch { columns: BarColumns::from_bars(&all), lead })
            }
        })
    }
}

fn told<const N: usize>(says: [(&str, Vec<Say>); N]) -> Told {
    Told(says.into_iter().map(|(symbol, says)| (symbol.to_owned(), says)).collect())
}

fn rows(minutes: &[i64]) -> Say {
    let bar = |minute: &i64| {
        let price = 10.0 + (minute % 7) as f64 / 4.0;
        minute_bar(*minute, price, price + 0.5, price - 0.5, price + 0.25)
    };
    Say::Rows(BarColumns::from_bars(&minutes.iter().map(bar).collect::<Vec<_>>()))
}

/// Trades on what it sees of every instrument.
fn busy(ctx: &mut Context<'_>, bars: Bars, _: usize) {
    let lots = (ctx.now_ns() / NS_PER_MINUTE) % 5 - 2;
    ctx.target(bars.instrument(), lots);
}

fn steps_of(source: Told) -> Vec<i64> {
    let ids: Vec<u32> = (0..source.0.len() as u32).collect();
    let ran = run(&set(source, vec![account("a", vec![strategy("s", scripted(busy), &ids)])]));
    ran.records[0].equity.iter().map(|point| (point.ts_ns - close_of(0)) / NS_PER_MINUTE).collect()
}

#[test]
fn a_silent_feed_holds_the_others_until_its_watermark_passes() {
    let source = told([
        ("A", vec![rows(&[0, 1, 2]), rows(&[3])]),
        ("B", vec![Say::Pending, Say::Watermark(close_of(2)), Say::Pending, rows(&[2])]),
    ]);
    assert_eq!(steps_of(source), [1, 2, 3, 4]);
}

#[test]
fn a_late_row_is_counted_and_never_merged() {
    let source = told([
        ("A", vec![rows(&[0, 1, 2, 3, 4])]),
        ("B", vec![rows(&[0]), Say::Watermark(close_of(4)), Say::Pending, rows(&[2, 4]), rows(&[5])]),
    ]);
    let act = scripted(busy);
    let ran = run(&set(source, vec![account("a", vec![strategy("s", act, &[0, 1])])]));
    let b = &ran.result.series[1];
    assert_eq!((b.symbol.as_str(), b.rows), ("B", 3));
    assert_eq!(b.notes, ["1 rows came too late and were left out"]);
}

#[test]
fn no_strategy_ever_sees_a_late_row() {
    // B's row 2 is late; every view of B's past must skip it.
    let says =
        vec![rows(&[0]), Say::Watermark(close_of(4)), Say::Pending, rows(&[2, 4]), rows(&[5]), rows(&[6])];
    let source = told([("A", vec![rows(&[0, 1, 2, 3, 4])]), ("B", says)]);
    let look = factory((), |(), setup: &mut Setup<'_>| {
        setup.bars(Inst(0));
        let b = setup.bars(Inst(1));
        setup.lookback(b, 10);
        Ok(Looks(b))
    });
    struct Looks(Bars);
    impl Trades for Looks {
        fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
            if bars == self.0 {
                let late = 10.0 + 2.0 / 4.0;
                assert!(!ctx.opens(bars).contains(&late), "{:?}", ctx.opens(bars));
            }
        }
    }
    let mut spec = set(source, vec![account("a", vec![strategy("s", look, &[0, 1])])]);
    spec.machinery.batch_rows = 1;
    let ran = run(&spec);
    assert!(ran.result.restarts.is_empty(), "{:?}", ran.result.restarts);
}

fn message(source: impl Source + 'static, timeframe: Timeframe, bars_max: Option<u64>) -> String {
    let mut strategy = strategy("s", scripted(busy), &[0]);
    strategy.timeframe = timeframe;
    let mut spec = set(source, vec![account("a", vec![strategy])]);
    spec.bars_max = bars_max;
    match try_run(&spec) {
        Ok(_) => "no error".to_owned(),
        Err(error @ RunError::Feed(_)) => error.to_string(),
        Err(error) => panic!("not the feed's: {error}"),
    }
}

#[test]
fn a_row_out_of_order_is_an_error_that_names_it() {
    let expected = "X, row 5: expected close times that increase and lie after the open times, \
                    found a bar from 2024-01-01T00:02:00Z to 2024-01-01T00:03:00Z";
    let source = || told([("X", vec![rows(&[0, 1, 2]), rows(&[3, 2, 5])])]);
    assert_eq!(message(source(), Timeframe::M1, None), expected);
    assert_eq!(message(source(), "5m".parse().unwrap(), None), expected, "aggregated rows are checked too");
}

#[test]
fn a_series_without_a_row_is_an_error_and_not_a_run_without_trades() {
    let nothing = told([("X", vec![Say::Pending, Say::Watermark(close_of(5))])]);
    assert_eq!(message(nothing, Timeframe::M1, None), "X: no data: the series has no 1m bar");
    let source = told([("X", vec![rows(&[0, 1, 2])])]);
    let error = message(source, Timeframe::H1, None);
    assert_eq!(error, "X: no data: no 1h bar is complete within the 1m bars that there are");
}

#[test]
fn one_empty_series_among_others_is_an_error_too() {
    let source = told([("A", vec![rows(&[0, 1])]), ("B", vec![])]);
    let spec = set(source, vec![account("a", vec![strategy("s", scripted(busy), &[0, 1])])]);
    assert!(try_run(&spec).is_err_and(|error| error.to_string() == "B: no data: the series has no 1m bar"));
}

#[test]
fn a_price_that_is_no_number_is_refused_with_its_row() {
    let prices = [(10.0, 10.5, 9.5, 10.0), (10.0, 10.5, f64::NAN, 10.0)];
    let error = message(one(minutes(&prices)), Timeframe::M1, None);
    assert_eq!(error, "X, row 2: expected finite prices and a finite volume, found low NaN");
}

#[test]
fn a_bound_on_bars_holds_for_aggregated_series() {
    // Minute 9 completes the second bar and brings out the first, partial one with it.
    let source = told([("X", vec![rows(&[0]), rows(&[9]), rows(&[14]), rows(&[19])])]);
    let mut five = strategy("s", scripted(busy), &[0]);
    five.timeframe = "5m".parse().unwrap();
    let mut spec = set(source, vec![account("a", vec![five])]);
    spec.bars_max = Some(1);
    assert_eq!(run(&spec).result.series[0].rows, 1);
}

#[derive(Clone, Debug)]
struct Plan {
    minutes: Vec<i64>,
    /// What is said between rows: 0 rows go on, 1 pending, 2 a watermark.
    between: Vec<u8>,
}

impl Plan {
    fn says(&self) -> Vec<Say> {
        let mut says = Vec::new();
        let mut from = 0;
        for (index, choice) in self.between.iter().enumerate() {
            match choice {
                0 if from < self.minutes.len() => {
                    let until = (from + 1 + index % 4).min(self.minutes.len());
                    says.push(rows(&self.minutes[from..until]));
                    from = until;
                }
                1 => says.push(Say::Pending),
                // True: the next row closes later than this.
                _ => says.extend(self.minutes.get(from).map(|next| Say::Watermark(close_of(*next)))),
            }
        }
        if from < self.minutes.len() {
            says.push(rows(&self.minutes[from..]));
        }
        says
    }

    fn columns(&self) -> BarColumns {
        match rows(&self.minutes) {
            Say::Rows(columns) => columns,
            _ => unreachable!("rows say rows"),
        }
    }
}

fn plan() -> impl Generates<Value = Plan> {
    let minutes = prop::collection::btree_set(0i64..60, 1..40);
    (minutes, prop::collection::vec(0u8..3, 0..40))
        .prop_map(|(minutes, between)| Plan { minutes: minutes.into_iter().collect(), between })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_temper_of_feeds_changes_no_result(plans in prop::collection::vec(plan(), 1..4), batch in 1usize..50) {
        let symbols = ["A", "B", "C"];
        let ids: Vec<u32> = (0..plans.len() as u32).collect();
        let accounts = || vec![account("a", vec![strategy("s", scripted(|ctx, bars, bar| {
            busy(ctx, bars, bar);
            ctx.submit(OrderRequest::limit(bars.instrument(), 1, 10.0));
        }), &ids)])];
        let memory = plans.iter().zip(symbols).fold(MemorySource::new(), |source, (plan, symbol)| {
            source.with(instrument(symbol), Timeframe::M1, plan.columns())
        });
        let told = Told(plans.iter().zip(symbols).map(|(p, symbol)| (symbol.to_owned(), p.says())).collect());
        let expected = run(&set(memory, accounts()));
        let mut spec = set(told, accounts());
        spec.machinery.batch_rows = batch;
        let ran = run(&spec);
        prop_assert_eq!(ran.hash(), expected.hash());
        prop_assert_eq!(&ran.records, &expected.records);
    }
}

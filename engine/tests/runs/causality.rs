//! What must not change a result: the future, the cut into batches, the neighbours, the order of
//! registration, the way a coarse series came about, the path through the engine.

use std::collections::HashMap;

use barhive_engine::{
    data::{
        Bar, BarColumns, BarColumnsBuilder, Feed, FeedError, MemorySource, Resampler, SeriesInfo,
        SeriesRequest, Source,
    },
    instrument::Instrument,
    record::Records,
    set::ContainerSpec,
    timeframe::Timeframe,
};
use proptest::prelude::*;

use crate::{
    kit::{Ran, run, set},
    random::{Looks, SYMBOLS, five_minutes, gappy, markets, source, traded},
};

/// One account that looks everywhere, and one per instrument that looks at it alone.
fn accounts(seed: u64, instruments: usize) -> Vec<ContainerSpec> {
    let everywhere = traded("everywhere", seed, instruments, Looks::Everywhere);
    vec![everywhere, traded("alone", seed + 2, 1, Looks::Alone)]
}

fn run_in_batches(markets: &[Vec<Bar>], accounts: Vec<ContainerSpec>, batch_rows: usize) -> Ran {
    let mut spec = set(source(markets), accounts);
    spec.machinery.batch_rows = batch_rows;
    run(&spec)
}

fn up_to(records: &Records, ts_ns: i64) -> Records {
    fn cut<T: Clone>(list: &[T], ts_ns: i64, of: impl Fn(&T) -> i64) -> Vec<T> {
        list.iter().filter(|item| of(item) <= ts_ns).cloned().collect()
    }
    Records {
        equity: cut(&records.equity, ts_ns, |point| point.ts_ns),
        orders: cut(&records.orders, ts_ns, |event| event.ts_ns),
        fills: cut(&records.fills, ts_ns, |fill| fill.ts_ns),
        trades: cut(&records.trades, ts_ns, |trade| trade.exit_ts_ns),
    }
}

fn hashes(ran: &Ran) -> HashMap<String, String> {
    ran.result.accounts.iter().map(|account| (account.name.clone(), account.hash.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scrambling_what_comes_after_changes_nothing_up_to_then(
        before in markets(), after in markets(), seed in any::<u32>(), cut in 0usize..150,
    ) {
        // Every series goes on beyond the cut: a coarse bar that nothing completes never leaves.
        let until = before.iter().chain(&after).map(|bars| bars[bars.len() - 1].ts_close_ns).min();
        let past = before[0].iter().filter(|bar| Some(bar.ts_close_ns) < until).collect::<Vec<_>>();
        let minute = past[cut % past.len()].ts_close_ns;
        let scrambled: Vec<Vec<Bar>> = before.iter().enumerate().map(|(index, bars)| {
            let future = &after[index % after.len()];
            let past = bars.iter().filter(|bar| bar.ts_close_ns <= minute);
            past.chain(future.iter().filter(|bar| bar.ts_close_ns > minute)).copied().collect()
        }).collect();
        let run = |markets: &[Vec<Bar>]| {
            run_in_batches(markets, accounts(u64::from(seed), markets.len()), 16)
        };
        let (original, changed) = (run(&before), run(&scrambled));
        for (original, changed) in original.records.iter().zip(&changed.records) {
            // What the end of a run takes back is not of the past.
            let open = |records: &Records| {
                let mut records = up_to(records, minute);
                records.orders.retain(|event| event.cause != barhive_engine::order::Cause::EndOfRun);
                records
            };
            prop_assert_eq!(open(original), open(changed));
        }
    }

    #[test]
    fn batches_of_every_size_give_the_same(markets in markets(), seed in any::<u32>()) {
        let seed = u64::from(seed);
        let whole = run_in_batches(&markets, accounts(seed, markets.len()), usize::MAX);
        for batch_rows in [1, 2, 7, 64, 1024, 4096] {
            let ran = run_in_batches(&markets, accounts(seed, markets.len()), batch_rows);
            prop_assert_eq!(ran.hash(), whole.hash(), "{}", batch_rows);
            prop_assert_eq!(&ran.records, &whole.records);
        }
    }

    #[test]
    fn the_order_of_registration_changes_no_account(markets in markets(), seed in any::<u32>()) {
        let mut accounts = accounts(u64::from(seed), markets.len());
        let forth = run_in_batches(&markets, accounts.clone(), 32);
        accounts.reverse();
        let back = run_in_batches(&markets, accounts, 32);
        prop_assert_eq!(hashes(&forth), hashes(&back));
    }

    #[test]
    fn a_series_that_nobody_trades_changes_no_fill(
        traded_bars in gappy(), other in gappy(), seed in any::<u32>(),
    ) {
        let alone = traded("a", u64::from(seed), 1, Looks::Alone);
        let aside = || traded("a", u64::from(seed), 2, Looks::Aside);
        // The digest numbers positions over all strategies: one strategy has the same number in both.
        let only = |mut account: ContainerSpec| {
            account.strategies.truncate(1);
            account
        };
        let single = run_in_batches(std::slice::from_ref(&traded_bars), vec![alone.clone()], 64);
        let gappy = run_in_batches(&[traded_bars.clone(), other], vec![aside()], 16);
        prop_assert_eq!(&single.records[0].fills, &gappy.records[0].fills);
        prop_assert_eq!(&single.records[0].trades, &gappy.records[0].trades);
        let twice = [traded_bars.clone(), traded_bars];
        let aligned = run_in_batches(&twice, vec![aside()], 16);
        prop_assert_eq!(&single.records[0].equity, &aligned.records[0].equity);
        let single = run_in_batches(&twice[..1], vec![only(alone)], 64);
        let aligned = run_in_batches(&twice, vec![only(aside())], 16);
        prop_assert_eq!(single.hash(), aligned.hash());
    }

    #[test]
    fn quiet_runs_give_what_single_rows_give(markets in markets(), seed in any::<u32>()) {
        let accounts = accounts(u64::from(seed), markets.len());
        let watched = accounts.iter().cloned().map(|mut account| {
            account.drawdown_max = Some(1e9);
            account
        });
        let quiet = run_in_batches(&markets, accounts.clone(), 64);
        let rows = run_in_batches(&markets, watched.collect(), 64);
        prop_assert_eq!(quiet.hash(), rows.hash());
        prop_assert_eq!(&quiet.records, &rows.records);
        for (quiet, rows) in quiet.result.accounts.iter().zip(&rows.result.accounts) {
            prop_assert_eq!(&quiet.statistics, &rows.statistics);
        }
    }

    #[test]
    fn a_coarse_series_gives_the_same_however_it_came_about(markets in markets(), seed in any::<u32>()) {
        let accounts = || vec![traded("a", u64::from(seed), markets.len(), Looks::Everywhere)];
        let here = run(&set(source(&markets), accounts()));
        let there = run(&set(TwoFrames::new(&markets), accounts()));
        prop_assert!(there.result.series.iter().all(|series| series.aggregated_from.is_none()));
        prop_assert_eq!(here.hash(), there.hash());
    }

    #[test]
    fn no_order_meets_a_bar_that_opened_before_it_was_decided(markets in markets(), seed in any::<u32>()) {
        let ran = run_in_batches(&markets, accounts(u64::from(seed), markets.len()), 32);
        for records in &ran.records {
            let mut decided = HashMap::new();
            let mut parents = HashMap::new();
            for event in &records.orders {
                decided.entry(event.order).or_insert(event.ts_ns);
                parents.insert(event.order, event.parent);
            }
            for fill in &records.fills {
                let bars = &markets[fill.instrument.index()];
                let bar = bars.iter().find(|bar| bar.ts_close_ns == fill.ts_ns);
                let bar = bar.expect("a fill is posted when its bar closes");
                // An exit was decided with the order that it is attached to.
                let order = parents[&fill.order].unwrap_or(fill.order);
                prop_assert!(decided[&order] <= bar.ts_open_ns);
                let price = fill.price as f64 / 100.0;
                prop_assert!(bar.low <= price && price <= bar.high, "{price} in {bar:?}");
            }
        }
    }
}

#[test]
fn an_account_among_a_hundred_neighbours_gives_what_it_gives_alone() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tree = proptest::strategy::Strategy::new_tree(&prop::collection::vec(gappy(), 3), &mut runner);
    let markets = proptest::strategy::ValueTree::current(&tree.unwrap());
    let looks = [Looks::Alone, Looks::Aside, Looks::Everywhere];
    let accounts: Vec<_> = (0..101)
        .map(|k| traded(&format!("a{k}"), k, 1 + k as usize % 3, looks[k as usize / 3 % 3]))
        .collect();
    let together = run_in_batches(&markets, accounts.clone(), 32);
    let fills: usize = together.records.iter().map(|records| records.fills.len()).sum();
    assert!(fills > 1_000, "{fills}");
    for index in (0..101).step_by(7) {
        let alone = run_in_batches(&markets, vec![accounts[index].clone()], 1024);
        assert_eq!(alone.result.accounts[0].hash, together.result.accounts[index].hash);
        assert_eq!(alone.records[0], together.records[index]);
    }
}

/// One-minute bars, and five-minute bars that were aggregated before.
struct TwoFrames {
    fine: MemorySource,
    coarse: MemorySource,
}

impl TwoFrames {
    fn new(markets: &[Vec<Bar>]) -> Self {
        let coarse = markets.iter().zip(SYMBOLS).fold(MemorySource::new(), |source, (bars, symbol)| {
            let mut out = BarColumnsBuilder::default();
            Resampler::new(five_minutes(), None).rows(&BarColumns::from_bars(bars), &mut out);
            source.with(crate::kit::instrument(symbol), five_minutes(), out.finish())
        });
        Self { fine: source(markets), coarse }
    }

    fn of(&self, timeframe: Timeframe) -> &MemorySource {
        if timeframe == Timeframe::M1 { &self.fine } else { &self.coarse }
    }
}

impl Source for TwoFrames {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        self.fine.instruments()
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        Ok([self.fine.series(symbol)?, self.coarse.series(symbol)?].concat())
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        self.of(request.timeframe).open(request)
    }
}

//! What must hold for every strategy, whatever it does.

use std::sync::Arc;

use barhive_engine::registry::{StrategyFactory, factory};
use barhive_strategies::{
    BigBar, BigBarParams, Bollinger, BollingerParams, BuyAndHold, BuyAndHoldParams, DonchianBreakout,
    DonchianBreakoutParams, EmaCross, EmaCrossParams, Macd, MacdParams, MomentumRotation,
    MomentumRotationParams, PairZscore, PairZscoreParams, RsiReversion, RsiReversionParams, SmaCross,
    SmaCrossParams,
};

use crate::kit::{Prices, run, run_in_batches};

/// Every strategy with its defaults, and how many instruments it gets.
fn all() -> Vec<(&'static str, Arc<dyn StrategyFactory>, usize)> {
    vec![
        ("buy_and_hold", factory(BuyAndHoldParams::default(), BuyAndHold::new), 1),
        ("sma_cross", factory(SmaCrossParams::default(), SmaCross::new), 1),
        ("ema_cross", factory(EmaCrossParams::default(), EmaCross::new), 1),
        ("rsi_reversion", factory(RsiReversionParams::default(), RsiReversion::new), 1),
        ("macd", factory(MacdParams::default(), Macd::new), 1),
        ("bollinger", factory(BollingerParams::default(), Bollinger::new), 1),
        ("donchian_breakout", factory(DonchianBreakoutParams::default(), DonchianBreakout::new), 1),
        ("bigbar", factory(BigBarParams::default(), BigBar::new), 1),
        ("momentum_rotation", factory(MomentumRotationParams::default(), MomentumRotation::new), 3),
        ("pair_zscore", factory(PairZscoreParams::default(), PairZscore::new), 2),
    ]
}

fn markets(count: usize) -> Vec<Prices> {
    (0..count as u64).map(|seed| Prices::walk(1_500, 100 + seed)).collect()
}

#[test]
fn the_list_above_is_complete() {
    let registered: Vec<String> = crate::kit::registry().strategies().map(|def| def.name.clone()).collect();
    let mut listed: Vec<&str> = all().iter().map(|(name, ..)| *name).collect();
    listed.sort_unstable();
    assert_eq!(registered, listed);
}

#[test]
fn every_strategy_trades_the_same_in_every_batch_size() {
    for (name, strategy, instruments) in all() {
        let markets = markets(instruments);
        let whole = run(Arc::clone(&strategy), &markets).result;
        assert!(whole.accounts[0].fills > 0, "{name} must trade");
        for batch in [1, 2, 7, 64] {
            let split = run_in_batches(Arc::clone(&strategy), &markets, batch).result;
            assert_eq!(split.result_hash, whole.result_hash, "{name} in batches of {batch}");
        }
    }
}

#[test]
fn no_strategy_sees_what_comes_later() {
    for (name, strategy, instruments) in all() {
        let markets = markets(instruments);
        let mut scrambled = markets.clone();
        for prices in &mut scrambled {
            for column in [&mut prices.open, &mut prices.high, &mut prices.low, &mut prices.close] {
                column[900..].iter_mut().for_each(|cents| *cents = 20_000);
            }
        }
        let (whole, other) = (run(Arc::clone(&strategy), &markets), run(strategy, &scrambled));
        for index in 0..instruments as u32 {
            let before = |fills: Vec<(usize, i64, i64)>| -> Vec<_> {
                fills.into_iter().filter(|fill| fill.0 < 900).collect()
            };
            assert_eq!(before(whole.fills_of(index)), before(other.fills_of(index)), "{name}");
        }
    }
}

//! The Donchian breakout with its attached stop and target.

use barhive_engine::registry::factory;
use barhive_strategies::{Direction, DonchianBreakout, DonchianBreakoutParams};

use crate::kit::{Filled, Prices, run};

const PARAMS: DonchianBreakoutParams = DonchianBreakoutParams {
    entry: 5,
    exit: 3,
    atr: 2,
    stop_atr: 2.0,
    target_atr: 3.0,
    direction: Direction::Both,
};

/// Ten calm bars from 99.90 to 100.10, then a close at 100.40: the breakout, decided at bar 10.
///
/// True ranges: 20 cents in the calm, 50 in the breakout bar; the average over 2 is then 35 cents.
fn breakout() -> Prices {
    let mut prices = Prices::default();
    for _ in 0..10 {
        prices.push(10_000, 10_010, 9_990, 10_000);
    }
    prices.push(10_000, 10_050, 10_000, 10_040);
    prices
}

fn fills(prices: Prices, params: DonchianBreakoutParams) -> Vec<Filled> {
    run(factory(params, DonchianBreakout::new), &[prices]).fills()
}

#[test]
fn a_breakout_enters_at_the_next_open_and_its_target_fills_at_its_price() {
    let mut prices = breakout();
    prices.push(10_045, 10_060, 10_030, 10_050);
    // Three average ranges of 35 cents above the close of 100.40.
    prices.push(10_050, 10_150, 10_040, 10_120);
    prices.push(10_120, 10_120, 10_120, 10_120);
    assert_eq!(fills(prices, PARAMS)[..2], [(11, 1, 10_045), (12, -1, 10_145)]);
}

#[test]
fn its_stop_fills_at_its_price_and_at_the_open_when_the_market_gaps_through() {
    // Two average ranges of 35 cents below the close of 100.40.
    let mut prices = breakout();
    prices.push(10_045, 10_060, 10_030, 10_050);
    prices.push(10_030, 10_030, 9_960, 9_990);
    prices.push(9_990, 9_990, 9_990, 9_990);
    assert_eq!(fills(prices, PARAMS)[..2], [(11, 1, 10_045), (12, -1, 9_970)]);

    let mut prices = breakout();
    prices.push(10_045, 10_060, 10_030, 10_050);
    prices.push(9_900, 9_950, 9_890, 9_940);
    prices.push(9_940, 9_940, 9_940, 9_940);
    assert_eq!(fills(prices, PARAMS)[..2], [(11, 1, 10_045), (12, -1, 9_900)]);
}

#[test]
fn stop_and_target_move_away_from_the_close_to_whole_ticks() {
    // 1.31 ranges are 45.85 cents: 99.9415 and 100.8585.
    let params = DonchianBreakoutParams { stop_atr: 1.31, target_atr: 1.31, ..PARAMS };
    let mut prices = breakout();
    prices.push(10_040, 10_045, 10_035, 10_040);
    prices.push(10_040, 10_095, 10_035, 10_040);
    assert_eq!(fills(prices, params.clone())[1], (12, -1, 10_086));
    let mut prices = breakout();
    prices.push(10_040, 10_045, 10_035, 10_040);
    prices.push(10_040, 10_045, 9_990, 10_000);
    assert_eq!(fills(prices, params)[1], (12, -1, 9_994));
}

#[test]
fn a_close_below_the_exit_channel_closes_the_position() {
    let mut prices = breakout();
    prices.push(10_045, 10_060, 10_040, 10_055);
    prices.push(10_055, 10_065, 10_045, 10_060);
    prices.push(10_060, 10_070, 10_050, 10_065);
    // Below the lows of the three bars before, above the stop at 99.70.
    prices.push(10_060, 10_060, 10_020, 10_030);
    prices.push(10_031, 10_035, 10_030, 10_030);
    assert_eq!(fills(prices, PARAMS), [(11, 1, 10_045), (15, -1, 10_031)]);
}

#[test]
fn a_breakout_below_goes_short_only_where_it_may() {
    let mut prices = Prices::default();
    for _ in 0..10 {
        prices.push(10_000, 10_010, 9_990, 10_000);
    }
    prices.push(10_000, 10_000, 9_950, 9_960);
    prices.push(9_955, 9_970, 9_950, 9_960);
    prices.push(9_960, 9_970, 9_950, 9_960);
    assert_eq!(fills(prices.clone(), PARAMS), [(11, -1, 9_955)]);
    assert_eq!(fills(prices, DonchianBreakoutParams { direction: Direction::Long, ..PARAMS }), []);
}

#[test]
fn a_target_below_zero_is_left_out_and_the_short_still_opens() {
    let params = DonchianBreakoutParams { target_atr: 1e6, ..PARAMS };
    let mut prices = Prices::default();
    for _ in 0..10 {
        prices.push(10_000, 10_010, 9_990, 10_000);
    }
    prices.push(10_000, 10_000, 9_950, 9_960);
    prices.push(9_955, 9_970, 9_950, 9_960);
    assert_eq!(fills(prices, params), [(11, -1, 9_955)]);
}

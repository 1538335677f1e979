//! Strategies on one instrument, from lines that cross and levels that are left.

use barhive_engine::registry::factory;
use barhive_strategies::{
    Bollinger, BollingerParams, BuyAndHold, BuyAndHoldParams, Direction, EmaCross, EmaCrossParams, Macd,
    MacdParams, RsiReversion, RsiReversionParams, SmaCross, SmaCrossParams,
};

use crate::kit::{Prices, fills_for, run};

/// The position that follows the signs: nothing before the first change, ties keep the last sign.
fn follow(signs: impl IntoIterator<Item = i64>, direction: Direction) -> Vec<i64> {
    let (mut last, mut held) = (0, 0);
    signs
        .into_iter()
        .map(|sign| {
            if sign != 0 && sign != last {
                if last != 0 {
                    held = if direction == Direction::Long { sign.max(0) } else { sign };
                }
                last = sign;
            }
            held
        })
        .collect()
}

fn sign(x: f64) -> i64 {
    if x.is_nan() || x == 0.0 { 0 } else { x.signum() as i64 }
}

fn ema(x: &[f64], n: usize, alpha: f64, from: usize) -> Vec<f64> {
    let mut out = vec![f64::NAN; from + n - 1];
    let mut y = x[from..from + n].iter().sum::<f64>() / n as f64;
    out.push(y);
    for value in &x[from + n..] {
        y += alpha * (value - y);
        out.push(y);
    }
    out
}

/// The position between levels: below the low one long, above the high one short, flat at the middle.
fn revert(rows: impl IntoIterator<Item = [f64; 4]>, direction: Direction) -> Vec<i64> {
    let mut held = 0i64;
    rows.into_iter()
        .map(|[value, low, middle, high]| {
            if value < low {
                held = 1;
            } else if value > high && direction == Direction::Both {
                held = -1;
            } else if (held > 0 && value >= middle) || (held < 0 && value <= middle) {
                held = 0;
            }
            held
        })
        .collect()
}

#[test]
fn buy_and_hold_buys_once_at_the_second_bar() {
    let prices = Prices::walk(300, 1);
    let ran = run(factory(BuyAndHoldParams {}, BuyAndHold::new), std::slice::from_ref(&prices));
    assert_eq!(ran.fills(), [(1, 1, prices.open[1])]);
}

#[test]
fn sma_cross_trades_the_signs_of_exact_sums() {
    // Walks in steps of a cent or two tie often.
    for (seed, direction) in [(1, Direction::Both), (2, Direction::Long), (3, Direction::Both)] {
        let steps: Vec<i64> = Prices::walk(5_000, seed).close.iter().map(|cents| cents / 25).collect();
        let prices = Prices::of_closes(&steps);
        let (fast, slow) = (3usize, 8usize);
        let sum = |row: usize, n: usize| prices.close[row + 1 - n..=row].iter().sum::<i64>();
        let exact = |row| (sum(row, fast) * slow as i64 - sum(row, slow) * fast as i64).signum();
        let signs: Vec<i64> =
            (0..prices.len()).map(|row| if row + 1 < slow { 0 } else { exact(row) }).collect();
        assert!(signs[slow..].contains(&0), "the walk must have ties");
        let params =
            SmaCrossParams { fast: fast as u32, slow: slow as u32, direction, ..SmaCrossParams::default() };
        let ran = run(factory(params, SmaCross::new), std::slice::from_ref(&prices));
        let expected = fills_for(&follow(signs, direction), &prices);
        assert!(expected.len() > 200);
        assert_eq!(ran.fills(), expected);
    }
}

#[test]
fn ema_cross_trades_the_signs_of_the_difference() {
    for direction in [Direction::Both, Direction::Long] {
        let prices = Prices::walk(5_000, 4);
        let closes = prices.closes();
        let (fast, slow) = (ema(&closes, 5, 2.0 / 6.0, 0), ema(&closes, 12, 2.0 / 13.0, 0));
        let signs = fast.iter().zip(&slow).map(|(fast, slow)| sign(fast - slow));
        let params = EmaCrossParams { fast: 5, slow: 12, direction, ..EmaCrossParams::default() };
        let ran = run(factory(params, EmaCross::new), std::slice::from_ref(&prices));
        let expected = fills_for(&follow(signs, direction), &prices);
        assert!(expected.len() > 100);
        assert_eq!(ran.fills(), expected);
    }
}

#[test]
fn macd_trades_the_signs_of_the_histogram() {
    let prices = Prices::walk(5_000, 5);
    let closes = prices.closes();
    let (fast, slow) = (ema(&closes, 5, 2.0 / 6.0, 6), ema(&closes, 11, 2.0 / 12.0, 0));
    let macd: Vec<f64> = fast.iter().zip(&slow).map(|(fast, slow)| fast - slow).collect();
    let signal = ema(&macd, 4, 2.0 / 5.0, 10);
    let signs = macd.iter().zip(&signal).map(|(macd, signal)| sign(macd - signal));
    let params = MacdParams { fast: 5, slow: 11, signal: 4, ..MacdParams::default() };
    let ran = run(factory(params, Macd::new), std::slice::from_ref(&prices));
    let expected = fills_for(&follow(signs, Direction::Both), &prices);
    assert!(expected.len() > 300);
    assert_eq!(ran.fills(), expected);
}

#[test]
fn rsi_reversion_trades_between_its_levels() {
    for direction in [Direction::Both, Direction::Long] {
        let prices = Prices::walk(5_000, 6);
        let closes = prices.closes();
        let part = |sign: f64| -> Vec<f64> {
            let changes = closes.windows(2).map(|pair| (sign * (pair[1] - pair[0])).max(0.0));
            std::iter::once(0.0).chain(changes).collect()
        };
        let (gains, losses) = (ema(&part(1.0), 9, 1.0 / 9.0, 1), ema(&part(-1.0), 9, 1.0 / 9.0, 1));
        let rsi = gains.iter().zip(&losses).map(|(gain, loss)| 100.0 * gain / (gain + loss));
        let params = RsiReversionParams { period: 9, direction, ..RsiReversionParams::default() };
        let ran = run(factory(params, RsiReversion::new), std::slice::from_ref(&prices));
        let wanted = revert(rsi.map(|rsi| [rsi, 30.0, 50.0, 70.0]), direction);
        let expected = fills_for(&wanted, &prices);
        assert!(expected.len() > 100, "{}", expected.len());
        assert_eq!(ran.fills(), expected);
    }
}

#[test]
fn bollinger_trades_from_the_bands_to_the_middle() {
    for direction in [Direction::Both, Direction::Long] {
        let prices = Prices::walk(5_000, 7);
        let closes = prices.closes();
        let rows = (0..prices.len()).map(|row| {
            if row < 19 {
                return [f64::NAN; 4];
            }
            let window = &closes[row - 19..=row];
            let mean = window.iter().sum::<f64>() / 20.0;
            let spread = (window.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20.0).sqrt();
            [closes[row], mean - 1.7 * spread, mean, mean + 1.7 * spread]
        });
        let params = BollingerParams { period: 20, deviations: 1.7, direction };
        let ran = run(factory(params, Bollinger::new), std::slice::from_ref(&prices));
        let expected = fills_for(&revert(rows, direction), &prices);
        assert!(expected.len() > 100);
        assert_eq!(ran.fills(), expected);
    }
}

#[test]
fn a_long_only_cross_leaves_nothing_that_it_never_entered() {
    // The first change is downwards: there is nothing to close, and no order for it.
    let closes: Vec<i64> =
        (0..40).map(|row| if row < 20 { 10_000 + row * 10 } else { 10_400 - row * 10 }).collect();
    let params = SmaCrossParams { fast: 2, slow: 5, direction: Direction::Long, ..SmaCrossParams::default() };
    let ran = run(factory(params, SmaCross::new), &[Prices::of_closes(&closes)]);
    assert_eq!(ran.result.accounts[0].orders, 0);
}

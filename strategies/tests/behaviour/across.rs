//! Strategies that look across instruments.

use barhive_engine::registry::factory;
use barhive_strategies::{MomentumRotation, MomentumRotationParams, PairZscore, PairZscoreParams};

use crate::kit::{Prices, fills_for, run};

/// A market whose close moves by `steps` cents a bar, each for as many bars as said.
fn legs(steps: &[(i64, usize)]) -> Prices {
    let mut close = 10_000;
    let closes: Vec<i64> = steps
        .iter()
        .flat_map(|(step, bars)| std::iter::repeat_n(*step, *bars))
        .map(|step| {
            close += step;
            close
        })
        .collect();
    Prices::of_closes(&closes)
}

#[test]
fn rotation_holds_the_strongest_and_changes_only_when_it_ranks() {
    let markets = [legs(&[(5, 20), (-5, 40)]), legs(&[(1, 60)]), legs(&[(-3, 30), (9, 30)])];
    let params = MomentumRotationParams { period: 5, hold: 1, every: 10, momentum_min_pct: None };
    let ran = run(factory(params, MomentumRotation::new), &markets);
    // Rates exist from bar 5 on; rankings at 5, 15, 25, 35, 45, 55. A leads until 20, then B until
    // C has turned.
    let held = |bars: std::ops::Range<usize>| -> Vec<i64> {
        (0..60).map(|row| i64::from(bars.contains(&row))).collect()
    };
    assert_eq!(ran.fills_of(0), fills_for(&held(5..25), &markets[0]));
    assert_eq!(ran.fills_of(1), fills_for(&held(25..35), &markets[1]));
    assert_eq!(ran.fills_of(2), fills_for(&held(35..60), &markets[2]));
}

#[test]
fn rotation_holds_only_what_has_moved_enough_and_takes_equals_in_order() {
    let markets = [legs(&[(1, 40)]), legs(&[(1, 40)]), legs(&[(-1, 40)])];
    let params = MomentumRotationParams { period: 4, hold: 2, every: 5, momentum_min_pct: Some(0.0) };
    let ran = run(factory(params.clone(), MomentumRotation::new), &markets);
    assert_eq!((0..3).map(|i| ran.fills_of(i).len()).collect::<Vec<_>>(), [1, 1, 0]);
    let one = MomentumRotationParams { hold: 1, ..params.clone() };
    let ran = run(factory(one, MomentumRotation::new), &markets);
    assert_eq!((0..3).map(|i| ran.fills_of(i).len()).collect::<Vec<_>>(), [1, 0, 0]);
    let none = MomentumRotationParams { momentum_min_pct: Some(50.0), ..params };
    let ran = run(factory(none, MomentumRotation::new), &markets);
    assert_eq!(ran.result.accounts[0].orders, 0);
}

#[test]
fn a_pair_opens_where_its_ratio_strays_and_closes_when_it_is_back() {
    let (a, b) = (Prices::walk(3_000, 11), Prices::walk(3_000, 12));
    let (n, entry, exit) = (30usize, 2.0, 0.5);
    let (a_closes, b_closes) = (a.closes(), b.closes());
    let ratios: Vec<f64> = a_closes.iter().zip(&b_closes).map(|(a, b)| a / b).collect();
    let mut side = 0i64;
    let wanted: Vec<i64> = (0..ratios.len())
        .map(|row| {
            if row + 1 >= n {
                let window = &ratios[row + 1 - n..=row];
                let mean = window.iter().sum::<f64>() / n as f64;
                let spread = (window.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
                let score = (ratios[row] - mean) / spread;
                side = match side {
                    _ if score >= entry => -1,
                    _ if score <= -entry => 1,
                    -1 if score > exit => -1,
                    1 if score < -exit => 1,
                    _ => 0,
                };
            }
            side
        })
        .collect();
    let params = PairZscoreParams { period: n as u32, entry, exit };
    let ran = run(factory(params, PairZscore::new), &[a.clone(), b.clone()]);
    let expected = fills_for(&wanted, &a);
    assert!(expected.len() > 60, "{}", expected.len());
    assert_eq!(ran.fills_of(0), expected);
    let other_way: Vec<i64> = wanted.iter().map(|side| -side).collect();
    assert_eq!(ran.fills_of(1), fills_for(&other_way, &b));
}

#[test]
fn a_pair_that_moves_together_is_never_opened() {
    let a = Prices::walk(500, 13);
    let params = PairZscoreParams { period: 20, ..PairZscoreParams::default() };
    let ran = run(factory(params, PairZscore::new), &[a.clone(), a]);
    assert_eq!(ran.result.accounts[0].orders, 0);
}

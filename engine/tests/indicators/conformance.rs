//! What every indicator must keep, whatever it computes.

use barhive_engine::indicator::{InputKind, ParamKind, builtin};
use proptest::prelude::*;

use crate::{
    market::{Market, markets},
    run::{bits, cases, feed},
};

/// Pieces that cut `rows` rows at the given places.
fn pieces(rows: usize, cuts: &[usize]) -> Vec<usize> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (rows + 1)).collect();
    cuts.push(rows);
    cuts.sort_unstable();
    let mut start = 0;
    cuts.into_iter().map(|cut| cut - std::mem::replace(&mut start, cut)).collect()
}

fn walk(rows: usize) -> Market {
    let units: Vec<i64> = (0..rows as i64).map(|row| 500_000 + row * row * 7919 % 997 - row % 13).collect();
    Market::from_units(&units, 100.0)
}

#[test]
fn every_way_to_cut_eleven_rows_gives_the_same_bits() {
    for factor in [Some(100.0), None] {
        let market = Market { factor, ..walk(11) };
        for case in cases() {
            let whole = bits(&case.whole(&market));
            for mask in 0u32..1 << 10 {
                let cuts: Vec<usize> = (1..11).filter(|cut| mask >> (cut - 1) & 1 == 1).collect();
                let split = bits(&case.split(&market, &pieces(11, &cuts)));
                assert_eq!(split, whole, "{case:?} cut at {cuts:?}");
            }
        }
    }
}

#[test]
fn every_batch_size_gives_the_same_bits() {
    for factor in [Some(100.0), None] {
        let market = Market { factor, ..walk(9_001) };
        for case in cases() {
            let whole = bits(&case.whole(&market));
            for size in [1usize, 2, 7, 64, 1024, 4096] {
                let sizes = vec![size; market.len().div_ceil(size)];
                assert_eq!(bits(&case.split(&market, &sizes)), whole, "{case:?} in batches of {size}");
            }
        }
    }
}

#[test]
fn values_are_missing_before_the_warm_up_and_finite_from_then_on() {
    let market = walk(200);
    for case in cases() {
        for column in case.whole(&market) {
            let (cold, warm) = column.split_at(case.warm_up() - 1);
            assert!(cold.iter().all(|value| value.is_nan()), "{case:?}: {cold:?}");
            assert!(warm.iter().all(|value| value.is_finite()), "{case:?}: {warm:?}");
            assert!(!warm.is_empty());
        }
    }
}

#[test]
fn extreme_but_valid_inputs_give_finite_values() {
    let flat = Market::from_units(&[70_000; 300], 1e4);
    let tiny = Market::from_units(&[1; 300], 1e12);
    let huge: Vec<i64> = (0..300).map(|row| 900_000_000_000_000 + row % 7).collect();
    let huge = Market::from_units(&huge, 1.0);
    let lone_spike: Vec<i64> = (0..300).map(|row| if row == 50 { 1 << 52 } else { 3 }).collect();
    let spike = Market::from_units(&lone_spike, 1e6);
    for market in [flat, tiny, huge, spike] {
        for market in [Market { factor: None, ..market.clone() }, market] {
            for case in cases() {
                for column in case.whole(&market) {
                    let warm = &column[case.warm_up() - 1..];
                    assert!(warm.iter().all(|value| value.is_finite()), "{case:?}: {warm:?}");
                }
            }
        }
    }
}

#[test]
fn definitions_say_all_that_a_user_needs() {
    let mut names = std::collections::BTreeSet::new();
    for def in builtin() {
        assert!(names.insert(def.name), "{} is defined twice", def.name);
        let doc = def.doc;
        for text in [doc.summary, doc.formula, doc.inputs, doc.output, doc.warm_up, doc.seeding, doc.source] {
            assert!(!text.is_empty(), "{}: {doc:?}", def.name);
        }
        assert!(!def.outputs.is_empty());
        for param in &def.params {
            assert!(!param.doc.is_empty());
            match param.kind {
                ParamKind::Int { min, max, default } => assert!(min <= default && default <= max),
                ParamKind::Float { min, max, default } => assert!(min <= default && default <= max),
            }
        }
    }
}

/// How values answer to prices times 2: times 2 as well, or not at all.
fn grows_with_prices(name: &str) -> bool {
    !matches!(name, "rsi" | "roc" | "zscore")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_split_gives_the_same_bits(
        market in markets(1..220), cuts in prop::collection::vec(0usize..1000, 0..12),
    ) {
        for case in cases() {
            let split = case.split(&market, &pieces(market.len(), &cuts));
            prop_assert_eq!(bits(&split), bits(&case.whole(&market)), "{:?}", case);
        }
    }

    #[test]
    fn a_snapshot_continues_as_if_nothing_had_happened(market in markets(2..160), at in 0usize..160) {
        let at = at % market.len();
        for case in cases() {
            let whole = case.whole(&market);
            let mut kernel = case.kernel();
            let mut columns = case.columns(market.len());
            let head = Market { close: market.close[..at].to_vec(), ..market.clone() };
            feed(&mut *kernel, &head, 0, &[at], &mut columns);
            let mut copy = kernel.snapshot();
            // What the original does afterwards must not reach the copy.
            feed(&mut *kernel, &market, at, &[market.len() - at], &mut columns);
            prop_assert_eq!(bits(&columns), bits(&whole));
            let mut again = columns.clone();
            again.iter_mut().for_each(|column| column[at..].fill(0.0));
            feed(&mut *copy, &market, at, &[market.len() - at], &mut again);
            prop_assert_eq!(bits(&again), bits(&whole), "{:?}", case);
        }
    }

    #[test]
    fn no_value_depends_on_a_later_row(market in markets(2..160), at in 0usize..160) {
        let at = at % market.len();
        let mut scrambled = market.clone();
        for column in [&mut scrambled.open, &mut scrambled.high, &mut scrambled.low, &mut scrambled.close] {
            column[at..].iter_mut().enumerate().for_each(|(i, price)| *price *= (i % 5 + 1) as f64);
        }
        for case in cases() {
            let (before, after) = (case.whole(&market), case.whole(&scrambled));
            for (before, after) in before.iter().zip(&after) {
                prop_assert_eq!(bits(&[before[..at].to_vec()]), bits(&[after[..at].to_vec()]), "{:?}", case);
            }
        }
    }

    #[test]
    fn doubled_prices_double_prices_and_leave_ratios_alone(market in markets(40..120)) {
        // Doubling is exact in binary: without units every value must follow to the bit.
        let market = Market { factor: None, ..market };
        let doubled = market.times(2.0, None);
        for case in cases() {
            let by = if grows_with_prices(case.def.name) { 2.0 } else { 1.0 };
            let (once, twice) = (case.whole(&market), case.whole(&doubled));
            for (once, twice) in once.iter().zip(&twice) {
                let expected: Vec<f64> = once.iter().map(|value| value * by).collect();
                prop_assert_eq!(bits(&[expected]), bits(std::slice::from_ref(twice)), "{:?}", case);
            }
        }
    }

    #[test]
    fn whole_bars_do_not_care_about_the_value_column(market in markets(30..90)) {
        let other = Market { close: market.close.clone(), ..market.clone() };
        for case in cases().into_iter().filter(|case| case.def.input == InputKind::Bars) {
            let mut columns = case.columns(market.len());
            let mut input = other.input(0, market.len());
            let nonsense = vec![1.0; market.len()];
            input.x = &nonsense;
            let mut slices: Vec<&mut [f64]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
            case.kernel().update(&input, &mut barhive_engine::indicator::Output::new(&mut slices));
            prop_assert_eq!(bits(&columns), bits(&case.whole(&market)), "{:?}", case);
        }
    }
}

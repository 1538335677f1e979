//! The sixteen classes of bad bars, injected at random: every one is found, counted and treated as its
//! policy says, and what comes out is finite and strictly increasing.
//!
//! `BARHIVE_FUZZ_CASES` sets how many random files of 240 bars are tried, 300 by default; 42,000 are ten
//! million bars and take two minutes: `BARHIVE_FUZZ_CASES=42000 cargo test -p barhive-feeds --test quality_rules`.

mod support;

use std::collections::BTreeMap;

use barhive_engine::{
    indicator::{self, Input, Output, Params},
    time::{NS_PER_MINUTE, NS_PER_SECOND},
};
use barhive_feeds::{
    import::{ImportReport, ImportSpec},
    quality::{Fault, Policies, Policy},
};
use proptest::prelude::*;
use support::*;

const START_MS: i64 = 1_577_836_800_000;
const MINUTE_MS: i64 = 60_000;
/// Faults are so many rows apart, so that each is alone with its neighbours.
const APART: usize = 8;

/// A row of text: stamp and five values.
#[derive(Clone, Debug)]
struct Row {
    symbol: &'static str,
    stamp: i64,
    cells: [String; 5],
}

fn good_row(at: usize, price: f64) -> Row {
    let values = [price, price + 2.0, price - 2.0, price + 1.0, 10.0 + at as f64];
    let cells = values.map(|value| format!("{value:.4}"));
    Row { symbol: "X", stamp: START_MS + at as i64 * MINUTE_MS, cells }
}

/// Puts a fault of a class into row `at`; the others stay good. Answers how many rows were added.
fn inject(rows: &mut Vec<Row>, at: usize, fault: Fault, kind: usize) {
    let stamp = rows[at].stamp;
    let cell = kind % 4;
    let set = |rows: &mut Vec<Row>, cell: usize, text: &str| rows[at].cells[cell] = text.to_owned();
    match fault {
        Fault::Nan => set(rows, kind % 5, ["NaN", "", "null"][kind % 3]),
        Fault::Infinite => set(rows, 1, "inf"),
        Fault::NonPositive => set(rows, 2, ["0", "-3.5"][kind % 2]),
        Fault::TooLarge => set(rows, 1, ["1e308", "1000000000000001"][kind % 2]),
        Fault::TooSmall => set(rows, 2, ["5e-324", "0.0000000000009"][kind % 2]),
        Fault::HighBelowLow => {
            let (high, low) = (rows[at].cells[1].clone(), rows[at].cells[2].clone());
            set(rows, 1, &low);
            set(rows, 2, &high);
        }
        Fault::OutsideRange => {
            let high = rows[at].cells[1].clone();
            set(rows, if cell < 2 { 0 } else { 3 }, &format!("{}9", high.replace('.', "9.")));
        }
        Fault::NegativeVolume => set(rows, 4, "-1"),
        Fault::Duplicate => {
            let copy = rows[at].clone();
            rows.insert(at + 1, copy);
            if kind % 2 == 1 {
                rows[at + 1].cells[4] = "77".into();
            }
        }
        Fault::OutOfOrder => rows[at].stamp = stamp - 3 * MINUTE_MS - 1,
        Fault::Gap => {
            rows.remove(at);
        }
        Fault::Overlap => rows[at].stamp = stamp - MINUTE_MS / 2,
        Fault::Future => rows[at].stamp = START_MS + 1_000_000 * MINUTE_MS,
        Fault::EpochZero => rows[at].stamp = 0,
        Fault::UnitConfusion => {
            rows[at].stamp = [stamp / 1_000, stamp * 1_000, stamp * 1_000_000][kind % 3];
        }
        Fault::WrongSymbol => rows[at].symbol = "Y",
        Fault::Unreadable => set(rows, cell, "12x"),
    }
}

fn text_of(rows: &[Row], with_symbol: bool) -> String {
    let mut text = String::from(if with_symbol { "symbol," } else { "" });
    text.push_str("ts_ms,open,high,low,close,volume\n");
    for row in rows {
        if with_symbol {
            text.push_str(row.symbol);
            text.push(',');
        }
        text.push_str(&format!("{},{}\n", row.stamp, row.cells.join(",")));
    }
    text
}

fn spec(policies: Policies) -> ImportSpec {
    ImportSpec {
        symbol: Some("X".into()),
        timeframe: Some("1m".parse().unwrap()),
        quality: policies,
        now_ns: Some((START_MS + 500_000 * MINUTE_MS) * 1_000_000),
        rows_listed: 10_000,
        ..ImportSpec::default()
    }
}

fn found(report: &ImportReport) -> BTreeMap<Fault, (u64, u64, u64, u64)> {
    report
        .faults
        .iter()
        .map(|c| {
            assert_eq!(c.rows.len() as u64, c.found);
            (c.fault, (c.found, c.rejected, c.dropped, c.repaired))
        })
        .collect()
}

/// What injected faults come to under one policy for all: (found, rejected, dropped, repaired) by class.
fn expected(injected: &[(Fault, usize)], policy: Policy) -> BTreeMap<Fault, (u64, u64, u64, u64)> {
    let mut counts = BTreeMap::<Fault, (u64, u64, u64, u64)>::new();
    for &(fault, kind) in injected {
        let policies = Policies::all(policy);
        let exact = kind % 2 == 0;
        let done = match (fault, policies.of(fault)) {
            (Fault::Duplicate, Policy::Drop) if !exact => Policy::Reject,
            (Fault::Duplicate, Policy::Repair) => Policy::Drop,
            (_, done) => done,
        };
        let count = counts.entry(fault).or_default();
        count.0 += 1;
        match done {
            Policy::Reject => count.1 += 1,
            Policy::Drop => count.2 += 1,
            Policy::Repair => count.3 += 1,
            Policy::Count | Policy::Halt => {}
        }
    }
    counts
}

fn cases() -> u32 {
    std::env::var("BARHIVE_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(Fault::ALL.to_vec())
}

fn market(rows: usize) -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(10.0f64..1000.0, rows)
        .prop_map(|prices| prices.into_iter().enumerate().map(|(at, price)| good_row(at, price)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn every_injected_fault_is_counted_by_class_and_policy(
        mut rows in market(APART * 30),
        faults in prop::collection::vec((any_fault(), 0usize..60), 1..29),
        policy in prop::sample::select(vec![Policy::Reject, Policy::Drop, Policy::Repair]),
    ) {
        // From the end, so that added and removed rows move none that is still to come.
        for (block, (fault, kind)) in faults.iter().enumerate().rev() {
            inject(&mut rows, (block + 1) * APART, *fault, *kind);
        }
        let mut policies = Policies::all(policy);
        for fault in [Fault::WrongSymbol, Fault::Unreadable, Fault::Future, Fault::EpochZero] {
            if policy == Policy::Repair {
                policies.set(fault, Policy::Reject);
            }
        }
        let text = text_of(&rows, true);
        let (kept, report) = import_text(&text, &spec(policies.clone())).unwrap();
        assert_sound(kept.bars());
        prop_assert_eq!(report.rows_read, rows.len() as u64);
        prop_assert_eq!(report.rows_kept + report.rows_rejected + report.rows_dropped, report.rows_read);

        let mut seen = found(&report);
        let mut wanted = expected(&faults, policy);
        for fault in [Fault::WrongSymbol, Fault::Unreadable, Fault::Future, Fault::EpochZero] {
            if policy == Policy::Repair && let Some(count) = wanted.get_mut(&fault) {
                *count = (count.0, count.0, 0, 0);
            }
        }
        // A row whose stamp cannot be used leaves a hole; holes are counted as gaps beside the injected.
        let holes = faults.iter().filter(|(fault, _)| match fault {
            Fault::OutOfOrder | Fault::EpochZero => true,
            Fault::Future | Fault::WrongSymbol | Fault::Unreadable => true,
            Fault::UnitConfusion => policy != Policy::Repair,
            _ => false,
        }).count() as u64;
        let moved = faults.iter().filter(|(fault, _)| *fault == Fault::OutOfOrder).count() as u64;
        let moved_overlaps = seen.get(&Fault::Overlap).map_or(0, |c| c.0)
            - wanted.get(&Fault::Overlap).map_or(0, |c| c.0);
        let injected_gaps = wanted.get(&Fault::Gap).map_or(0, |c| c.0);
        // An overlapping bar closes half a bar early: the step behind it is half a gap.
        let early = wanted.get(&Fault::Overlap).map_or(0, |c| c.0);
        let gaps = seen.get(&Fault::Gap).map_or(0, |c| c.0);
        prop_assert_eq!(gaps, injected_gaps + holes + early, "{:?}", faults);
        if policy == Policy::Repair {
            // A row moved to its place by sorting overlaps the one that stands there, and the one behind.
            prop_assert!(moved_overlaps <= 2 * moved);
        } else {
            prop_assert_eq!(moved_overlaps, 0);
        }
        for map in [&mut seen, &mut wanted] {
            map.remove(&Fault::Gap);
            if policy == Policy::Repair {
                map.remove(&Fault::Overlap);
            }
        }
        prop_assert_eq!(seen, wanted);
    }

    #[test]
    fn the_first_fault_halts_where_that_is_asked_for(
        mut rows in market(APART * 4),
        fault in any_fault(),
        kind in 0usize..60,
    ) {
        inject(&mut rows, 2 * APART, fault, kind);
        let mut policies = Policies::all(Policy::Reject);
        policies.set(fault, Policy::Halt);
        let spec = spec(policies);
        let told = import_text(&text_of(&rows, true), &spec).err().map(|fault| fault.to_string());
        let row = 2 * APART as u64 + if fault == Fault::Duplicate { 2 } else { 1 };
        let told = told.unwrap_or_default();
        let expected = match fault {
            Fault::Unreadable => "a bar".to_owned(),
            Fault::WrongSymbol => "a row of an instrument that was asked for".to_owned(),
            _ => format!("no row in which {}", fault.what()),
        };
        prop_assert!(told.contains(&format!("row {row}: expected {expected}, found")), "{}", told);
        prop_assert!(told.contains(&format!("quality.{}: reject", fault.name())), "{}", told);
    }

    #[test]
    fn whatever_the_text_says_what_comes_out_is_sound(
        rows in prop::collection::vec((any::<i32>(), prop::array::uniform5(messy_cell())), 1..60),
        policy in prop::sample::select(vec![Policy::Count, Policy::Repair, Policy::Drop, Policy::Reject]),
    ) {
        let mut text = "ts_ms,open,high,low,close,volume\n".to_owned();
        for (step, cells) in rows {
            let stamp = START_MS + i64::from(step % 40) * MINUTE_MS / 2;
            text.push_str(&format!("{stamp},{}\n", cells.join(",")));
        }
        let mut policies = Policies::all(policy);
        policies.unreadable = Policy::Drop;
        if let Ok((kept, report)) = import_text(&text, &spec(policies)) {
            assert_sound(kept.bars());
            prop_assert_eq!(report.rows_kept + report.rows_rejected + report.rows_dropped, report.rows_read);
            prop_assert_eq!(kept.bars().len() as u64, report.rows_kept + report.bars_filled);
        }
    }
}

fn messy_cell() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (1.0f64..3.0).prop_map(|value| format!("{value:.2}")),
        1 => any::<f64>().prop_map(|value| value.to_string()),
        1 => prop::sample::select(vec!["", "NaN", "-inf", "0", "-1", "1e400", "1e-400", "x", "2e0", "1e15"])
            .prop_map(str::to_owned),
    ]
}

#[test]
fn the_defaults_halt_reject_drop_and_count_as_promised() {
    let base: Vec<Row> = (0..40).map(|at| good_row(at, 100.0)).collect();
    let outcome = |fault: Fault| {
        let mut rows = base.clone();
        inject(&mut rows, 20, fault, 0);
        import_text(&text_of(&rows, true), &spec(Policies::default()))
    };
    for fault in Fault::ALL {
        let outcome = outcome(fault);
        match fault {
            Fault::WrongSymbol | Fault::UnitConfusion | Fault::Unreadable => {
                assert!(outcome.is_err(), "{fault} halts");
            }
            Fault::Duplicate => assert_eq!(outcome.unwrap().1.rows_dropped, 1),
            Fault::Gap => {
                let (kept, report) = outcome.unwrap();
                assert_eq!((kept.bars().len(), report.rows_rejected), (39, 0));
                assert_eq!(found(&report)[&Fault::Gap].0, 1);
            }
            _ => assert_eq!(outcome.unwrap().1.rows_rejected, 1, "{fault} is rejected"),
        }
    }
}

#[test]
fn a_repaired_gap_is_filled_with_flat_bars_and_bounded() {
    let mut rows: Vec<Row> = (0..40).map(|at| good_row(at, 100.0)).collect();
    rows.drain(10..15);
    let policies = Policies { gap: Policy::Repair, ..Policies::default() };
    let (kept, report) = import_text(&text_of(&rows, false), &spec(policies.clone())).unwrap();
    assert_eq!((kept.bars().len(), report.rows_kept, report.bars_filled), (40, 35, 5));
    let bar = kept.bars().bar(12);
    assert_eq!((bar.open, bar.high, bar.low, bar.close, bar.volume), (101.0, 101.0, 101.0, 101.0, 0.0));
    assert_eq!(bar.ts_close_ns - bar.ts_open_ns, NS_PER_MINUTE);

    rows.last_mut().unwrap().stamp += 20_000 * MINUTE_MS;
    let fault = import_text(&text_of(&rows, false), &spec(policies)).unwrap_err().to_string();
    assert!(fault.contains("longer than 10000 bars"), "{fault}");
}

#[test]
fn no_indicator_loses_its_value_in_a_repaired_gap() {
    let mut rows: Vec<Row> = (0..600).map(|at| good_row(at, 100.0 + (at * at % 37) as f64)).collect();
    // Longer than any default window: the flat bars fill it.
    rows.drain(200..400);
    let policies = Policies { gap: Policy::Repair, ..Policies::default() };
    let (kept, _) = import_text(&text_of(&rows, false), &spec(policies)).unwrap();
    let bars = kept.bars();
    assert_eq!(bars.len(), 600);
    for def in indicator::builtin() {
        let params = def.complete(&Params::default()).expect("defaults are good");
        let mut columns = vec![vec![f64::NAN; bars.len()]; def.outputs.len()];
        let mut slices: Vec<&mut [f64]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
        let input = Input {
            x: &bars.close,
            x_factor: Some(1e4),
            open: &bars.open,
            high: &bars.high,
            low: &bars.low,
            close: &bars.close,
            volume: &bars.volume,
            price_factor: Some(1e4),
        };
        (def.build)(&params).update(&input, &mut Output::new(&mut slices));
        for column in columns {
            let warm = column.iter().position(|value| value.is_finite()).expect("it warms up");
            assert!(column[warm..].iter().all(|value| value.is_finite()), "{} after {warm}", def.name);
        }
    }
}

#[test]
fn disorder_can_be_repaired_by_sorting() {
    let mut rows: Vec<Row> = (0..40).map(|at| good_row(at, 100.0 + at as f64)).collect();
    let sorted = import_text(&text_of(&rows, false), &spec(Policies::default())).unwrap().0;
    rows.swap(10, 20);
    rows.swap(3, 4);
    let policies = Policies { out_of_order: Policy::Repair, ..Policies::default() };
    let (kept, report) = import_text(&text_of(&rows, false), &spec(policies)).unwrap();
    assert_eq!(kept.bars(), sorted.bars());
    let disorder = found(&report)[&Fault::OutOfOrder];
    assert_eq!((disorder.0, disorder.3), (report.rows_repaired, report.rows_repaired));
}

#[test]
fn a_whole_file_in_another_unit_is_noticed_at_its_first_row() {
    for (format, factor) in [("epoch_ms", 1_000), ("epoch_s", 1_000_000), ("epoch_ns", 1_000_000_000)] {
        let rows: Vec<Row> = (0..5)
            .map(|at| {
                let mut row = good_row(at, 100.0);
                // Read as `format`, these are 1970 or the far future.
                row.stamp = row.stamp / 1_000 * if format == "epoch_s" { factor / 1_000 } else { 1 };
                row
            })
            .collect();
        let mut spec = spec(Policies::default());
        spec.layout.time_format = Some(format.parse().unwrap());
        spec.now_ns = None;
        let fault = import_text(&text_of(&rows, false), &spec).unwrap_err().to_string();
        assert!(fault.contains("row 1: expected no row in which the stamp fits only"), "{format}: {fault}");
    }
}

#[test]
fn an_empty_or_hopeless_file_is_an_error_and_never_a_run_without_rows() {
    let spec = spec(Policies::default());
    for text in ["", "\n\n", "ts_ms,open,high,low,close,volume\n"] {
        let fault = import_text(text, &spec).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(fault.contains("no data"), "{fault}");
    }
    let text = "ts_ms,open,high,low,close,volume\n1577836800000,0,0,0,0,0\n1577836860000,0,0,0,0,0\n";
    let fault = import_text(text, &spec).err().map(|fault| fault.to_string()).unwrap();
    assert!(fault.contains("none was let through") && fault.contains("non_positive: 2"), "{fault}");
}

#[test]
fn wall_clock_hours_that_repeat_are_kept_apart() {
    let text = "time,open,high,low,close,volume\n\
        2024-11-03 00:30,1,1,1,1,1\n2024-11-03 01:00,1,1,1,1,1\n2024-11-03 01:30,1,1,1,1,1\n\
        2024-11-03 01:00,1,1,1,1,1\n2024-11-03 01:30,1,1,1,1,1\n2024-11-03 02:00,1,1,1,1,1\n";
    let mut spec = spec(Policies::default());
    spec.now_ns = None;
    spec.timeframe = Some("30m".parse().unwrap());
    spec.layout.zone = Some(chrono_tz::America::New_York);
    let (kept, report) = import_text(text, &spec).unwrap();
    assert_eq!((report.rows_kept, report.faults.len()), (6, 0), "{report:?}");
    let steps = kept.bars().ts_open_ns.windows(2).all(|w| w[1] - w[0] == 1_800 * NS_PER_SECOND);
    assert!(steps, "one half hour after the other");
    assert!(
        report.notes.iter().any(|note| note.starts_with("4 stamps lie in an hour")),
        "{:?}",
        report.notes
    );
}

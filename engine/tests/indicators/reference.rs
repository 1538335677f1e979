//! Values that other programs computed. The data live beside the project; without them these tests pass.

use std::path::{Path, PathBuf};

use barhive_engine::indicator::ParamValue;

use crate::{market::Market, run::Case};

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if path.exists() {
        Some(path)
    } else {
        println!("skipped: {} is not there", path.display());
        None
    }
}

/// A CSV file as columns of text, by name.
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a readable file");
        let cells = |line: &str| line.split(',').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let mut lines = text.lines();
        let names = cells(lines.next().expect("a header"));
        Self { names, rows: lines.filter(|line| !line.is_empty()).map(cells).collect() }
    }

    /// A column; NaN where a cell is empty.
    fn column(&self, name: &str) -> Vec<f64> {
        let index = self.names.iter().position(|n| n == name).unwrap_or_else(|| panic!("no column {name}"));
        self.rows
            .iter()
            .map(|row| match row[index].as_str() {
                "" => f64::NAN,
                cell => cell.parse().expect("a number"),
            })
            .collect()
    }
}

/// The largest distance, relative to the column's typical size. Both must be missing at the same rows
/// unless `late` rows are forgiven at the start.
fn distance(found: &[f64], expected: &[f64], what: &str) -> f64 {
    assert_eq!(found.len(), expected.len());
    let known: Vec<f64> = expected.iter().copied().filter(|value| !value.is_nan()).collect();
    assert!(!known.is_empty(), "{what}: nothing to compare with");
    let size = known.iter().map(|value| value.abs()).sum::<f64>() / known.len() as f64;
    let mut worst = 0.0f64;
    for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.is_nan(), expected.is_nan(), "{what}, row {row}: {found} against {expected}");
        if !expected.is_nan() {
            worst = worst.max((found - expected).abs() / size);
        }
    }
    worst
}

fn close_only(close: Vec<f64>, factor: f64) -> Market {
    Market {
        factor: Some(factor),
        open: close.clone(),
        high: close.clone(),
        low: close.clone(),
        volume: vec![0.0; close.len()],
        close,
    }
}

#[test]
fn values_agree_with_ta_lib() {
    let Some(folder) = shared("data/talib/btcusdt_1m") else { return };
    let input = Table::read(&folder.join("input.csv"));
    let expected = Table::read(&folder.join("expected.csv"));
    let bars = Market {
        factor: Some(1e8),
        open: input.column("open"),
        high: input.column("high"),
        low: input.column("low"),
        close: input.column("close"),
        volume: input.column("volume"),
    };
    let plain = |name: &'static str, periods: &[i64], columns: &[&'static str]| {
        (Case::periods(name, periods), columns.to_vec())
    };
    let cases = [
        plain("sma", &[30], &["SMA.default.real"]),
        plain("sma", &[10], &["SMA.alt.real"]),
        plain("ema", &[30], &["EMA.default.real"]),
        plain("ema", &[10], &["EMA.alt.real"]),
        plain("rsi", &[14], &["RSI.default.real"]),
        plain("rsi", &[9], &["RSI.alt.real"]),
        plain(
            "macd",
            &[12, 26, 9],
            &["MACD.default.macd", "MACD.default.macdsignal", "MACD.default.macdhist"],
        ),
        plain("macd", &[5, 13, 4], &["MACD.alt.macd", "MACD.alt.macdsignal", "MACD.alt.macdhist"]),
        plain(
            "bbands",
            &[20],
            &["BBANDS.default.middleband", "BBANDS.default.upperband", "BBANDS.default.lowerband"],
        ),
        plain("stddev", &[5], &["STDDEV.default.real"]),
        plain("tr", &[], &["TRANGE.default.real"]),
        plain("atr", &[14], &["ATR.default.real"]),
        plain("atr", &[9], &["ATR.alt.real"]),
        plain("mom", &[10], &["MOM.default.real"]),
        plain("mom", &[6], &["MOM.alt.real"]),
        plain("roc", &[10], &["ROC.default.real"]),
        plain("roc", &[6], &["ROC.alt.real"]),
        plain("highest", &[30], &["MAX.default.real"]),
        plain("lowest", &[30], &["MIN.default.real"]),
        plain(
            "donchian",
            &[20],
            &["DONCHIAN.default.upperband", "DONCHIAN.default.lowerband", "DONCHIAN.default.middleband"],
        ),
        plain(
            "donchian",
            &[12],
            &["DONCHIAN.alt.upperband", "DONCHIAN.alt.lowerband", "DONCHIAN.alt.middleband"],
        ),
    ];
    for factor in [Some(1e8), None] {
        let bars = Market { factor, ..bars.clone() };
        for (case, columns) in &cases {
            for (found, column) in case.whole(&bars).iter().zip(columns) {
                let distance = distance(found, &expected.column(column), column);
                println!("{column:28} {factor:?} {distance:.1e}");
                // TA-Lib's own sums of squares are good to 5e-11.
                assert!(distance < 1e-9, "{column}: {distance:e}");
            }
        }
    }
}

#[test]
fn values_agree_with_charting_packages() {
    let Some(folder) = shared("data/indicators_lean") else { return };
    // These tools print 2 to 7 digits.
    let table = Table::read(&folder.join("spy_with_indicators.txt"));
    let market = close_only(table.column("Close"), 100.0);
    for (case, column, tolerance) in [
        (Case::periods("sma", &[14]), "SMA14", 1e-6),
        (Case::periods("ema", &[14]), "EMA14", 1e-6),
        (Case::periods("rsi", &[14]), "RSI 14 Wilder", 1e-6),
    ] {
        let (found, expected) = (case.whole(&market).remove(0), table.column(column));
        // Rows where both have a value: the tools start their columns where they like.
        let rows: Vec<usize> = (0..found.len()).filter(|row| !expected[*row].is_nan()).collect();
        assert!(rows.len() > 400, "{column}");
        let pick = |x: &[f64]| rows.iter().map(|row| x[*row]).collect::<Vec<_>>();
        let distance = distance(&pick(&found), &pick(&expected), column);
        println!("{column:28} {distance:.1e}");
        assert!(distance < tolerance, "{column}: {distance:e}");
    }

    let table = Table::read(&folder.join("spy_bollinger_bands.txt"));
    let market = close_only(table.column("Close"), 100.0);
    let bands = Case::new("bbands", &[("period", ParamValue::Int(20))]).whole(&market);
    for (found, column) in
        bands.iter().zip(["Moving Average 20", "Bollinger Bands® 20 2 Top", "Bollinger Bands® 20 2 Bottom"])
    {
        let expected = table.column(column);
        let known: Vec<usize> = (0..found.len()).filter(|row| !expected[*row].is_nan()).collect();
        let pick = |x: &[f64]| known.iter().map(|row| x[*row]).collect::<Vec<_>>();
        let distance = distance(&pick(found), &pick(&expected), column);
        println!("{column:28} {distance:.1e}");
        assert!(distance < 1e-5, "{column}: {distance:e}");
    }
}

#[test]
fn averages_of_goog_agree_with_an_independent_engine() {
    let Some(folder) = shared("parity/goog") else { return };
    let market = close_only(Table::read(&folder.join("GOOG.csv")).column("Close"), 100.0);
    for name in ["goog_smacross_indicators.csv", "goog_smacross_finalized_indicators.csv"] {
        let table = Table::read(&folder.join(name));
        for (period, column) in [(10, "SMA_0"), (20, "SMA_1")] {
            let found = Case::periods("sma", &[period]).whole(&market).remove(0);
            let distance = distance(&found, &table.column(column), column);
            assert!(distance < 1e-12, "{name} {column}: {distance:e}");
        }
    }
}

//! Every file of real data imports with a declared layout, with the rows and the defects that its table
//! lists.

mod support;

use std::path::Path;

use barhive_engine::{
    data::{BarColumns, PriceSide, SeriesKind},
    time::{NS_PER_MINUTE, NS_PER_SECOND, format_utc, parse_utc},
    timeframe::Timeframe,
};
use barhive_feeds::{
    import::{ImportSpec, import_file},
    layout::{Column, Columns, Layout, StampedAt},
    quality::{Fault, Policy},
};
use support::*;

const FOLDERS: [&str; 8] =
    ["bars_1m", "bars_1s", "bars_30m", "bars_1h", "bars_4h", "bars_1d", "quotebars_1m", "lgpl"];

/// A row of the table of data files.
struct Listed {
    path: String,
    rows: u64,
    notes: String,
}

impl Listed {
    /// The number behind a label of the notes; 0 where it is not there.
    fn number(&self, label: &str) -> u64 {
        let Some(at) = self.notes.find(label) else { return 0 };
        let digits: String =
            self.notes[at + label.len()..].chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    }

    fn timeframe(&self) -> Timeframe {
        let folder = self.path.split('/').next().unwrap_or_default();
        match folder {
            "lgpl" => Timeframe::M1,
            _ => folder.rsplit('_').next().unwrap().parse().unwrap(),
        }
    }
}

fn table() -> Option<Vec<Listed>> {
    let text = std::fs::read_to_string(shared("data/README.md")?).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let path = cells.first()?.to_string();
        let folder = path.split('/').next()?;
        if cells.len() < 9 || !FOLDERS.contains(&folder) || !path.ends_with(".csv") {
            return None;
        }
        let rows = cells[2].replace(',', "").parse().ok()?;
        Some(Listed { path, rows, notes: cells[8].trim_end_matches('|').to_owned() })
    });
    Some(rows.collect())
}

fn zero_volumes(bars: &BarColumns) -> u64 {
    bars.bars().filter(|bar| bar.volume == 0.0).count() as u64
}

fn flat_bars(bars: &BarColumns) -> u64 {
    bars.bars().filter(|bar| bar.open == bar.high && bar.high == bar.low && bar.low == bar.close).count()
        as u64
}

#[test]
fn every_listed_file_has_the_rows_and_defects_of_its_table() {
    let Some(table) = table() else { return };
    assert!(table.len() > 45, "{} files are listed", table.len());
    for listed in table {
        let Some(path) = shared(&format!("data/{}", listed.path)) else { return };
        let quotes = listed.path.contains("quote");
        let mut spec = preset(if quotes { "barhive_quotes" } else { "barhive" });
        spec.timeframe = Some(listed.timeframe());
        if listed.notes.contains("END of minute") || listed.path.contains("btcperp_ftx") {
            spec.layout.stamped = Some(StampedAt::Close);
        }
        let (kept, report) = import(&path, &spec);
        let count = |fault| report.faults.iter().find(|c| c.fault == fault).map_or(0, |c| c.found);
        let name = &listed.path;
        assert_eq!(report.rows_read, listed.rows, "{name}");
        let duplicates = listed.number("equal stamps: ");
        let violations = listed.number("OHLC violations: ");
        assert_eq!(count(Fault::Duplicate), duplicates, "{name}");
        assert_eq!(count(Fault::HighBelowLow) + count(Fault::OutsideRange), violations, "{name}");
        assert_eq!(report.rows_dropped, duplicates, "{name}: exact duplicates are dropped");
        assert_eq!(report.rows_rejected, violations, "{name}: nothing else is rejected");
        if listed.timeframe() < Timeframe::D1 {
            assert_eq!(count(Fault::Gap), listed.number("steps longer than one bar: "), "{name}");
        }
        if quotes {
            let crossed = listed.number("crossed (bid close > ask close): ");
            let told = report.notes.iter().any(|note| note.contains(&format!("{crossed} rows are crossed")));
            assert_eq!(told, crossed > 0, "{name}: {:?}", report.notes);
            check_middle(&kept);
        } else {
            assert_eq!(zero_volumes(kept.bars()), listed.number("zero-volume: "), "{name}");
            assert_eq!(flat_bars(kept.bars()), listed.number("o=h=l=c: "), "{name}");
            assert!(kept.infos[0].prices_on_scale, "{name}");
        }
    }
}

/// The bar of quotes is the middle of its sides, on a scale one decimal finer.
fn check_middle(kept: &Kept) {
    let [bar, bid, ask] =
        [PriceSide::Mid, PriceSide::Bid, PriceSide::Ask].map(|side| kept.of("X", SeriesKind::Bar(side)));
    assert_eq!((bar.len(), &bar.ts_close_ns), (bid.len(), &bid.ts_close_ns));
    let scales = kept.instruments[0].scales();
    for row in (0..bar.len()).step_by(7) {
        let units = |price| scales.price_from_f64(price).unwrap();
        assert_eq!(2 * units(bar.close[row]), units(bid.close[row]) + units(ask.close[row]));
        assert_eq!(scales.price_to_f64(units(bar.high[row])), bar.high[row], "on scale");
        assert_eq!(bar.volume[row], 0.0);
    }
}

#[test]
fn the_only_real_ohlc_violation_is_found_and_can_be_repaired() {
    let Some(path) = shared("data/bars_1d/ba_wiki_1d.csv") else { return };
    let mut spec = preset("barhive");
    let (kept, report) = import(&path, &spec);
    assert_eq!(format_utc(kept.bars().ts_open_ns[0]), "1962-01-02T00:00:00Z", "before the epoch");
    let count = report.faults.iter().find(|c| c.fault == Fault::OutsideRange).unwrap();
    assert_eq!((count.found, count.rejected, &count.rows[..]), (1, 1, &[16][..]));
    spec.quality.outside_range = Policy::Repair;
    let (kept, report) = import(&path, &spec);
    let day = parse_utc("1962-01-23").unwrap();
    let bar = kept.bars().bars().find(|bar| bar.ts_open_ns == day).unwrap();
    assert_eq!((bar.high, bar.close), (52.87, 52.87));
    assert_eq!((report.rows_repaired, report.rows_rejected), (1, 0));
    spec.quality.outside_range = Policy::Halt;
    let fault = import_file(&path, &spec, &mut Kept::default()).unwrap_err().to_string();
    assert!(fault.contains("row 16: expected no row in which open or close lies outside"), "{fault}");
}

fn raw(name: &str) -> Option<std::path::PathBuf> {
    shared(&format!("data/raw_formats/{name}"))
}

fn first_and_last(kept: &Kept) -> (String, String) {
    let bars = kept.bars();
    (format_utc(bars.ts_open_ns[0]), format_utc(bars.ts_close_ns[bars.len() - 1]))
}

#[test]
fn klines_without_header_and_an_export_stamped_at_the_close() {
    let Some(path) = raw("binance_kline_12col_ADABTC.csv") else { return };
    let (kept, report) = import(&path, &preset("binance_kline"));
    assert_eq!((report.rows_kept, kept.instruments[0].price_scale), (10, 8));
    assert_eq!(kept.bars().bar(0).low, 0.00002851);
    assert_eq!(first_and_last(&kept).0, "2021-11-27T00:00:00Z");

    let Some(path) = raw("nt_spy_2011-03.txt") else { return };
    let (kept, report) = import(&path, &preset("ninjatrader"));
    assert_eq!(report.rows_kept, 17_577);
    assert_eq!(first_and_last(&kept).0, "2011-03-01T09:00:00Z", "a minute before its stamp");
    let Some(path) = shared("data/bars_1m/spy_1m_2011-03.csv") else { return };
    let (other, _) = import(&path, &stamped_at_close());
    assert_eq!(kept.bars(), other.bars(), "the same bars in another layout");
}

#[test]
fn a_price_only_file_needs_a_zone_and_has_no_volume() {
    let Some(path) = raw("gbpusd_2018-06_price_only.csv") else { return };
    let mut spec = ImportSpec { symbol: Some("GBPUSD".into()), ..ImportSpec::default() };
    let fault = import_file(&path, &spec, &mut Kept::default()).unwrap_err().to_string();
    assert!(fault.contains("zone: UTC"), "{fault}");
    spec.layout.zone = Some(chrono_tz::Europe::London);
    let (kept, report) = import(&path, &spec);
    assert_eq!(report.rows_read, 29_698);
    let bar = kept.bars().bar(3);
    assert_eq!(
        (bar.open, bar.high, bar.low, bar.close, bar.volume),
        (1.3262075, 1.3262075, 1.3262075, 1.3262075, 0.0)
    );
    assert_eq!(first_and_last(&kept).0, "2018-05-31T23:00:00Z", "London is an hour ahead in June");
    assert_eq!(kept.instruments[0].price_scale, 7);
    assert!(report.notes.iter().any(|note| note.contains("volumes are 0")), "{:?}", report.notes);
    assert!(report.notes.iter().any(|note| note.contains("one price per row")));
}

#[test]
fn us_dates_on_the_clock_of_new_york_with_close_before_high() {
    let Some(path) = raw("mplfinance_sp500_2019-11_us_dates.csv") else { return };
    let fault = import_file(&path, &ImportSpec::default(), &mut Kept::default()).unwrap_err().to_string();
    assert!(fault.contains("declare which"), "day or month first? {fault}");
    let (kept, report) = import(&path, &preset("us_intraday"));
    assert_eq!((report.rows_kept, report.rows_rejected), (1_563, 0));
    let Some(other) = shared("data/bars_1m/spx_index_2019-11-05_08_1m.csv") else { return };
    assert_eq!(kept.bars(), import(&other, &preset("barhive")).0.bars());
}

#[test]
fn column_orders_that_trap() {
    let Some(path) = raw("poloniex_style_epoch_seconds.csv") else { return };
    let (kept, report) = import(&path, &preset("poloniex"));
    assert_eq!((report.rows_kept, report.rows_rejected), (7_001, 0));
    let bar = kept.bars().bar(0);
    assert_eq!((bar.open, bar.high, bar.low, bar.close), (0.005, 0.009, 0.001, 0.00509941));
    assert_eq!(bar.volume, 10509.3622, "the quantity, not the turnover");

    let Some(path) = raw("ninjabot_header.csv") else { return };
    let (kept, report) = import(&path, &preset("ninjabot"));
    assert_eq!((report.rows_kept, report.rows_rejected), (14, 0));
    assert_eq!(kept.bars().bar(0).high, 54356.62);
    let guessed = ImportSpec { symbol: Some("X".into()), ..ImportSpec::default() };
    assert_eq!(import(&path, &guessed).0.bars(), kept.bars(), "a header says it all");
}

#[test]
fn a_file_whose_high_forgets_the_open_is_refused_row_by_row_or_repaired() {
    let Some(path) = raw("gct_binance_1d_2019_close_time.csv") else { return };
    let mut spec = preset("gct");
    let (kept, report) = import(&path, &spec);
    assert_eq!((report.rows_kept, report.rows_rejected), (189, 176));
    assert_eq!(kept.bars().bar(0).volume, 23741.687033, "volume is the second column");
    spec.quality.outside_range = Policy::Repair;
    let (kept, report) = import(&path, &spec);
    assert_eq!((report.rows_kept, report.rows_repaired), (365, 176));
    assert_eq!(kept.bars().bar(2).high, 3857.57, "the open of that day");
}

#[test]
fn a_file_without_volume_column_has_volume_0_and_says_so() {
    let Some(path) = raw("vix_daily.csv") else { return };
    let spec = ImportSpec { symbol: Some("VIX".into()), ..ImportSpec::default() };
    let (kept, report) = import(&path, &spec);
    assert_eq!((report.rows_read, report.rows_kept), (9_235, 9_188));
    let count = report.faults.iter().find(|c| c.fault == Fault::OutsideRange).unwrap();
    assert_eq!((count.rejected, count.rows[0]), (47, 534));
    assert!(kept.bars().volume.iter().all(|volume| *volume == 0.0));
    assert!(report.notes.iter().any(|note| note.contains("volumes are 0")));
    assert!(report.guesses.iter().any(|guess| guess.contains("timeframe guessed") && guess.contains("1d")));
}

#[test]
fn newest_first_files_come_out_oldest_first() {
    for (symbol, rows) in [("AAPL", 8_336), ("DELL", 6_353)] {
        let Some(path) = raw(&format!("wiki_{symbol}.csv")) else { return };
        let (kept, report) = import(&path, &preset("wiki"));
        assert_eq!((report.rows_kept, report.rows_rejected), (rows, 0));
        let Some(other) = shared(&format!("data/bars_1d/{}_wiki_1d.csv", symbol.to_lowercase())) else {
            return;
        };
        assert_eq!(kept.bars(), import(&other, &preset("barhive")).0.bars());
        let guessed = ImportSpec { symbol: Some("X".into()), ..ImportSpec::default() };
        let (seen, report) = import(&path, &guessed);
        assert_eq!(seen.bars(), kept.bars());
        assert!(report.guesses.iter().any(|guess| guess.contains("newest first")));
    }
    // The adjusted columns of the same file, by name; adjusted prices lie on no decimal scale.
    let Some(path) = raw("wiki_AAPL.csv") else { return };
    let mut spec = preset("wiki");
    spec.layout.columns = Columns {
        open: Some("Adj. Open".into()),
        high: Some("Adj. High".into()),
        low: Some("Adj. Low".into()),
        close: Some("Adj. Close".into()),
        volume: Some("Adj. Volume".into()),
        ..Columns::default()
    };
    let (kept, report) = import(&path, &spec);
    assert_eq!(kept.bars().bar(0).close, 3.376583426306362);
    assert!(!report.series[0].prices_on_scale);
    assert!(report.notes.iter().any(|note| note.contains("no decimal scale")), "{:?}", report.notes);
}

#[test]
fn dates_with_an_offset_need_no_zone_and_wrong_units_of_price_are_no_fault_of_a_row() {
    for name in
        ["yahoo_100x_error_AET-L.csv", "yahoo_100x_error_AET-L_fixed.csv", "yahoo_bad_split_DEX-AX.csv"]
    {
        let Some(path) = raw(name) else { return };
        let (kept, report) = import(&path, &preset("yahoo"));
        assert_eq!((report.rows_kept, report.rows_rejected), (23, 0), "{name}");
        assert!(!report.series[0].prices_on_scale, "{name}");
        assert!(kept.bars().ts_open_ns[0] < kept.bars().ts_open_ns[22]);
    }
}

fn resampled(path: &Path, spec: &ImportSpec, timeframe: Timeframe) -> BarColumns {
    let (kept, _) = import(path, spec);
    let mut out = barhive_engine::data::BarColumnsBuilder::default();
    let mut resampler = barhive_engine::data::Resampler::new(timeframe, None);
    resampler.rows(kept.bars(), &mut out);
    resampler.watermark(i64::MAX, &mut out);
    out.finish()
}

/// Minutes of the vendor on the days of `ours`, each beside ours.
fn compare(ours: &BarColumns, vendor: &BarColumns) -> (usize, usize, usize) {
    let day = |ts_ns: i64| barhive_engine::time::utc_day(ts_ns);
    let wanted = day(ours.ts_open_ns[0]);
    let (mut minutes, mut prices, mut volumes) = (0, 0, 0);
    for theirs in vendor.bars().filter(|bar| day(bar.ts_open_ns) == wanted) {
        let Ok(at) = ours.ts_open_ns.binary_search(&theirs.ts_open_ns) else { continue };
        let bar = ours.bar(at);
        minutes += 1;
        let same = |b: barhive_engine::data::Bar| [b.open, b.high, b.low, b.close];
        prices += usize::from(same(bar) == same(theirs) && bar.ts_close_ns == theirs.ts_close_ns);
        // The vendor's volumes are decimals of at most eight digits.
        volumes += usize::from((bar.volume - theirs.volume).abs() < 5e-9);
    }
    (minutes, prices, volumes)
}

#[test]
fn seconds_aggregate_to_the_minutes_of_the_vendor() {
    let cases = [
        ("btcusd_coinbase_2016-10-07_trade_1s", "btcusd_coinbase_2016-10-07_09_trade_1m", 1_419, 1_419),
        ("spy_2013-10-07_trade_1s", "spy_2013-10-04_11_trade_1m", 828, 770),
    ];
    for (seconds, minutes, expected, volumes) in cases {
        let Some(seconds) = shared(&format!("data/bars_1s/{seconds}.csv")) else { return };
        let Some(minutes) = shared(&format!("data/bars_1m/{minutes}.csv")) else { return };
        let spec = ImportSpec { timeframe: Some("1s".parse().unwrap()), ..preset("barhive") };
        let ours = resampled(&seconds, &spec, Timeframe::M1);
        let (vendor, _) = import(&minutes, &preset("barhive"));
        assert_eq!(ours.len(), expected);
        assert_eq!(compare(&ours, vendor.bars()), (expected, expected, volumes));
        assert!(ours.ts_close_ns.iter().all(|ns| ns % NS_PER_MINUTE == 0));
    }
}

#[test]
fn a_side_of_quotes_can_be_the_bar() {
    let Some(path) = shared("data/quotebars_1m/eurusd_fxcm_2014-05_quote_1m.csv") else { return };
    let mut spec = preset("barhive_quotes");
    spec.side = PriceSide::Ask;
    let (kept, report) = import(&path, &spec);
    let (bar, ask) = (kept.of("X", SeriesKind::BAR), kept.of("X", SeriesKind::Bar(PriceSide::Ask)));
    assert_eq!((&bar.open, &bar.low), (&ask.open, &ask.low));
    assert_eq!(kept.instruments[0].price_scale, 5);
    assert_eq!(report.series.len(), 3);
}

#[test]
fn daily_bars_close_with_the_session_of_a_calendar() {
    let Some(path) = shared("data/bars_1d/spy_lean_1d.csv") else { return };
    let time = |h, m| chrono::NaiveTime::from_hms_opt(h, m, 0).unwrap();
    let mut spec = preset("barhive");
    spec.instrument.calendar = Some(barhive_engine::calendar::Calendar {
        name: "xnys".into(),
        zone: chrono_tz::America::New_York,
        open: time(9, 30),
        close: time(16, 0),
        days: "mon tue wed thu fri".split(' ').map(|day| day.parse().unwrap()).collect(),
        holidays: vec![],
        early_closes: Default::default(),
    });
    let (kept, report) = import(&path, &spec);
    assert_eq!(report.rows_kept, 5_849);
    let bars = kept.bars();
    let at = bars.ts_open_ns.binary_search(&parse_utc("2020-07-06T13:30:00Z").unwrap()).unwrap();
    assert_eq!(format_utc(bars.ts_close_ns[at]), "2020-07-06T20:00:00Z");
    let length = |at: usize| bars.ts_close_ns[at] - bars.ts_open_ns[at];
    assert!((0..bars.len()).all(|at| length(at) == 23_400 * NS_PER_SECOND), "six hours and a half");
    let gaps = report.faults.iter().find(|c| c.fault == Fault::Gap).unwrap().found;
    assert!((150..250).contains(&gaps), "weekends are no gaps, holidays not in the calendar are: {gaps}");
}

#[test]
fn columns_by_place_read_the_same_as_by_name() {
    let Some(path) = shared("data/bars_1h/eurusd_ask_1h_2017.csv") else { return };
    let places = Columns {
        time: Some(Column::At(1)),
        open: Some(Column::At(2)),
        high: Some(Column::At(3)),
        low: Some(Column::At(4)),
        close: Some(Column::At(5)),
        volume: Some(Column::At(6)),
        ..Columns::default()
    };
    let layout = Layout { columns: places, time_format: "epoch_ms".parse().ok(), ..Layout::default() };
    let spec = ImportSpec { layout, symbol: Some("X".into()), ..ImportSpec::default() };
    let (by_place, report) = import(&path, &spec);
    assert_eq!(by_place.bars(), import(&path, &preset("barhive")).0.bars());
    assert!(report.guesses.iter().any(|guess| guess.contains("first row is a header")));
}

//! Files and the synthetic market as sources: the same rows however they are read.

mod support;

use std::{fs, path::Path};

use barhive_engine::{
    Registry,
    data::{BarColumns, BarColumnsBuilder, FeedError, PriceSide, Pull, SeriesKind, SeriesRequest, Source},
    registry::FeedContext,
    time::parse_utc,
    timeframe::Timeframe,
};
use barhive_feeds::{
    CsvParams, CsvSource, FileSource, JsonLinesParams, JsonLinesSource, ParquetParams, ParquetSource,
    SyntheticParams, SyntheticSource,
    import::{Format, ImportSpec, InstrumentSpec},
    write::writer,
};
use proptest::prelude::*;
use support::*;

fn request(source: &dyn Source, symbol: &str) -> SeriesRequest {
    let info = source.series(symbol).unwrap().remove(0);
    SeriesRequest {
        symbol: info.symbol,
        kind: info.kind,
        timeframe: info.timeframe,
        from_ns: None,
        to_ns: None,
    }
}

fn pull(source: &dyn Source, request: &SeriesRequest, rows_max: usize) -> Result<BarColumns, FeedError> {
    let mut feed = source.open(request)?;
    let mut all = BarColumnsBuilder::default();
    loop {
        match feed.pull(rows_max, 3)? {
            Pull::Rows(batch) => {
                assert!(!batch.is_empty() && batch.len() <= rows_max && batch.lead <= 3);
                let seen = all.len() - batch.lead;
                assert_eq!(all.ts_close_ns[seen..], batch.columns.ts_close_ns[..batch.lead], "leading rows");
                all.extend(&batch.columns.slice(batch.lead, batch.len()));
            }
            Pull::End => return Ok(all.finish()),
            other => panic!("a file is never {other:?}"),
        }
    }
}

fn market(params: SyntheticParams) -> (SyntheticSource, BarColumns) {
    let source = SyntheticSource::new(params).unwrap();
    let symbol = source.instruments().unwrap()[0].symbol.clone();
    let bars = pull(&source, &request(&source, &symbol), 1000).unwrap();
    (source, bars)
}

fn write(path: &Path, format: Format, rows: &BarColumns) {
    let mut writer = writer(path, format, Box::new(fs::File::create(path).unwrap())).unwrap();
    for start in (0..rows.len()).step_by(777) {
        writer.rows(&rows.slice(start, 777.min(rows.len() - start))).unwrap();
    }
    writer.finish().unwrap();
}

fn context(folder: &tempfile::TempDir) -> FeedContext {
    FeedContext { base_dir: folder.path().to_owned() }
}

#[test]
fn what_is_written_in_any_format_reads_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let params = SyntheticParams { bars: 20_000, missing: 5.0, price: 0.037, ..SyntheticParams::default() };
    let instrument = InstrumentSpec { price_scale: Some(6), ..InstrumentSpec::default() };
    let (_, bars) = market(SyntheticParams { instrument, ..params });
    for (format, name) in
        [(Format::Csv, "a.csv"), (Format::JsonLines, "a.jsonl"), (Format::Parquet, "a.parquet")]
    {
        let path = folder.path().join(name);
        write(&path, format, &bars);
        let (kept, report) = import(&path, &ImportSpec { symbol: Some("X".into()), ..ImportSpec::default() });
        assert_eq!(kept.bars(), &bars, "{name}");
        assert_eq!(report.rows_kept, 20_000);
        assert_eq!((report.series[0].price_scale, report.series[0].prices_on_scale), (6, true));
        assert_eq!(report.series[0].timeframe, Timeframe::M1);
    }
    let csv = CsvSource::open(CsvParams::new("a.csv"), &context(&folder)).unwrap();
    let json = JsonLinesSource::open(JsonLinesParams::new("a.jsonl"), &context(&folder)).unwrap();
    let parquet = ParquetSource::open(ParquetParams::new("a.parquet"), &context(&folder)).unwrap();
    for source in [&csv as &dyn Source, &json, &parquet] {
        let request = request(source, "a");
        for rows_max in [1, 1000, 100_000] {
            if rows_max > 1 {
                assert_eq!(pull(source, &request, rows_max).unwrap(), bars);
            }
        }
        let (from, to) = (bars.ts_open_ns[17_000], bars.ts_close_ns[17_499]);
        let span = SeriesRequest { from_ns: Some(from), to_ns: Some(to), ..request.clone() };
        assert_eq!(pull(source, &span, 64).unwrap(), bars.slice(17_000, 500));
        let beyond = SeriesRequest { from_ns: Some(i64::MAX - 1), ..request };
        let fault = source.open(&beyond).err().unwrap().to_string();
        assert!(fault.contains("no row of a 1m opens at or after"), "{fault}");
    }
}

#[test]
fn a_parquet_file_of_pandas_is_the_csv_of_pandas() {
    let Some(path) = shared("parity/one_100k.parquet") else { return };
    let source = FileSource::open(&path, &ImportSpec::default()).unwrap();
    let instrument = source.instruments().unwrap().remove(0);
    assert_eq!((instrument.symbol.as_str(), instrument.price_scale), ("one_100k", 6));
    let info = source.series("one_100k").unwrap().remove(0);
    assert!(info.prices_on_scale && info.notes.is_empty(), "{info:?}");
    assert_eq!((info.rows, info.timeframe), (Some(100_000), Timeframe::M1));
    let bars = pull(&source, &request(&source, "one_100k"), 1024).unwrap();
    assert_eq!(bars.ts_open_ns[0], parse_utc("2020-01-01").unwrap());
    let folder = tempfile::tempdir().unwrap();
    // As generate.py writes it: open times in milliseconds.
    let mut text = "ts,open,high,low,close,volume\n".to_owned();
    for bar in bars.bars() {
        let ms = bar.ts_open_ns / 1_000_000;
        text.push_str(&format!("{ms},{},{},{},{},{}\n", bar.open, bar.high, bar.low, bar.close, bar.volume));
    }
    fs::write(folder.path().join("one_100k.csv"), text).unwrap();
    let csv = CsvSource::open(CsvParams::new("one_100k.csv"), &context(&folder)).unwrap();
    assert_eq!(pull(&csv, &request(&csv, "one_100k"), 1024).unwrap(), bars);
}

#[test]
fn a_long_file_is_split_by_symbol_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let params = SyntheticParams { bars: 300, instruments: 5, ..SyntheticParams::default() };
    let market = SyntheticSource::new(params).unwrap();
    let series: Vec<_> = market
        .instruments()
        .unwrap()
        .iter()
        .map(|i| (i.symbol.clone(), pull(&market, &request(&market, &i.symbol), 64).unwrap()))
        .collect();
    let line = |symbol: &str, bars: &BarColumns, at: usize| {
        let bar = bars.bar(at);
        format!(
            "{},{symbol},{},{},{},{},{}\n",
            bar.ts_open_ns / 1_000_000,
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume
        )
    };
    let header = "ts,symbol,open,high,low,close,volume\n";
    let (mut by_time, mut by_symbol) = (header.to_owned(), header.to_owned());
    for at in 0..300 {
        series.iter().rev().for_each(|(symbol, bars)| by_time.push_str(&line(symbol, bars, at)));
    }
    for (symbol, bars) in &series {
        (0..300).for_each(|at| by_symbol.push_str(&line(symbol, bars, at)));
    }
    for (name, text) in [("by_time.csv", by_time), ("by_symbol.csv", by_symbol)] {
        fs::write(folder.path().join(name), text).unwrap();
        let source = CsvSource::open(CsvParams::new(name), &context(&folder)).unwrap();
        let symbols: Vec<_> = source.instruments().unwrap().into_iter().map(|i| i.symbol).collect();
        assert_eq!(symbols, ["SYN000", "SYN001", "SYN002", "SYN003", "SYN004"]);
        for (symbol, bars) in &series {
            assert_eq!(&pull(&source, &request(&source, symbol), 128).unwrap(), bars, "{name} {symbol}");
        }
        assert_eq!(source.files().reports()[0].rows_kept, 1_500);
        let only = CsvParams { symbols: vec!["SYN001".into()], ..CsvParams::new(name) };
        let fault = CsvSource::open(only, &context(&folder)).unwrap_err().to_string();
        assert!(fault.contains("`SYN00") && fault.contains("where SYN001 are declared"), "{fault}");
    }
    let unknown = SeriesRequest {
        symbol: "SYN009".into(),
        kind: SeriesKind::BAR,
        timeframe: Timeframe::M1,
        from_ns: None,
        to_ns: None,
    };
    let fault = market.open(&unknown).err().unwrap().to_string();
    assert!(fault.contains("unknown instrument SYN009; there are SYN000"), "{fault}");
}

#[test]
fn a_folder_holds_one_instrument_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for (symbol, seed) in [("BBB", 1), ("AAA", 2)] {
        let (_, bars) = market(SyntheticParams { bars: 50, seed, ..SyntheticParams::default() });
        write(&folder.path().join(format!("{symbol}.csv")), Format::Csv, &bars);
    }
    fs::write(folder.path().join("notes.md"), "no data").unwrap();
    let source = CsvSource::open(CsvParams::new("."), &context(&folder)).unwrap();
    let symbols: Vec<_> = source.instruments().unwrap().into_iter().map(|i| i.symbol).collect();
    assert_eq!(symbols, ["AAA", "BBB"]);
    assert_eq!(pull(&source, &request(&source, "BBB"), 7).unwrap().len(), 50);
    let none = ParquetSource::open(ParquetParams::new("."), &context(&folder)).unwrap_err().to_string();
    assert!(none.contains("no data: the folder holds no file of that format"), "{none}");
    let missing = CsvSource::open(CsvParams::new("gone.csv"), &context(&folder)).unwrap_err().to_string();
    assert!(missing.contains("gone.csv"), "{missing}");
}

#[test]
fn quotes_can_be_read_in_place_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let text = "ts_ms,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size\n\
                1577836800000,1.0,1.2,0.9,1.1,3,1.1,1.3,1.0,1.2,4\n\
                1577836860000,1.1,1.3,1.0,1.25,3,1.2,1.3,1.1,1.2,4\n";
    fs::write(folder.path().join("q.csv"), text).unwrap();
    let source = CsvSource::open(CsvParams::new("q.csv"), &context(&folder)).unwrap();
    let kinds: Vec<_> = source.series("q").unwrap().into_iter().map(|info| info.kind).collect();
    assert_eq!(kinds, [SeriesKind::BAR, SeriesKind::Bar(PriceSide::Bid), SeriesKind::Bar(PriceSide::Ask)]);
    let mid = request(&source, "q");
    assert_eq!(pull(&source, &mid, 10).unwrap().close[..], [1.15, 1.225]);
    let ask = SeriesRequest { kind: SeriesKind::Bar(PriceSide::Ask), ..mid.clone() };
    assert_eq!(pull(&source, &ask, 10).unwrap().volume[..], [4.0, 4.0]);
    assert!(source.series("q").unwrap()[0].notes.iter().any(|note| note.contains("1 rows are crossed")));
    let hourly = SeriesRequest { timeframe: Timeframe::H1, ..mid };
    let fault = source.open(&hourly).err().unwrap().to_string();
    assert!(fault.contains("series q 1h bar; there is 1m bar, 1m bid, 1m ask"), "{fault}");
}

#[test]
fn the_kinds_join_a_registry_with_their_schemas() {
    let registry = barhive_feeds::register(Registry::empty());
    let kinds: Vec<_> = registry.feeds().map(|def| (def.name.clone(), def.summary.clone())).collect();
    let names: Vec<_> = kinds.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["csv", "json_lines", "parquet", "synthetic"]);
    assert!(kinds.iter().all(|(_, summary)| summary.len() > 20), "{kinds:?}");
    let mut json = serde_json::Deserializer::from_str(r#"{"bars": 10, "seed": 7}"#);
    let open = registry
        .find_feed("synthetic")
        .unwrap()
        .read(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut json))
        .ok()
        .unwrap();
    let source = open(&FeedContext { base_dir: ".".into() }).unwrap();
    assert_eq!(source.series("SYN000").unwrap()[0].rows, Some(10));
}

#[test]
fn a_market_has_the_bytes_that_its_seed_had_everywhere() {
    let (_, bars) = market(SyntheticParams { bars: 10_000, ..SyntheticParams::default() });
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for bar in bars.bars() {
        for bits in [
            bar.ts_open_ns as u64,
            bar.open.to_bits(),
            bar.high.to_bits(),
            bar.low.to_bits(),
            bar.close.to_bits(),
            bar.volume.to_bits(),
        ] {
            hash = (hash ^ bits).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    // FNV-1a over words, computed once and kept: a change of the generator changes every stored answer.
    assert_eq!(format!("{hash:016x}"), "aeb3dc1b8628536b");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_market_is_sound_and_its_instruments_stand_alone(
        seed in any::<u64>(),
        instruments in 1u32..4,
        drift in -500.0f64..500.0,
        volatility in 0.0f64..5_000.0,
        clustering in 0.0f64..0.99,
        missing in 0.0f64..50.0,
        price in 1.0f64..100_000.0,
        scale in 2u8..8,
        timeframe in prop::sample::select(vec!["1s", "1m", "7m", "1h", "1d", "1w"]),
        with_calendar in any::<bool>(),
    ) {
        let calendar = with_calendar.then(|| barhive_engine::calendar::Calendar {
            name: "xnys".into(),
            zone: chrono_tz::America::New_York,
            open: chrono::NaiveTime::from_hms_opt(9, 30, 0).unwrap(),
            close: chrono::NaiveTime::from_hms_opt(16, 0, 0).unwrap(),
            days: "mon tue wed thu fri".split(' ').map(|day| day.parse().unwrap()).collect(),
            holidays: vec![],
            early_closes: Default::default(),
        });
        let instrument = InstrumentSpec { price_scale: Some(scale), calendar: calendar.clone(), ..InstrumentSpec::default() };
        let params = SyntheticParams {
            seed, instruments, drift, volatility, clustering, missing, price, bars: 700,
            timeframe: timeframe.parse().unwrap(), instrument, ..SyntheticParams::default()
        };
        let source = SyntheticSource::new(params.clone()).unwrap();
        let alone = SyntheticSource::new(SyntheticParams { instruments: 1, ..params }).unwrap();
        for instrument in source.instruments().unwrap() {
            let bars = pull(&source, &request(&source, &instrument.symbol), 97).unwrap();
            prop_assert_eq!(bars.len(), 700);
            assert_sound(&bars);
            let scales = instrument.scales();
            for bar in bars.bars() {
                for price in [bar.open, bar.high, bar.low, bar.close] {
                    let units = scales.price_from_f64(price).unwrap();
                    prop_assert_eq!(scales.price_to_f64(units), price, "prices lie on their scale");
                }
                if let Some(calendar) = &calendar {
                    let session = calendar.session_at(bar.ts_open_ns).expect("inside a session");
                    prop_assert!(bar.ts_close_ns <= session.close_ns);
                }
            }
            prop_assert!(
                missing > 0.0 || (1..bars.len()).all(|at| bars.open[at] != bars.close[at - 1]),
                "no bar opens where the one before closed"
            );
            if instrument.symbol == "SYN000" {
                let request = request(&alone, "SYN000");
                prop_assert_eq!(&pull(&alone, &request, 700).unwrap(), &bars);
            }
        }
    }
}

#[test]
fn all_faults_of_a_market_are_told_at_once() {
    let params = SyntheticParams {
        bars: 0,
        volatility: -1.0,
        clustering: 1.0,
        price: f64::NAN,
        start: "someday".into(),
        symbols: vec!["A".into(), "A".into()],
        ..SyntheticParams::default()
    };
    let fault = SyntheticSource::new(params).unwrap_err().to_string();
    for told in [
        "bars: expected",
        "volatility: expected",
        "clustering: expected",
        "price: expected",
        "start:",
        "each once",
    ] {
        assert!(fault.contains(told), "{told} is missing in {fault}");
    }
    let most =
        |bars| SyntheticParams { bars, timeframe: "1w".parse().unwrap(), ..SyntheticParams::default() };
    let fault = SyntheticSource::new(most(1 << 50)).unwrap_err().to_string();
    assert!(fault.contains("bars: expected at most 12641, which reach the year 2262"), "{fault}");
    let (source, _) = market(most(12_641));
    let mut feed = source.open(&request(&source, "SYN000")).unwrap();
    assert!(matches!(feed.pull(1, 0), Ok(Pull::Rows(_))));
}

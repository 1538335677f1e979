//! The catalog as its users see it: what goes in comes out, in order, whole, and nowhere else.

mod market;

use std::fs;

use barhive_engine::{
    data::{BarColumns, Feed, FeedError, PriceSide, Pull, SeriesKind, SeriesRequest, Source},
    registry::{FeedContext, Registry},
    time::NS_PER_MINUTE,
    timeframe::Timeframe,
};
use barhive_store::{Catalog, CatalogParams, CatalogSource, SeriesFacts, StoreError};
use market::{bars, instrument, write};
use proptest::prelude::*;

fn source(catalog: &Catalog) -> Result<CatalogSource, FeedError> {
    let params = CatalogParams::new(catalog.path());
    CatalogSource::open(params, &FeedContext { base_dir: "/nowhere".into() })
}

fn request(symbol: &str) -> SeriesRequest {
    SeriesRequest {
        symbol: symbol.to_owned(),
        kind: SeriesKind::BAR,
        timeframe: Timeframe::M1,
        from_ns: None,
        to_ns: None,
    }
}

/// All new rows of a feed; asserts that leading rows are the ones handed out before.
fn drain(feed: &mut dyn Feed, rows_max: usize, lead: usize) -> BarColumns {
    let mut bars = Vec::new();
    loop {
        match feed.pull(rows_max, lead).unwrap() {
            Pull::Rows(batch) => {
                assert!((1..=rows_max).contains(&batch.len()));
                assert!(batch.lead <= lead);
                let mut rows: Vec<_> = batch.columns.bars().collect();
                let new = rows.split_off(batch.lead);
                assert!(bars.ends_with(&rows));
                bars.extend(new);
            }
            Pull::End => return BarColumns::from_bars(&bars),
            other => panic!("a stored series never waits: {other:?}"),
        }
    }
}

#[test]
fn what_was_appended_comes_out_for_every_batch_size() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path().join("catalog")).unwrap();
    let all = bars(150_000);
    let mut writer = catalog
        .writer(instrument("BTC/USDT"), SeriesKind::BAR, Timeframe::M1, SeriesFacts::default())
        .unwrap();
    let mut at = 0;
    for len in [1, 7, 65_000, 3, 525, 70_000, 14_464] {
        writer.append(&all.slice(at, len)).unwrap();
        at += len;
    }
    writer.facts_mut().notes.push("3 gaps".to_owned());
    let entry = writer.finish().unwrap();
    assert_eq!((entry.rows, entry.facts.notes.len()), (150_000, 1));
    assert_eq!(entry.span_ns, (all.ts_close_ns[0], all.ts_close_ns[149_999]));

    let source = source(&catalog).unwrap();
    assert_eq!(source.instruments().unwrap(), [instrument("BTC/USDT")]);
    assert_eq!(source.series("BTC/USDT").unwrap()[0].data_hash, Some(entry.hash.clone()));
    for (rows_max, lead) in [(1_024, 0), (1_000, 50), (70_000, 3), (1 << 20, 1 << 20)] {
        assert_eq!(drain(&mut *source.open(&request("BTC/USDT")).unwrap(), rows_max, lead), all);
    }
    let reports = catalog.check(&[]).unwrap();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].is_sound(), "{:?}", reports[0].faults);
    assert_eq!(reports[0].rows_sound, 150_000);
}

#[test]
fn the_hash_tells_rows_apart_and_not_how_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    let all = bars(20_000);
    let whole = write(&catalog, "A", &all).hash;
    let mut writer =
        catalog.writer(instrument("B"), SeriesKind::BAR, Timeframe::H1, SeriesFacts::default()).unwrap();
    for at in (0..20_000).step_by(100) {
        writer.append(&all.slice(at, 100)).unwrap();
    }
    assert_eq!(writer.finish().unwrap().hash, whole);
    assert_ne!(write(&catalog, "C", &all.slice(0, 19_999)).hash, whole);
}

#[test]
fn writing_twice_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    let path = write(&catalog, "X", &bars(9_000)).path;
    let first = fs::read(&path).unwrap();
    write(&catalog, "X", &bars(9_000));
    assert!(first == fs::read(&path).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_span_holds_exactly_the_bars_that_open_and_close_in_it(
        from in -5i64..20_010, to in -5i64..20_010, nudge in -1i64..=1,
    ) {
        static CATALOG: std::sync::OnceLock<(tempfile::TempDir, CatalogSource)> = std::sync::OnceLock::new();
        let all = bars(20_000);
        let (_, source) = CATALOG.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let catalog = Catalog::open_or_create(folder.path()).unwrap();
            write(&catalog, "X", &bars(20_000));
            let source = source(&catalog).unwrap();
            (folder, source)
        });
        let start = all.ts_open_ns[0];
        let (from_ns, to_ns) = (start + from * NS_PER_MINUTE + nudge, start + to * NS_PER_MINUTE + nudge);
        let request = SeriesRequest { from_ns: Some(from_ns), to_ns: Some(to_ns), ..request("X") };
        let expected: Vec<_> =
            all.bars().filter(|bar| bar.ts_open_ns >= from_ns && bar.ts_close_ns <= to_ns).collect();
        match source.open(&request) {
            Ok(mut feed) => prop_assert_eq!(drain(&mut *feed, 1_024, 64), BarColumns::from_bars(&expected)),
            Err(FeedError::Empty { .. }) => prop_assert!(expected.is_empty()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

#[test]
fn importing_again_replaces_the_series_and_open_sources_keep_what_they_saw() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    write(&catalog, "X", &bars(5_000));
    let before = source(&catalog).unwrap();
    drain(&mut *before.open(&request("X")).unwrap(), 1_024, 0);

    let mut failed =
        catalog.writer(instrument("X"), SeriesKind::BAR, Timeframe::M1, SeriesFacts::default()).unwrap();
    failed.append(&bars(100)).unwrap();
    assert!(matches!(
        catalog.writer(instrument("X"), SeriesKind::BAR, Timeframe::M1, SeriesFacts::default()),
        Err(StoreError::Busy { .. })
    ));
    drop(failed);
    assert_eq!(catalog.list().unwrap().entries[0].rows, 5_000, "an unfinished import changes nothing");

    write(&catalog, "X", &bars(6_000));
    assert_eq!(drain(&mut *before.open(&request("X")).unwrap(), 1_024, 0).len(), 5_000);
    assert_eq!(drain(&mut *source(&catalog).unwrap().open(&request("X")).unwrap(), 1_024, 0).len(), 6_000);
}

#[test]
fn rows_out_of_order_are_refused_with_their_row() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    let mut writer =
        catalog.writer(instrument("X"), SeriesKind::BAR, Timeframe::M1, SeriesFacts::default()).unwrap();
    writer.append(&bars(10)).unwrap();
    let error = writer.append(&bars(10)).unwrap_err();
    assert!(matches!(error, StoreError::Order { row: 11, .. }), "{error}");
    assert!(error.to_string().starts_with("X bar 1m, row 11: expected a close time after "), "{error}");
}

#[test]
fn an_empty_catalog_and_an_empty_import_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Catalog::open(folder.path().join("none")), Err(StoreError::Empty { .. })));
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    let error = source(&catalog).unwrap_err();
    assert!(matches!(error, FeedError::Empty { .. }));
    assert!(error.to_string().contains("barhive data import"), "{error}");
    let writer =
        catalog.writer(instrument("X"), SeriesKind::BAR, Timeframe::M1, SeriesFacts::default()).unwrap();
    assert!(matches!(writer.finish(), Err(StoreError::Empty { .. })));
    assert!(catalog.list().unwrap().entries.is_empty());
}

#[test]
fn an_unknown_series_is_answered_with_those_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    write(&catalog, "X", &bars(10));
    let source = source(&catalog).unwrap();
    let ask = |request: &SeriesRequest| source.open(request).err().unwrap().to_string();
    let other = SeriesRequest { kind: SeriesKind::Bar(PriceSide::Bid), ..request("X") };
    assert!(ask(&other).ends_with("unknown series X bid 1m; there is of X: bar 1m"), "{}", ask(&other));
    assert!(ask(&request("Y")).ends_with("there is nothing of Y"));
    let late = SeriesRequest { from_ns: Some(i64::MAX), ..request("X") };
    assert!(ask(&late).contains("its bars close from 2020-01-01T00:01:00Z to"), "{}", ask(&late));
}

#[test]
fn series_of_one_symbol_with_other_instrument_data_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    write(&catalog, "X", &bars(10));
    let facts = SeriesFacts { prices_on_scale: true, ..SeriesFacts::default() };
    let mut other = instrument("X");
    other.price_scale = 5;
    let mut writer = catalog.writer(other, SeriesKind::BAR, Timeframe::H1, facts).unwrap();
    writer.append(&bars(10)).unwrap();
    writer.finish().unwrap();
    let source = source(&catalog).unwrap();
    assert_eq!(source.instruments().unwrap(), [instrument("X")]);
    let series = source.series("X").unwrap();
    assert_eq!(series[0].notes, ["2 gaps"]);
    assert!(series[1].notes[0].starts_with("X bar 1h was imported with other instrument data"));
    assert!(!series[1].prices_on_scale);
}

#[test]
fn a_file_in_the_wrong_place_is_a_fault_and_the_others_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    let path = write(&catalog, "X", &bars(10)).path;
    fs::create_dir(folder.path().join("X.bak")).unwrap();
    fs::copy(&path, folder.path().join("X.bak/bar_1m.arrow")).unwrap();
    fs::write(folder.path().join("X/bar_1h.arrow"), "not an Arrow file").unwrap();
    let listing = catalog.list().unwrap();
    assert_eq!((listing.entries.len(), listing.faults.len()), (1, 2));
    assert!(catalog.check(&["X".into()]).unwrap()[0].faults[0].contains("another kind of file"));

    catalog.remove("X", SeriesKind::BAR, Timeframe::M1).unwrap();
    assert!(matches!(catalog.remove("X", SeriesKind::BAR, Timeframe::M1), Err(StoreError::Unknown { .. })));
}

#[test]
fn a_claim_about_the_price_scale_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    let facts = SeriesFacts { prices_on_scale: true, ..SeriesFacts::default() };
    let mut coarse = instrument("X");
    coarse.price_scale = 0;
    let mut writer = catalog.writer(coarse, SeriesKind::BAR, Timeframe::M1, facts).unwrap();
    writer.append(&bars(10)).unwrap();
    writer.finish().unwrap();
    let faults = &catalog.check(&["X".into()]).unwrap()[0].faults;
    assert!(faults[0].starts_with("row 1: expected prices of 0 decimals"), "{faults:?}");
}

#[test]
fn the_source_fits_the_registry_and_unknown_parameters_are_refused() {
    let registry = Registry::empty().feed("catalog", CatalogSource::open);
    let def = registry.find_feed("catalog").unwrap();
    assert!(def.summary.starts_with("Bars of a catalog"), "{}", def.summary);
    assert_eq!(def.schema["additionalProperties"], false);
    let error = serde_json::from_str::<CatalogParams>(r#"{"path": "data", "verfy": false}"#).unwrap_err();
    assert!(error.to_string().contains("verfy"));
    let usual = serde_json::from_str::<CatalogParams>(r#"{"path": "data"}"#).unwrap();
    assert!(usual.verify && usual.map);
}

#[test]
fn a_catalog_that_is_not_mapped_gives_the_same_rows_and_maps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path().join("catalog")).unwrap();
    write(&catalog, "BTC", &bars(20_000));
    let mappings = || {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        maps.lines().filter(|line| line.contains(&*folder.path().to_string_lossy())).count()
    };
    let open = |map: bool| {
        let params = CatalogParams { map, ..CatalogParams::new(catalog.path()) };
        let source = CatalogSource::open(params, &FeedContext { base_dir: "/nowhere".into() }).unwrap();
        assert_eq!(source.instruments().unwrap().len(), 1);
        let rows = drain(&mut *source.open(&request("BTC")).unwrap(), 4_096, 0);
        (rows, mappings(), source)
    };
    let (read, mapped, _source) = open(false);
    assert_eq!(mapped, 0);
    let (rows, mapped, _source) = open(true);
    assert_eq!(rows, read);
    if cfg!(target_os = "linux") {
        assert!(mapped > 0, "the other way it is seen");
    }
}

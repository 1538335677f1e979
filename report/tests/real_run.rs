//! A real run on a synthetic market: what is recorded agrees with the result.

use std::{fs, path::Path, sync::Arc};

use barhive_engine::{
    Registry,
    backtest::{Backtest, run_recorded},
    data::Source,
    instrument::{Currency, FeeSchedule},
    money::Money,
    record::Recorder,
    registry::factory,
    set::{ContainerSpec, Trace},
    strategy::Sizing,
    timeframe::Timeframe,
};
use barhive_feeds::synthetic::{SyntheticParams, SyntheticSource};
use barhive_report::{
    ReportInput, RunMeta,
    curve::PriceTap,
    store::{Format, RecordStore},
    write_reports,
};
use barhive_strategies::{Direction, DonchianBreakout, DonchianBreakoutParams, SmaCross, SmaCrossParams};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};

const BARS: u64 = 50_000;

#[test]
fn what_is_recorded_agrees_with_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let symbols = vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()];
    let params = SyntheticParams { bars: BARS, symbols, volatility: 60.0, ..SyntheticParams::default() };
    let market = Arc::new(SyntheticSource::new(params).unwrap()) as Arc<dyn Source>;
    let tap = PriceTap::new(market, 64);
    let crossing = factory(
        SmaCrossParams { fast: 60, slow: 240, direction: Direction::Both, ..SmaCrossParams::default() },
        SmaCross::new,
    );
    let breakout = factory(DonchianBreakoutParams::default(), DonchianBreakout::new);
    let registry = barhive_engine::indicator::builtin()
        .into_iter()
        .fold(Registry::empty(), |parts, indicator| parts.indicator(indicator));
    let tapped = Arc::clone(&tap) as Arc<dyn Source>;
    let (mut spec, registry) =
        Backtest::new(registry, tapped, Money::from_units(100_000), Currency::new("USDT").unwrap())
            .unwrap()
            .strategy("trend", crossing, &["BTCUSDT"], Timeframe::M1, Sizing::Lots(200))
            .unwrap()
            .strategy("breakout", breakout, &["ETHUSDT"], Timeframe::H1, Sizing::EquityFraction(0.3))
            .unwrap()
            .fees(FeeSchedule { rate_ppb: 200_000, ..FeeSchedule::default() })
            .into_spec();
    spec.containers[0].trace = Trace::Full;

    let store = RecordStore::to_files(folder.path(), Format::Parquet, 1).unwrap();
    let make = |container: &ContainerSpec| -> Box<dyn Recorder> {
        Box::new(store.recorder(container, &spec.instruments))
    };
    let (result, recorders) = run_recorded(&spec, &registry, &make).unwrap();
    drop(recorders);
    let recorded = store.finish(&[]);
    assert_eq!(recorded.faults, []);

    let account = &result.accounts[0];
    assert!(account.trades > 10);
    let path = |name: &str| folder.path().join("accounts/account").join(name);
    assert_eq!(rows(&path("equity.parquet")), account.statistics.steps);
    assert_eq!(rows(&path("fills.parquet")), account.fills);
    assert_eq!(rows(&path("trades.parquet")), account.trades);
    assert!(rows(&path("orders.parquet")) >= account.orders);

    let buckets = recorded.curves[0].equity.buckets();
    let drawdown = buckets.iter().map(|bucket| bucket.drawdown).fold(0.0, f64::max);
    assert_eq!(drawdown.to_bits(), account.statistics.max_drawdown.to_bits());
    let last = SerializedFileReader::new(fs::File::open(path("equity.parquet")).unwrap())
        .unwrap()
        .get_row_iter(None)
        .unwrap()
        .last()
        .unwrap()
        .unwrap();
    assert_eq!(last.get_double(1).unwrap().to_bits(), buckets[buckets.len() - 1].last.to_bits());

    let prices = tap.prices();
    assert_eq!(prices.iter().map(|p| p.symbol.as_str()).collect::<Vec<_>>(), ["BTCUSDT", "ETHUSDT"]);
    let meta =
        RunMeta { name: "real run".into(), version: "0.1.0".into(), wall_ms: 12.0, ..RunMeta::default() };
    let input = ReportInput {
        result: &result,
        meta: &meta,
        instruments: &spec.instruments,
        curves: &recorded.curves,
        prices: &prices,
        files: &recorded.files,
        faults: &recorded.faults,
    };
    let [page, data] = write_reports(&input, folder.path()).unwrap();
    assert!(fs::metadata(&page).unwrap().len() < 400_000);
    let json: serde_json::Value = serde_json::from_slice(&fs::read(data).unwrap()).unwrap();
    assert_eq!(json["result_hash"], result.result_hash);
    assert_eq!(json["accounts"][0]["final_equity"], account.final_equity.to_string());
    if let Some(keep) = std::env::var_os("SHOW_PAGES") {
        fs::copy(page, Path::new(&keep).join("real.html")).unwrap();
    }
}

fn rows(path: &Path) -> u64 {
    let file = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    file.metadata().file_metadata().num_rows() as u64
}

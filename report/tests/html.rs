//! The HTML page of made-up runs: bounded, self-contained, and safe against hostile names.
//! `SHOW_PAGES=folder` keeps the pages for a look.

mod sample;

use barhive_engine::{
    data::{Bar, SeriesKind, SeriesRequest, Source},
    result::RunResult,
    timeframe::Timeframe,
};
use barhive_report::{
    ReportInput, Resources, RunMeta,
    curve::{PriceTap, SymbolPrices},
    html,
    store::{RecordStore, Recorded},
};

struct Made {
    result: RunResult,
    meta: RunMeta,
    instruments: Vec<barhive_engine::instrument::Instrument>,
    recorded: Recorded,
    prices: Vec<SymbolPrices>,
}

impl Made {
    fn page(&self) -> String {
        html(&ReportInput {
            result: &self.result,
            meta: &self.meta,
            instruments: &self.instruments,
            curves: &self.recorded.curves,
            prices: &self.prices,
            files: &[],
            faults: &self.recorded.faults,
        })
    }
}

/// Accounts that each trade all symbols, with bars of `step_ns`.
fn made(accounts: &[&str], symbols: &[&str], strategies: &[&str], rows: usize, step_ns: i64) -> Made {
    let series: Vec<(String, Vec<Bar>)> = symbols
        .iter()
        .zip(3u64..)
        .map(|(s, seed)| ((*s).to_owned(), sample::bars(seed, rows, step_ns)))
        .collect();
    let store = RecordStore::curves_only(accounts.len());
    let instruments: Vec<_> = symbols.iter().map(|symbol| sample::instrument(symbol)).collect();
    let mut results = Vec::new();
    for (place, name) in accounts.iter().enumerate() {
        let mut recorder = store.recorder(&sample::container(name, strategies, symbols.len()), &instruments);
        let mut all: Option<barhive_engine::record::Records> = None;
        for (index, (_, bars)) in series.iter().enumerate() {
            let records = sample::trade_cross(bars, index as u32, index as u32, 24 + 12 * place, 20);
            match &mut all {
                None => all = Some(records),
                Some(all) => {
                    all.equity.iter_mut().zip(&records.equity).for_each(|(a, b)| a.equity += b.equity - 1e5);
                    all.fills.extend(&records.fills);
                    all.trades.extend(&records.trades);
                }
            }
        }
        let mut records = all.unwrap();
        records.fills.sort_by_key(|fill| fill.ts_ns);
        records.trades.sort_by_key(|trade| trade.exit_ts_ns);
        sample::play(&mut recorder, &records, 1024);
        let named: Vec<_> = strategies
            .iter()
            .enumerate()
            .map(|(n, id)| (*id, "sma_cross", symbols[n % symbols.len()]))
            .collect();
        results.push(sample::account(name, &records, &named));
    }
    let tap = PriceTap::new(std::sync::Arc::new(sample::Given(series)), 64);
    for symbol in symbols {
        let timeframe = Timeframe::from_ns(step_ns).unwrap();
        let request = SeriesRequest {
            symbol: (*symbol).into(),
            kind: SeriesKind::BAR,
            timeframe,
            from_ns: None,
            to_ns: None,
        };
        let mut feed = tap.open(&request).unwrap();
        while let barhive_engine::data::Pull::Rows(_) = feed.pull(1024, 0).unwrap() {}
    }
    Made {
        result: sample::result(results, symbols, rows as u64),
        meta: RunMeta {
            name: "quickstart".into(),
            version: "0.1.0".into(),
            started_ns: Some(sample::START_NS),
            wall_ms: 41.25,
            config_text: "# A set that shows what a report looks like.\nfeed: {kind: synthetic, params: {seed: 42}}\n\
                          account: {kind: shared, cash: 100000 USDT}\nstrategies:\n  - {id: trend, kind: sma_cross, params: {fast: 10, slow: 30}}\n"
                .into(),
            config_path: Some("config/quickstart.yaml".into()),
            overrides: vec!["strategies[0].params.fast=12".into()],
            seed: 42,
            resources: Resources {
                cores: Some(2),
                shards: Some(1),
                cpu_ms: Some(38.5),
                private_bytes_peak: Some(9_700_000),
                resident_bytes_peak: Some(31_000_000),
            },
        },
        instruments,
        recorded: store.finish(&[]),
        prices: tap.prices(),
    }
}

fn show(name: &str, page: &str) {
    if let Some(folder) = std::env::var_os("SHOW_PAGES") {
        std::fs::write(std::path::Path::new(&folder).join(name), page).unwrap();
    }
}

const HOUR_NS: i64 = 60 * sample::MINUTE_NS;

#[test]
fn a_page_loads_nothing_and_stays_small() {
    let made = made(&["main"], &["BTCUSDT", "ETHUSDT"], &["trend", "breakout", "revert"], 26_280, HOUR_NS);
    let page = made.page();
    show("one.html", &page);
    assert!(page.len() < 400_000, "{} bytes", page.len());
    for outside in
        ["http:", "https:", "src=", "href=\"h", "@import", "url(", "fetch(", "XMLHttpRequest", "eval("]
    {
        let found = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(outside), "{outside}");
    }
    for shown in [&made.result.result_hash, "180,000", "config/quickstart.yaml", "Maximum drawdown"] {
        let expected = if shown == "180,000" { "236,520 computations" } else { shown };
        assert!(page.contains(expected), "{expected}");
    }
    assert_eq!(page, made.page());
}

#[test]
fn many_accounts_and_strategies_stay_bounded() {
    let names: Vec<_> = (0..60).map(|n| format!("risk {} strategy {}", n % 3 + 1, n / 3 + 1)).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let many = made(&names, &["BTCUSDT"], &["trend"], 20_000, sample::MINUTE_NS);
    let page = many.page();
    show("many.html", &page);
    assert!(page.len() < 700_000, "{} bytes", page.len());

    let ids: Vec<_> = (0..1500).map(|n| format!("strategy {n}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let symbols: Vec<_> = (0..40).map(|n| format!("S{n:02}")).collect();
    let symbols: Vec<_> = symbols.iter().map(String::as_str).collect();
    let wide = made(&["shared"], &symbols, &ids, 2000, HOUR_NS);
    let page = wide.page();
    show("wide.html", &page);
    assert!(page.len() < 900_000, "{} bytes", page.len());
}

#[test]
fn hostile_names_stay_text() {
    const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\"'&<!--<script>";
    let mut made = made(&[HOSTILE, "b"], &[HOSTILE], &[HOSTILE], 500, HOUR_NS);
    made.meta.name = HOSTILE.into();
    made.meta.version = HOSTILE.into();
    made.meta.config_text = HOSTILE.into();
    made.meta.config_path = Some(HOSTILE.into());
    made.meta.overrides = vec![HOSTILE.into()];
    made.result.result_hash = HOSTILE.into();
    made.result.warnings = vec![HOSTILE.into()];
    made.result.restarts[0].part = HOSTILE.into();
    made.result.restarts[0].reason = HOSTILE.into();
    made.result.series[0].symbol = HOSTILE.into();
    made.result.series[0].notes = vec![HOSTILE.into()];
    made.result.series[0].data_hash = Some(HOSTILE.into());
    made.result.bus[0].topic = HOSTILE.into();
    made.result.bus[0].subscriber = HOSTILE.into();
    made.result.quarantined.push(barhive_engine::result::Quarantine {
        container: HOSTILE.into(),
        ts_ns: 0,
        step: 1,
        reason: HOSTILE.into(),
    });
    made.recorded
        .faults
        .push(barhive_report::store::WriteFault { path: HOSTILE.into(), what: HOSTILE.into() });
    let page = made.page();
    show("hostile.html", &page);
    assert!(!page.contains("<img"));
    // The data, the program, and nothing else.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert_eq!(page.matches("<!--").count(), 0);
}

#[test]
fn a_run_without_accounts_curves_or_prices_has_a_page() {
    let records = sample::trade_cross(&sample::bars(7, 300, HOUR_NS), 0, 0, 40, 20);
    let meta = RunMeta::default();
    for accounts in [vec![], vec![sample::account("main", &records, &[("trend", "sma_cross", "X")])]] {
        let result = sample::result(accounts, &["X"], 300);
        let input = ReportInput {
            result: &result,
            meta: &meta,
            instruments: &[],
            curves: &[],
            prices: &[],
            files: &[],
            faults: &[],
        };
        let page = html(&input);
        show(&format!("bare{}.html", result.accounts.len()), &page);
        assert!(page.ends_with("</html>\n"));
    }
}

//! Reports of a made-up run against files that hold what is expected. `UPDATE_EXPECTED=1` rewrites them.

mod sample;

use std::{fs, path::PathBuf};

use barhive_engine::result::{Quarantine, RunResult};
use barhive_report::{ReportInput, Resources, RunMeta, TerminalStyle, statistics, terminal, write_json};

const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expected");
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

fn meta() -> RunMeta {
    RunMeta {
        name: "quickstart".into(),
        version: "0.1.0".into(),
        started_ns: Some(sample::START_NS),
        wall_ms: 41.25,
        config_text: "account: {kind: shared, cash: 100000 USDT}\nfeed: {kind: synthetic}\n".into(),
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
    }
}

fn result() -> RunResult {
    let records = sample::trade_cross(&sample::bars(7, 3000, sample::MINUTE_NS), 0, 0, 40, 20);
    let strategies = [("trend", "sma_cross", "BTCUSDT"), ("revert", "rsi_reversion", "BTCUSDT")];
    let mut result = sample::result(vec![sample::account("main", &records, &strategies)], &["BTCUSDT"], 3000);
    result.quarantined.push(Quarantine {
        container: "wild".into(),
        ts_ns: sample::START_NS + 17 * sample::MINUTE_NS,
        step: 17,
        reason: "panicked: index out of bounds".into(),
    });
    result
}

fn input<'a>(result: &'a RunResult, meta: &'a RunMeta, files: &'a [PathBuf]) -> ReportInput<'a> {
    ReportInput { result, meta, instruments: &[], curves: &[], prices: &[], files, faults: &[] }
}

fn compare(path: &str, found: &str) {
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(path, found).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected != found {
        let line = expected.lines().zip(found.lines()).position(|(e, f)| e != f);
        let line = line.unwrap_or_else(|| expected.lines().count().min(found.lines().count()));
        panic!(
            "{path}, line {}:\nexpected {:?}\nfound    {:?}\nrun with UPDATE_EXPECTED=1 if the change is meant",
            line + 1,
            expected.lines().nth(line),
            found.lines().nth(line)
        );
    }
}

#[test]
fn the_json_report_is_what_it_was() {
    let (result, meta) = (result(), meta());
    let files = [PathBuf::from("results/quickstart/accounts/main/equity.parquet")];
    let mut json = Vec::new();
    write_json(&input(&result, &meta, &files), &mut json).unwrap();
    compare(&format!("{EXPECTED}/report.json"), &String::from_utf8(json).unwrap());
}

#[test]
fn the_json_report_keeps_the_promised_shape() {
    let (result, meta) = (result(), meta());
    let mut json = Vec::new();
    write_json(&input(&result, &meta, &[]), &mut json).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!(json["result_hash"].is_string());
    let account = &json["accounts"][0];
    for key in ["final_equity", "fees", "start_cash", "cash"] {
        account[key].as_str().unwrap().parse::<barhive_engine::money::Money>().unwrap();
    }
    assert!(account["fills"].is_u64() && account["trades"].is_u64());
    let drawdown = account["max_drawdown"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&drawdown), "{drawdown}");
    for statistic in statistics::GROUPS.iter().flat_map(|group| group.statistics) {
        assert!(account.get(statistic.key).is_some(), "{}", statistic.key);
    }
}

#[test]
fn the_documentation_describes_every_field() {
    let (result, meta) = (result(), meta());
    let mut json = Vec::new();
    write_json(&input(&result, &meta, &[]), &mut json).unwrap();
    let page = fs::read_to_string(format!("{DOCS}/report-json.md")).unwrap();
    fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    found.push(key.clone());
                    // Parameters belong to the strategies.
                    if key != "params" {
                        keys(value, found);
                    }
                }
            }
            serde_json::Value::Array(list) => list.iter().for_each(|value| keys(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    keys(&serde_json::from_slice(&json).unwrap(), &mut found);
    let missing: Vec<_> = found.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/report-json.md does not mention {missing:?}");
}

#[test]
fn the_page_of_statistics_is_printed_from_the_table() {
    compare(&format!("{DOCS}/statistics.md"), &statistics::markdown());
}

#[test]
fn the_terminal_report_is_what_it_was_and_fits_80_columns() {
    let (result, meta) = (result(), meta());
    let files = [PathBuf::from("results/quickstart/accounts/main/equity.parquet")];
    let text = terminal(&input(&result, &meta, &files), TerminalStyle::default());
    compare(&format!("{EXPECTED}/terminal.txt"), &text);
}

#[test]
fn many_strategies_accounts_and_long_names_fit_80_columns() {
    let records = sample::trade_cross(&sample::bars(7, 3000, sample::MINUTE_NS), 0, 0, 40, 20);
    let ids: Vec<_> =
        (0..500).map(|n| format!("a strategy with a name that nobody would give {n}")).collect();
    let strategies: Vec<_> =
        ids.iter().map(|id| (id.as_str(), "sma_cross", "VERYLONGSYMBOL-PERPETUAL-2026")).collect();
    let account = |name: String| sample::account(&name, &records, &strategies);
    for accounts in [1, 12] {
        let accounts =
            (0..accounts).map(|n| account(format!("account number {n} of the whole set"))).collect();
        let (result, meta) = (sample::result(accounts, &["VERYLONGSYMBOL-PERPETUAL-2026"], 3000), meta());
        let style = TerminalStyle { color: false, see: Some("results/quickstart/report.html") };
        let text = terminal(&input(&result, &meta, &[]), style);
        if std::env::var_os("SHOW_REPORT").is_some() {
            println!("{text}");
        }
        let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 80, "{widest}");
        assert!(text.contains("more: see results/quickstart/report.html"));
        assert!(!text.contains('\x1b'));
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let (result, meta) = (result(), meta());
    let plain = terminal(&input(&result, &meta, &[]), TerminalStyle::default());
    let mut coloured = terminal(&input(&result, &meta, &[]), TerminalStyle { color: true, see: None });
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[33m"] {
        assert!(coloured.contains(code));
        coloured = coloured.replace(code, "");
    }
    assert_eq!(plain, coloured);
}

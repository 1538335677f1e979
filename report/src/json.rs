//! The stable JSON report. `docs/report-json.md` describes it; a snapshot test holds it still.

use std::path::PathBuf;

use barhive_engine::{
    instrument::Currency,
    money::Money,
    result::{
        AccountResult, HubCounters, OpenPosition, Quarantine, Restart, SeriesUse, StrategyResult,
        TopicCounters,
    },
    time::format_utc,
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    ReportInput,
    input::Resources,
    statistics::{GROUPS, Value},
};

/// The version of the schema. Fields may be added within a version; a change of what is there raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// Writes the report as pretty-printed JSON with a final newline. O(size of the result).
///
/// # Errors
/// When `out` fails.
pub fn write_json(input: &ReportInput<'_>, mut out: impl std::io::Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut out, &Report::new(input))?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    result_hash: &'a str,
    accounts: Vec<Account<'a>>,
    quarantined: Vec<Stamped<'a, Quarantine>>,
    restarts: &'a [Restart],
    warnings: &'a [String],
    hub: &'a HubCounters,
    series: Vec<Series<'a>>,
    bus: &'a [TopicCounters],
    steps: u64,
    span: Option<[String; 2]>,
    run: Run<'a>,
    files: Files<'a>,
}

#[derive(Serialize)]
struct Account<'a> {
    name: &'a str,
    currency: &'a Currency,
    #[serde(flatten)]
    statistics: Keyed<'a>,
    #[serde(flatten)]
    more: MoreOfAccount<'a>,
}

/// What an account has beyond its statistics.
#[derive(Serialize)]
struct MoreOfAccount<'a> {
    cash: Money,
    steps: u64,
    span: Option<[String; 2]>,
    days_per_year: f64,
    rejected: Vec<Rejected<'a>>,
    halted: Option<String>,
    digest: &'a str,
    hash: &'a str,
    monthly_equity: Vec<Month>,
    strategies: &'a [StrategyResult],
    open_positions: &'a [OpenPosition],
}

#[derive(Serialize)]
struct Rejected<'a> {
    cause: &'a str,
    orders: u64,
}

#[derive(Serialize)]
struct Month {
    month: String,
    equity: f64,
}

/// An account's statistics under their keys.
struct Keyed<'a>(&'a AccountResult);

impl Serialize for Keyed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for statistic in GROUPS.iter().flat_map(|group| group.statistics) {
            match (statistic.value)(self.0) {
                None => map.serialize_entry(statistic.key, &None::<f64>)?,
                Some(Value::Money(value)) => map.serialize_entry(statistic.key, &value)?,
                Some(Value::Amount(value) | Value::Fraction(value) | Value::Ratio(value)) => {
                    map.serialize_entry(statistic.key, &value)?;
                }
                Some(Value::Count(value)) => map.serialize_entry(statistic.key, &value)?,
                Some(Value::Duration(ns)) => map.serialize_entry(statistic.key, &ns)?,
            }
        }
        map.end()
    }
}

/// A value with a step's time spelled out beside it.
#[derive(Serialize)]
struct Stamped<'a, T> {
    ts: String,
    #[serde(flatten)]
    what: &'a T,
}

#[derive(Serialize)]
struct Series<'a> {
    symbol: &'a str,
    kind: &'a str,
    timeframe: &'a str,
    aggregated_from: &'a Option<String>,
    rows: u64,
    span: Option<[String; 2]>,
    data_hash: &'a Option<String>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Run<'a> {
    name: &'a str,
    version: &'a str,
    seed: u64,
    started: Option<String>,
    wall_ms: f64,
    rows: u64,
    rows_per_second: Option<f64>,
    resources: &'a Resources,
    config_path: &'a Option<String>,
    overrides: &'a [String],
    config: &'a str,
}

#[derive(Serialize)]
struct Files<'a> {
    written: Vec<Shown<'a>>,
    missing: Vec<String>,
}

/// A path as text; bytes that are no text become replacement characters.
struct Shown<'a>(&'a PathBuf);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.display())
    }
}

impl<'a> Report<'a> {
    fn new(input: &ReportInput<'a>) -> Self {
        let (result, meta) = (input.result, input.meta);
        Self {
            schema_version: SCHEMA_VERSION,
            result_hash: &result.result_hash,
            accounts: result.accounts.iter().map(Account::new).collect(),
            quarantined: result
                .quarantined
                .iter()
                .map(|what| Stamped { ts: format_utc(what.ts_ns), what })
                .collect(),
            restarts: &result.restarts,
            warnings: &result.warnings,
            hub: &result.hub,
            series: result.series.iter().map(Series::new).collect(),
            bus: &result.bus,
            steps: result.steps,
            span: spelled(result.span_ns),
            run: Run {
                name: &meta.name,
                version: &meta.version,
                seed: meta.seed,
                started: meta.started_ns.map(format_utc),
                wall_ms: meta.wall_ms,
                rows: input.rows(),
                rows_per_second: input.rows_per_second(),
                resources: &meta.resources,
                config_path: &meta.config_path,
                overrides: &meta.overrides,
                config: &meta.config_text,
            },
            files: Files {
                written: input.files.iter().map(Shown).collect(),
                missing: input.faults.iter().map(ToString::to_string).collect(),
            },
        }
    }
}

impl<'a> Account<'a> {
    fn new(account: &'a AccountResult) -> Self {
        let statistics = &account.statistics;
        Self {
            name: &account.name,
            currency: &account.currency,
            statistics: Keyed(account),
            more: MoreOfAccount {
                cash: account.cash,
                steps: statistics.steps,
                span: spelled(statistics.span_ns),
                days_per_year: statistics.days_per_year,
                rejected: account
                    .rejected
                    .iter()
                    .map(|(cause, orders)| Rejected { cause, orders: *orders })
                    .collect(),
                halted: account.halted_ts_ns.map(format_utc),
                digest: &account.digest,
                hash: &account.hash,
                monthly_equity: statistics
                    .monthly_equity
                    .iter()
                    .map(|(year, month, equity)| Month {
                        month: format!("{year:04}-{month:02}"),
                        equity: *equity,
                    })
                    .collect(),
                strategies: &account.strategies,
                open_positions: &account.open_positions,
            },
        }
    }
}

impl<'a> Series<'a> {
    fn new(series: &'a SeriesUse) -> Self {
        Self {
            symbol: &series.symbol,
            kind: &series.kind,
            timeframe: &series.timeframe,
            aggregated_from: &series.aggregated_from,
            rows: series.rows,
            span: spelled(series.span_ns),
            data_hash: &series.data_hash,
            notes: &series.notes,
        }
    }
}

fn spelled(span_ns: Option<(i64, i64)>) -> Option<[String; 2]> {
    span_ns.map(|(from, to)| [format_utc(from), format_utc(to)])
}

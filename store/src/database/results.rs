//! Sweeps in a database.

use std::{path::Path, time::Duration};

use barhive_engine::{
    result::Statistics,
    sweep::{Outcome, SweepSpec, Variant, VariantRange, VariantSet},
};

use super::{
    DatabaseError, SignalRow, TradeRow,
    connection::{Connection, Value, transaction},
    insert::insert,
    records, schema,
    sqlite::Sqlite,
};
use crate::sweep::{SweepManifest, hex};

/// Where results can be kept besides the run folder. A run is named by [`crate::sweep::SweepRun::id`],
/// a variant by its number counted from 0.
///
/// Everything may be told twice: rows that are there stay as they are.
pub trait ResultStore: Send {
    /// Enters a run into the ledger, with where its folder lies.
    ///
    /// # Errors
    /// When the database is gone or refuses.
    fn begin_run(&mut self, run: &str, manifest: &SweepManifest, folder: &Path) -> Result<(), DatabaseError>;

    /// The variants of a run that are there.
    ///
    /// # Errors
    /// When the database is gone or refuses.
    fn stored(&mut self, run: &str) -> Result<VariantSet, DatabaseError>;

    /// Adds a pass as one transaction; answers how many of its variants are new.
    ///
    /// # Errors
    /// When the database is gone or refuses.
    fn add_pass(
        &mut self,
        run: &str,
        manifest: &SweepManifest,
        spec: &SweepSpec,
        variants: &[Variant],
    ) -> Result<u64, DatabaseError>;

    /// Notes the hash of a run that is finished.
    ///
    /// # Errors
    /// When the database is gone or refuses.
    fn finish_run(&mut self, run: &str, result_hash: &str) -> Result<(), DatabaseError>;

    /// Puts the signals and trades of a variant in place of those that are there.
    ///
    /// # Errors
    /// When the database is gone or refuses.
    fn replace_records(
        &mut self,
        run: &str,
        variant: u64,
        signals: &[SignalRow],
        trades: &[TradeRow],
    ) -> Result<(), DatabaseError>;
}

/// A results database: SQLite or PostgreSQL.
pub struct Database {
    connection: Box<dyn Connection>,
}

/// A run in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The run.
    pub run: String,
    /// The sweep's name.
    pub sweep: String,
    /// Hash over its data.
    pub data_hash: String,
    /// Variants that were tried.
    pub trials: u64,
    /// When it was made, UTC nanoseconds.
    pub created_ns: i64,
    /// Its hash, when it is finished.
    pub result_hash: Option<String>,
    /// Where its folder lies.
    pub folder: String,
}

/// A variant as it is stored: enough to run it again and to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredExecution {
    /// Its definition, instruments, timeframe and parameters.
    pub key: String,
    /// Its parameters, as JSON.
    pub params: String,
    /// Hash of the data.
    pub data_hash: String,
    /// Hash of the configuration, whose text is in the ledger.
    pub config_hash: String,
    /// Version of the program.
    pub program: String,
    /// Root of the randomness.
    pub seed: String,
    /// The digest in hexadecimal; `None` when it failed.
    pub digest: Option<String>,
    /// Exact final equity as a decimal; `None` when it failed.
    pub final_equity: Option<String>,
    /// The Sharpe ratio, where it is defined.
    pub sharpe: Option<f64>,
}

const LEDGER: [&str; 13] = [
    "run",
    "sweep",
    "data_hash",
    "config_hash",
    "config",
    "program",
    "seed",
    "variants",
    "selected",
    "trials",
    "created_ns",
    "result_hash",
    "folder",
];
const EXECUTIONS: [&str; 22] = [
    "run",
    "variant",
    "strategy",
    "kind",
    "instruments",
    "timeframe",
    "params",
    "variant_key",
    "data_hash",
    "config_hash",
    "program",
    "seed",
    "outcome",
    "failed_step",
    "failed_ts_ns",
    "reason",
    "digest",
    "final_equity",
    "fees",
    "orders",
    "fills",
    "trades",
];

impl Database {
    /// Opens `postgres://…`, `sqlite:PATH` or a path, makes the tables where they are missing and brings
    /// old ones up to date. No single answer is waited for longer than `wait`.
    ///
    /// # Errors
    /// When it is gone, refuses, or belongs to a newer program.
    ///
    /// # Panics
    /// PostgreSQL: when called from within an asynchronous task.
    pub fn open(url: &str, wait: Duration) -> Result<Self, DatabaseError> {
        let connection: Box<dyn Connection> =
            if url.starts_with("postgres://") || url.starts_with("postgresql://") {
                connect(url, wait)?
            } else {
                Box::new(Sqlite::open(Path::new(url.strip_prefix("sqlite:").unwrap_or(url)), wait)?)
            };
        let mut database = Self { connection };
        schema::migrate(&mut *database.connection)?;
        Ok(database)
    }

    /// The runs in the ledger, newest first.
    ///
    /// # Errors
    /// When the database is gone or refuses.
    pub fn ledger(&mut self) -> Result<Vec<LedgerEntry>, DatabaseError> {
        let rows = self.connection.query(
            "SELECT run, sweep, data_hash, trials, created_ns, result_hash, folder FROM run_ledger \
             ORDER BY created_ns DESC, run",
            &[],
        )?;
        let text = |value: &Value| value.as_text().unwrap_or_default().to_owned();
        let entries = rows.iter().map(|row| LedgerEntry {
            run: text(&row[0]),
            sweep: text(&row[1]),
            data_hash: text(&row[2]),
            trials: row[3].as_integer().unwrap_or(0) as u64,
            created_ns: row[4].as_integer().unwrap_or(0),
            result_hash: row[5].as_text().map(str::to_owned),
            folder: text(&row[6]),
        });
        Ok(entries.collect())
    }

    /// How many variants were ever tried on these data ([`SweepManifest::data_hash`]), over all runs: what
    /// a best result must be corrected for.
    ///
    /// # Errors
    /// When the database is gone or refuses.
    pub fn trials(&mut self, data_hash: &str) -> Result<u64, DatabaseError> {
        let rows = self.connection.query(
            "SELECT CAST(COALESCE(SUM(trials), 0) AS BIGINT) FROM run_ledger WHERE data_hash = $1",
            &[Value::text(data_hash)],
        )?;
        Ok(rows.first().and_then(|row| row[0].as_integer()).unwrap_or(0) as u64)
    }

    /// The variants of a run whose signals and trades are there.
    ///
    /// # Errors
    /// When the database is gone or refuses.
    pub fn recorded(&mut self, run: &str) -> Result<VariantSet, DatabaseError> {
        let rows = self.connection.query(
            "SELECT variant, variant FROM recorded_variants WHERE run = $1 ORDER BY variant",
            &[Value::text(run)],
        )?;
        Ok(rows.iter().filter_map(|row| range(row)).collect())
    }

    /// A variant as it is stored.
    ///
    /// # Errors
    /// When the database is gone or refuses.
    pub fn execution(&mut self, run: &str, variant: u64) -> Result<Option<StoredExecution>, DatabaseError> {
        let rows = self.connection.query(
            "SELECT e.variant_key, e.params, e.data_hash, e.config_hash, e.program, e.seed, e.digest, \
             e.final_equity, s.sharpe FROM backtest_executions e \
             LEFT JOIN statistics s ON s.run = e.run AND s.variant = e.variant \
             WHERE e.run = $1 AND e.variant = $2",
            &[Value::text(run), Value::count(variant + 1)],
        )?;
        let text = |value: &Value| value.as_text().unwrap_or_default().to_owned();
        Ok(rows.first().map(|row| StoredExecution {
            key: text(&row[0]),
            params: text(&row[1]),
            data_hash: text(&row[2]),
            config_hash: text(&row[3]),
            program: text(&row[4]),
            seed: text(&row[5]),
            digest: row[6].as_text().map(str::to_owned),
            final_equity: row[7].as_text().map(str::to_owned),
            sharpe: row[8].as_real(),
        }))
    }
}

#[cfg(feature = "postgres")]
fn connect(url: &str, wait: Duration) -> Result<Box<dyn Connection>, DatabaseError> {
    Ok(Box::new(super::postgres::Postgres::connect(url, wait)?))
}

#[cfg(not(feature = "postgres"))]
fn connect(_: &str, _: Duration) -> Result<Box<dyn Connection>, DatabaseError> {
    Err(DatabaseError::Refused("this program is built without PostgreSQL (feature `postgres`)".to_owned()))
}

impl ResultStore for Database {
    fn begin_run(&mut self, run: &str, manifest: &SweepManifest, folder: &Path) -> Result<(), DatabaseError> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let folder = Value::text(folder.to_string_lossy());
        let row = [
            Value::text(run),
            Value::text(&manifest.sweep),
            Value::text(manifest.data_hash()),
            Value::text(manifest.config_hash()),
            Value::text(&manifest.config),
            Value::text(&manifest.program),
            Value::text(manifest.seed.to_string()),
            Value::count(manifest.variants),
            Value::text(manifest.selected.to_string()),
            Value::Integer(0),
            Value::Integer(manifest.created_ns),
            Value::Null,
            folder.clone(),
        ];
        transaction(&mut *self.connection, |connection| {
            if insert(connection, "run_ledger", &LEDGER, &row)? == 0 {
                // The folder may have been moved since.
                let moved = [folder, Value::text(run)];
                connection.execute("UPDATE run_ledger SET folder = $1 WHERE run = $2", &moved)?;
            }
            let mut data = Vec::with_capacity(manifest.data.len() * 3);
            for series in &manifest.data {
                let hash = series.hash.as_ref().map_or(Value::Null, Value::text);
                data.extend([Value::text(run), Value::text(&series.series), hash]);
            }
            insert(connection, "run_data", &["run", "series", "hash"], &data).map(|_| ())
        })
    }

    fn stored(&mut self, run: &str) -> Result<VariantSet, DatabaseError> {
        let rows = self.connection.query(
            "SELECT first_variant, last_variant FROM run_passes WHERE run = $1 ORDER BY first_variant",
            &[Value::text(run)],
        )?;
        Ok(rows.iter().filter_map(|row| range(row)).collect())
    }

    fn add_pass(
        &mut self,
        run: &str,
        manifest: &SweepManifest,
        spec: &SweepSpec,
        variants: &[Variant],
    ) -> Result<u64, DatabaseError> {
        let (Some(first), Some(last)) = (variants.first(), variants.last()) else { return Ok(0) };
        let statistics: Vec<&str> = ["run", "variant", "first_step_ns", "last_step_ns"]
            .into_iter()
            .chain(Statistics::default().figures().map(|(name, _)| name))
            .collect();
        let made_from = [
            Value::text(manifest.data_hash()),
            Value::text(manifest.config_hash()),
            Value::text(&manifest.program),
            Value::text(manifest.seed.to_string()),
        ];
        let pass = [Value::text(run), Value::count(first.index + 1), Value::count(last.index + 1)];
        transaction(&mut *self.connection, |connection| {
            let mut new = 0;
            // So many at a time, that a large pass needs no large memory.
            for variants in variants.chunks(1024) {
                let (mut executed, mut figures) = (Vec::new(), Vec::new());
                for variant in variants {
                    execution(run, &made_from, spec, variant, &mut executed);
                    figures_of(run, variant, &mut figures);
                }
                new += insert(connection, "backtest_executions", &EXECUTIONS, &executed)?;
                insert(connection, "statistics", &statistics, &figures)?;
            }
            insert(connection, "run_passes", &["run", "first_variant", "last_variant"], &pass)?;
            let trials = [Value::count(new), Value::text(run)];
            connection.execute("UPDATE run_ledger SET trials = trials + $1 WHERE run = $2", &trials)?;
            Ok(new)
        })
    }

    fn finish_run(&mut self, run: &str, result_hash: &str) -> Result<(), DatabaseError> {
        let values = [Value::text(result_hash), Value::text(run)];
        self.connection.execute("UPDATE run_ledger SET result_hash = $1 WHERE run = $2", &values).map(|_| ())
    }

    fn replace_records(
        &mut self,
        run: &str,
        variant: u64,
        signals: &[SignalRow],
        trades: &[TradeRow],
    ) -> Result<(), DatabaseError> {
        transaction(&mut *self.connection, |connection| {
            records::replace(connection, run, variant, signals, trades)
        })
    }
}

/// The first and the last variant of a row, counted from 1.
fn range(row: &[Value]) -> Option<VariantRange> {
    let number = |value: &Value| value.as_integer().and_then(|number| u64::try_from(number).ok());
    Some(VariantRange { start: number(&row[0])?.checked_sub(1)?, end: number(&row[1])? })
}

fn execution(run: &str, made_from: &[Value; 4], spec: &SweepSpec, variant: &Variant, row: &mut Vec<Value>) {
    row.extend([Value::text(run), Value::count(variant.index + 1)]);
    match spec.variant(variant.index) {
        Some(parts) => {
            let definition = &spec.definitions[parts.definition];
            let symbols: Vec<&str> =
                parts.instruments.iter().map(|id| spec.instruments[id.index()].symbol.as_str()).collect();
            row.extend([
                Value::text(&definition.id),
                Value::text(&definition.kind),
                Value::text(symbols.join(",")),
                Value::text(parts.timeframe.to_string()),
                Value::text(serde_json::Value::from(parts.params.clone()).to_string()),
                Value::text(spec.key(&parts)),
            ]);
        }
        None => row.extend(std::iter::repeat_n(Value::text(""), 6)),
    }
    row.extend(made_from.iter().cloned());
    match &variant.outcome {
        Outcome::Done(done) => {
            row.extend([Value::text("done"), Value::Null, Value::Null, Value::Null]);
            row.extend([
                Value::text(hex(&done.digest)),
                Value::text(done.final_equity.to_string()),
                Value::text(done.fees.to_string()),
                Value::count(done.orders),
                Value::count(done.fills),
                Value::count(done.trades),
            ]);
        }
        Outcome::Failed { step, ts_ns, reason } => {
            row.extend([
                Value::text("failed"),
                Value::count(*step),
                Value::Integer(*ts_ns),
                Value::text(reason.as_str()),
            ]);
            row.extend(std::iter::repeat_n(Value::Null, 6));
        }
    }
}

/// The row of a variant's statistics; none when it failed.
fn figures_of(run: &str, variant: &Variant, row: &mut Vec<Value>) {
    let Some(done) = variant.evaluation() else { return };
    let (first, last) = done.statistics.span_ns.unzip();
    row.extend([Value::text(run), Value::count(variant.index + 1)]);
    row.extend([first, last].map(|time| time.map_or(Value::Null, Value::Integer)));
    row.extend(done.statistics.figures().map(|(_, figure)| Value::real(figure)));
}

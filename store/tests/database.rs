//! The results database: the same in SQLite and PostgreSQL, every row once, and nobody waits for it.
//!
//! PostgreSQL is the server of `BARHIVE_TEST_POSTGRES`, a URL whose host is a folder with its socket;
//! `test.sh` starts one.

mod gateway;
mod sweeps;

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use barhive_engine::{
    money::Money,
    sweep::{Outcome, SweepSpec, Variant, VariantSet},
};
use barhive_store::{
    database::{Connect, Database, DatabaseError, Follower, ResultStore, SignalRow, TradeRow, catch_up},
    sweep::{DataUse, SweepManifest, SweepRun, SweepStore},
};
use gateway::Gateway;
use sweeps::{manifest, pass, spec, variant};

const WAIT: Duration = Duration::from_secs(20);

/// A run of its own: its data are named after its folder.
fn begin(folder: &Path) -> (SweepStore, SweepSpec) {
    let spec = spec(2);
    let series = folder.display().to_string();
    let manifest = SweepManifest { data: vec![DataUse { series, hash: None }], ..manifest(&spec) };
    (SweepStore::create(folder.join("run"), &manifest).unwrap(), spec)
}

/// Runs a test with each database that is there.
fn with_each(test: impl Fn(&Path, &str)) {
    let folder = tempfile::tempdir().unwrap();
    test(folder.path(), &format!("sqlite:{}", folder.path().join("results.db").display()));
    match postgres() {
        Some(url) => test(tempfile::tempdir().unwrap().path(), &url),
        None => println!("PostgreSQL skipped: BARHIVE_TEST_POSTGRES names no server; test.sh starts one"),
    }
}

fn postgres() -> Option<String> {
    std::env::var("BARHIVE_TEST_POSTGRES").ok().filter(|url| cfg!(feature = "postgres") && !url.is_empty())
}

fn connect(url: String, wait: Duration) -> Connect {
    Box::new(move || Ok(Box::new(Database::open(&url, wait)?)))
}

#[test]
fn a_run_is_in_the_database_once_however_often_it_is_copied() {
    with_each(|folder, url| {
        let (mut store, spec) = begin(folder);
        let mut database = Database::open(url, WAIT).unwrap();
        let (id, data_hash) = (store.run().id(), store.run().manifest().data_hash());
        store.append(&pass(30, 52)).unwrap();
        let copied = catch_up(store.run(), &spec, &mut database, &|| true).unwrap();
        assert_eq!((copied.passes, copied.variants, copied.complete), (1, 22, true));
        store.append(&pass(0, 20)).unwrap();
        store.append(&pass(20, 30)).unwrap();
        let asked = Mutex::new(0);
        let once = || {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            *asked == 1
        };
        let copied = catch_up(store.run(), &spec, &mut database, &once).unwrap();
        assert_eq!((copied.variants, copied.complete), (20, false));
        let result = store.finish(&spec, 0).unwrap();
        assert_eq!(catch_up(store.run(), &spec, &mut database, &|| true).unwrap().variants, 10);
        let mut again = Database::open(url, WAIT).unwrap();
        assert_eq!(catch_up(store.run(), &spec, &mut again, &|| true).unwrap().variants, 0);
        let all: Vec<Variant> = store.run().variants().map(Result::unwrap).collect();
        assert_eq!(again.add_pass(&id, store.run().manifest(), &spec, &all).unwrap(), 0);

        assert_eq!(database.stored(&id).unwrap(), VariantSet::from(spec.all()));
        assert_eq!(database.trials(&data_hash).unwrap(), 52);
        assert_eq!(database.trials("of other data").unwrap(), 0);
        let ledger = database.ledger().unwrap();
        let entry = ledger.iter().find(|entry| entry.run == id).unwrap();
        assert_eq!((entry.trials, entry.result_hash.as_ref()), (52, Some(&result.result_hash)));
        assert_eq!(entry.folder, store.run().folder().display().to_string());
        for index in 0..52 {
            let stored = database.execution(&id, index).unwrap().unwrap();
            let parts = spec.variant(index).unwrap();
            assert_eq!(stored.key, spec.key(&parts));
            let params: serde_json::Map<_, _> = serde_json::from_str(&stored.params).unwrap();
            assert_eq!(params, parts.params);
            assert_eq!((stored.seed.as_str(), stored.program.as_str()), ("7", "0.1.0"));
            let variant = variant(index);
            let done = variant.evaluation();
            assert_eq!(stored.digest.is_some(), done.is_some());
            assert_eq!(stored.final_equity, done.map(|done| done.final_equity.to_string()));
            assert_eq!(stored.sharpe, done.and_then(|done| done.statistics.sharpe), "to the bit");
        }
        assert_eq!(database.execution(&id, 52).unwrap(), None);
    });
}

#[test]
fn what_a_variant_says_of_its_failure_is_kept_as_far_as_a_text_can_be() {
    with_each(|folder, url| {
        let (mut store, spec) = begin(folder);
        let mut pass = pass(0, 2);
        let reason = "it's \"\0\" $1 ; DROP TABLE trades ε".to_owned();
        pass.variants[1].outcome = Outcome::Failed { step: u64::MAX, ts_ns: i64::MIN, reason };
        store.append(&pass).unwrap();
        let mut database = Database::open(url, WAIT).unwrap();
        assert_eq!(catch_up(store.run(), &spec, &mut database, &|| true).unwrap().variants, 2);
        assert!(database.execution(&store.run().id(), 1).unwrap().unwrap().digest.is_none());
    });
}

#[test]
fn records_of_a_variant_replace_those_before() {
    with_each(|folder, url| {
        let (store, _) = begin(folder);
        let signal = |lots: i64| SignalRow {
            ts_ns: lots,
            strategy: "cross".to_owned(),
            symbol: "BTC/USDT".to_owned(),
            kind: "market".to_owned(),
            lots,
            price: (lots > 0).then(|| "10.5".to_owned()),
        };
        let trade = TradeRow {
            strategy: "cross".to_owned(),
            symbol: "BTC/USDT".to_owned(),
            side: "long".to_owned(),
            lots: 3,
            entry_ts_ns: 1,
            exit_ts_ns: 2,
            entry_value: Money(i128::MAX),
            exit_value: Money(-1),
            fees: Money::ZERO,
            pnl: Money(1),
        };
        let mut database = Database::open(url, WAIT).unwrap();
        let id = store.run().id();
        let signals: Vec<_> = (-20..20).map(signal).collect();
        database.replace_records(&id, 4, &signals, &vec![trade.clone(); 40]).unwrap();
        database.replace_records(&id, 4, &signals[..3], &[trade]).unwrap();
        if let Some(path) = url.strip_prefix("sqlite:") {
            let connection = rusqlite::Connection::open(path).unwrap();
            let count = |table: &str| -> i64 {
                connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
            };
            assert_eq!((count("backtest_signals"), count("trades")), (3, 1));
        }
        let recorded: Vec<u64> = database.recorded(&id).unwrap().iter().collect();
        assert_eq!(recorded, [4]);
    });
}

#[test]
fn programs_that_start_at_once_make_the_tables_once() {
    with_each(|_, url| {
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| Database::open(url, WAIT).unwrap().ledger().unwrap());
            }
        });
    });
}

#[test]
fn tables_of_a_newer_program_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.db");
    drop(Database::open(path.to_str().unwrap(), WAIT).unwrap());
    rusqlite::Connection::open(&path).unwrap().execute("INSERT INTO barhive_schema VALUES (99)", []).unwrap();
    match Database::open(path.to_str().unwrap(), WAIT) {
        Err(DatabaseError::Refused(what)) => assert!(what.contains("step 99"), "{what}"),
        other => panic!("{:?}", other.err()),
    }
    fs::write(folder.path().join("text"), "no database at all, but long enough to be looked at").unwrap();
    let other = Database::open(folder.path().join("text").to_str().unwrap(), WAIT);
    assert!(matches!(other, Err(DatabaseError::Refused(_))));
    let nowhere = Database::open(folder.path().join("none/results.db").to_str().unwrap(), WAIT);
    assert!(matches!(nowhere, Err(DatabaseError::Gone(_))));
}

#[test]
fn a_database_that_somebody_holds_is_waited_for_no_longer_than_agreed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, spec) = begin(folder.path());
    store.append(&pass(0, 10)).unwrap();
    let path = folder.path().join("results.db");
    let mut database = Database::open(path.to_str().unwrap(), Duration::from_millis(50)).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let fault = catch_up(store.run(), &spec, &mut database, &|| true).unwrap_err();
    assert!(matches!(fault, DatabaseError::Gone(_)), "{fault}");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(catch_up(store.run(), &spec, &mut database, &|| true).unwrap().variants, 10);
}

#[test]
fn a_follower_copies_what_is_appended_while_its_database_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, spec) = begin(folder.path());
    let url = folder.path().join("results.db").display().to_string();
    let mut open = connect(url.clone(), WAIT);
    let mut tries = 0;
    let flaky: Connect = Box::new(move || {
        tries += 1;
        match tries % 3 {
            0 => Err(DatabaseError::Gone("not now".to_owned())),
            _ => Ok(Box::new(Flaky { inner: open()?, left: tries })),
        }
    });
    let follower = Follower::start(flaky, store.run().folder().to_owned(), Arc::new(spec.clone())).unwrap();
    for start in (0..50).step_by(5) {
        store.append(&pass(start, start + 5)).unwrap();
        follower.wake();
    }
    store.append(&pass(50, 52)).unwrap();
    let result = store.finish(&spec, 0).unwrap();
    let report = follower.finish(Duration::from_secs(60), &|| true);
    assert!(report.complete && report.gone > 0 && report.fault.is_none(), "{report:?}");
    assert_eq!(report.variants, 52);
    let mut database = Database::open(&url, WAIT).unwrap();
    assert_eq!(database.ledger().unwrap()[0].result_hash, Some(result.result_hash));
    assert_eq!(database.trials(&store.run().manifest().data_hash()).unwrap(), 52);
}

/// A database that is gone after a few passes.
struct Flaky {
    inner: Box<dyn ResultStore>,
    left: u32,
}

impl ResultStore for Flaky {
    fn begin_run(&mut self, run: &str, manifest: &SweepManifest, folder: &Path) -> Result<(), DatabaseError> {
        self.inner.begin_run(run, manifest, folder)
    }

    fn stored(&mut self, run: &str) -> Result<VariantSet, DatabaseError> {
        self.inner.stored(run)
    }

    fn add_pass(
        &mut self,
        run: &str,
        manifest: &SweepManifest,
        spec: &SweepSpec,
        variants: &[Variant],
    ) -> Result<u64, DatabaseError> {
        if self.left == 0 {
            return Err(DatabaseError::Gone("went away".to_owned()));
        }
        self.left -= 1;
        self.inner.add_pass(run, manifest, spec, variants)
    }

    fn finish_run(&mut self, run: &str, result_hash: &str) -> Result<(), DatabaseError> {
        self.inner.finish_run(run, result_hash)
    }

    fn replace_records(
        &mut self,
        run: &str,
        variant: u64,
        signals: &[SignalRow],
        trades: &[TradeRow],
    ) -> Result<(), DatabaseError> {
        self.inner.replace_records(run, variant, signals, trades)
    }
}

#[test]
fn a_database_that_hangs_holds_nobody_up_and_gets_its_rows_later() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, spec) = begin(folder.path());
    let (release, hold) = mpsc::sync_channel::<()>(1);
    let hanging: Connect = Box::new(move || {
        // Until the test lets go of it.
        let _ = hold.recv();
        Err(DatabaseError::Gone("was asleep".to_owned()))
    });
    let follower = Follower::start(hanging, store.run().folder().to_owned(), Arc::new(spec.clone())).unwrap();
    store.append(&pass(0, 52)).unwrap();
    follower.wake();
    store.finish(&spec, 0).unwrap();
    let report = follower.finish(Duration::from_millis(100), &|| true);
    assert!(!report.complete, "{report:?}");
    drop(release);
    drop(store);
    let run = SweepRun::open(folder.path().join("run")).unwrap();
    let mut database = Database::open(folder.path().join("later.db").to_str().unwrap(), WAIT).unwrap();
    assert_eq!(catch_up(&run, &spec, &mut database, &|| true).unwrap().variants, 52);
}

#[test]
fn a_database_that_refuses_is_given_up_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (store, spec) = begin(folder.path());
    let refusing: Connect = Box::new(|| Err(DatabaseError::Refused("no such user".to_owned())));
    let follower = Follower::start(refusing, store.run().folder().to_owned(), Arc::new(spec)).unwrap();
    let report = follower.finish(WAIT, &|| true);
    assert!(!report.complete && report.refused && report.fault.unwrap().contains("no such user"));
}

#[test]
fn a_server_that_is_cut_off_or_frozen_is_noticed_and_caught_up_with() {
    let Some(url) = postgres() else {
        println!("skipped: BARHIVE_TEST_POSTGRES names no server; test.sh starts one");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut store, spec) = begin(folder.path());
    let gateway = Gateway::to(&url);
    let through = gateway.url().to_owned();
    let mut database = Database::open(&through, Duration::from_millis(500)).unwrap();
    store.append(&pass(0, 10)).unwrap();
    catch_up(store.run(), &spec, &mut database, &|| true).unwrap();
    store.append(&pass(10, 20)).unwrap();
    gateway.freeze();
    let fault = catch_up(store.run(), &spec, &mut database, &|| true).unwrap_err();
    assert!(matches!(&fault, DatabaseError::Gone(what) if what.contains("0.5 s")), "{fault}");
    let fault = Database::open(&through, Duration::from_millis(200)).err().unwrap();
    assert!(matches!(fault, DatabaseError::Gone(_)), "{fault}");
    gateway.open();

    let follower = Follower::start(
        connect(through, Duration::from_millis(500)),
        store.run().folder().to_owned(),
        Arc::new(spec.clone()),
    )
    .unwrap();
    for start in (20..52).step_by(4) {
        gateway.cut();
        store.append(&pass(start, start + 4)).unwrap();
        follower.wake();
        if start % 8 == 0 {
            gateway.open();
        }
    }
    gateway.open();
    store.finish(&spec, 0).unwrap();
    let report = follower.finish(Duration::from_secs(60), &|| true);
    assert!(report.complete, "{report:?}");
    let mut database = Database::open(&url, WAIT).unwrap();
    assert_eq!(database.stored(&store.run().id()).unwrap().len(), 52);
    assert_eq!(database.trials(&store.run().manifest().data_hash()).unwrap(), 52);
}

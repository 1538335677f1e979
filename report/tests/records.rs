//! Records streamed to files: what arrives, what a restart and a quarantine leave, how faults end.

mod sample;

use std::{fs, path::Path};

use barhive_engine::{
    record::{Recorder, Records},
    set::{Retention, Trace},
};
use barhive_report::store::{Format, RecordStore};
use parquet::{
    arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};

fn records(rows: usize) -> Records {
    sample::trade_cross(&sample::bars(7, rows, sample::MINUTE_NS), 0, 0, 40, 20)
}

fn write(folder: &Path, format: Format, records: &Records, frame_rows: usize) {
    let store = RecordStore::to_files(folder, format, 1).unwrap();
    let mut recorder =
        store.recorder(&sample::container("main", &["trend"], 1), &[sample::instrument("BTC")]);
    sample::play(&mut recorder, records, frame_rows);
    drop(recorder);
    let recorded = store.finish(&[]);
    assert_eq!(recorded.faults, []);
    assert_eq!(recorded.files.len(), 4);
    assert_eq!(
        recorded.curves[0].equity.buckets().last().unwrap().last,
        records.equity.last().unwrap().equity
    );
}

#[test]
fn parquet_keeps_every_record_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(40_000);
    write(folder.path(), Format::Parquet, &records, 1024);
    let account = folder.path().join("accounts/main");

    let open = |name: &str| fs::File::open(account.join(name)).unwrap();
    let equity = SerializedFileReader::new(open("equity.parquet")).unwrap();
    assert!(equity.metadata().num_row_groups() > 1);
    let mut count = 0;
    for (row, point) in equity.get_row_iter(None).unwrap().zip(&records.equity) {
        assert_eq!(row.unwrap().get_double(1).unwrap().to_bits(), point.equity.to_bits());
        count += 1;
    }
    assert_eq!(count, records.equity.len());

    let trades = ParquetRecordBatchReaderBuilder::try_new(open("trades.parquet")).unwrap();
    let schema = trades.schema().clone();
    let kinds: Vec<_> = schema.fields().iter().map(|f| format!("{}: {}", f.name(), f.data_type())).collect();
    assert_eq!(kinds[0], "entry_ts: Timestamp(ns, \"UTC\")");
    assert_eq!(kinds[2], "strategy: Dictionary(Int32, Utf8)");
    assert_eq!(kinds[11], "pnl: Decimal128(38, 9)");
    let mut rows = 0;
    for batch in trades.build().unwrap() {
        let batch = batch.unwrap();
        let pnl = batch.column(11).as_any().downcast_ref::<arrow_array::Decimal128Array>().unwrap();
        for value in pnl.values().iter() {
            assert_eq!(*value, records.trades[rows].pnl.0);
            rows += 1;
        }
    }
    assert_eq!(rows, records.trades.len());
}

#[test]
fn text_formats_spell_decimals_exactly_and_times_in_utc() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(600);
    write(folder.path(), Format::Csv, &records, 64);
    write(folder.path(), Format::JsonLines, &records, 64);
    let read = |name: &str| fs::read_to_string(folder.path().join("accounts/main").join(name)).unwrap();

    let fill = &records.fills[0];
    let csv = read("fills.csv");
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("ts,order,strategy,symbol,side,quantity,price,fee"));
    let first = lines.next().unwrap();
    let expected = format!(
        "{},1,trend,BTC,{},20,{},{}",
        barhive_engine::time::format_utc(fill.ts_ns),
        if fill.lots < 0 { "sell" } else { "buy" },
        sample::instrument("BTC").format_price(fill.price),
        fill.fee
    );
    assert_eq!(first, expected);
    assert_eq!(csv.lines().count(), records.fills.len() + 1);
    assert_eq!(read("equity.csv").lines().count(), records.equity.len() + 1);

    let line: serde_json::Value = serde_json::from_str(read("orders.jsonl").lines().next().unwrap()).unwrap();
    assert_eq!(line["state"], "submitted");
    assert_eq!(line["price"], serde_json::Value::Null);
    let line: serde_json::Value = serde_json::from_str(read("trades.jsonl").lines().next().unwrap()).unwrap();
    assert_eq!(line["pnl"], records.trades[0].pnl.to_string());
}

#[test]
fn frames_of_any_size_leave_the_same_files() {
    let records = records(20_000);
    let folders = [1usize, 7, 1024, 20_000].map(|frame_rows| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), Format::Parquet, &records, frame_rows);
        folder
    });
    for file in ["equity", "fills", "trades", "orders"] {
        let name = format!("accounts/main/{file}.parquet");
        let first = fs::read(folders[0].path().join(&name)).unwrap();
        for folder in &folders[1..] {
            assert!(first == fs::read(folder.path().join(&name)).unwrap(), "{file}");
        }
    }
}

#[test]
fn a_restart_starts_the_files_over() {
    let (clean, restarted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let records = records(20_000);
    write(clean.path(), Format::Csv, &records, 1024);

    let store = RecordStore::to_files(restarted.path(), Format::Csv, 1).unwrap();
    let mut recorder =
        store.recorder(&sample::container("main", &["trend"], 1), &[sample::instrument("BTC")]);
    sample::play(&mut recorder, &self::records(19_000), 100);
    recorder.restart();
    sample::play(&mut recorder, &records, 1024);
    drop(recorder);
    assert_eq!(store.finish(&[]).faults, []);
    for file in ["equity", "fills", "trades", "orders"] {
        let name = format!("accounts/main/{file}.csv");
        assert!(
            fs::read(clean.path().join(&name)).unwrap() == fs::read(restarted.path().join(&name)).unwrap()
        );
    }
}

#[test]
fn a_second_recorder_of_one_name_replaces_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = RecordStore::to_files(folder.path(), Format::Csv, 1).unwrap();
    let make = || store.recorder(&sample::container("main", &["trend"], 1), &[sample::instrument("BTC")]);
    let (mut first, mut second) = (make(), make());
    sample::play(&mut first, &records(9000), 1000);
    sample::play(&mut second, &records(500), 1000);
    drop(second);
    drop(first);
    let recorded = store.finish(&[]);
    assert_eq!((recorded.faults.len(), recorded.files.len(), recorded.curves.len()), (0, 4, 1));
    let equity = fs::read_to_string(folder.path().join("accounts/main/equity.csv")).unwrap();
    assert_eq!(equity.lines().count(), 501);
}

#[test]
fn trace_and_retention_bound_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = RecordStore::to_files(folder.path(), Format::Csv, 3).unwrap();
    let levels = [
        ("minimal", Trace::Minimal, Retention::Full, vec![]),
        ("normal", Trace::Normal, Retention::Full, vec!["equity.csv", "fills.csv", "trades.csv"]),
        ("trades", Trace::Full, Retention::TradeComplete, vec!["trades.csv"]),
    ];
    for (name, trace, retention, _) in &levels {
        let spec = barhive_engine::set::ContainerSpec {
            trace: *trace,
            retention: *retention,
            ..sample::container(name, &["trend"], 1)
        };
        let mut recorder = store.recorder(&spec, &[sample::instrument("BTC")]);
        sample::play(&mut recorder, &records(500), 100);
    }
    let recorded = store.finish(&[]);
    assert_eq!(recorded.curves.len(), 3);
    for (name, _, _, files) in levels {
        let mut found: Vec<_> = fs::read_dir(folder.path().join("accounts").join(name))
            .map(|entries| entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        found.sort();
        assert_eq!(found, files, "{name}");
    }
}

#[test]
fn quarantined_unfinished_and_abandoned_accounts_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = RecordStore::to_files(folder.path(), Format::Parquet, 2).unwrap();
    let make =
        |name: &str| store.recorder(&sample::container(name, &["trend"], 1), &[sample::instrument("BTC")]);
    let mut failed = make("failed");
    sample::play(&mut failed, &records(500), 100);
    drop(failed);
    let kept_alive = make("kept alive");
    let recorded = store.finish(&["failed".into()]);
    assert_eq!(recorded.files, Vec::<std::path::PathBuf>::new());
    assert_eq!(recorded.faults.len(), 1);
    assert!(recorded.faults[0].to_string().contains("still recording"), "{}", recorded.faults[0]);
    drop(kept_alive);

    let store = RecordStore::to_files(folder.path(), Format::Parquet, 1).unwrap();
    let mut recorder =
        store.recorder(&sample::container("lost", &["trend"], 1), &[sample::instrument("BTC")]);
    drop(store);
    sample::play(&mut recorder, &records(50_000), 1024);
    drop(recorder);

    let mut left = Vec::new();
    for _ in 0..200 {
        left = fs::read_dir(folder.path().join("accounts"))
            .unwrap()
            .flat_map(|account| fs::read_dir(account.unwrap().path()).unwrap())
            .map(|file| file.unwrap().path())
            .collect();
        if left.is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{left:?}");
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_the_others_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("accounts/main/fills.csv.tmp")).unwrap();
    let store = RecordStore::to_files(folder.path(), Format::Csv, 1).unwrap();
    let mut recorder =
        store.recorder(&sample::container("main", &["trend"], 1), &[sample::instrument("BTC")]);
    sample::play(&mut recorder, &records(30_000), 1024);
    drop(recorder);
    let recorded = store.finish(&[]);
    assert_eq!(recorded.files.len(), 3);
    assert_eq!(recorded.faults.len(), 1);
    assert!(recorded.faults[0].to_string().contains("fills.csv: "), "{}", recorded.faults[0]);
}

#[test]
fn sixty_accounts_record_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(3000);
    let store = RecordStore::to_files(folder.path(), Format::Parquet, 60).unwrap();
    let mut recorders: Vec<_> = (0..60)
        .map(|n| {
            store.recorder(&sample::container(&format!("a{n}"), &["t"], 1), &[sample::instrument("BTC")])
        })
        .collect();
    std::thread::scope(|scope| {
        for half in recorders.chunks_mut(30) {
            scope.spawn(|| half.iter_mut().for_each(|r| sample::play(r, &records, 500)));
        }
    });
    drop(recorders);
    let recorded = store.finish(&[]);
    assert_eq!((recorded.files.len(), recorded.faults.len(), recorded.curves.len()), (240, 0, 60));
}

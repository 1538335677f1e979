//! The run folder as its users see it: what goes in comes out, in grid order, and nothing else does.

mod sweeps;

use std::{fs, path::Path};

use arrow_array::{Array, cast::AsArray, types::*};
use barhive_engine::sweep::{PassBlock, VariantRange, VariantSet};
use barhive_store::sweep::{
    Keep, PARQUET, ParameterKind, SweepError, SweepManifest, SweepRun, SweepStore, list, parameter_columns,
    prune,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sweeps::{manifest, pass, spec, variant};

fn store_of(folder: &Path, passes: &[(u64, u64)]) -> SweepStore {
    let mut store = SweepStore::create(folder, &manifest(&spec(2))).unwrap();
    for (start, end) in passes {
        store.append(&pass(*start, *end)).unwrap();
    }
    store
}

#[test]
fn passes_come_out_in_grid_order_however_they_were_appended() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(folder.path(), &[(20, 30), (0, 5), (31, 52), (5, 20)]);
    let indices: Vec<u64> = store.run().variants().map(|variant| variant.unwrap().index).collect();
    assert!(indices.iter().copied().eq((0..30).chain(31..52)));
    for result in store.run().variants() {
        let result = result.unwrap();
        assert_eq!(result, variant(result.index));
    }
    assert_eq!(store.done().to_string(), "1-30,32-52");
    assert_eq!(store.run().left().to_string(), "31");
    assert_eq!(store.run().variant(29).unwrap(), Some(variant(29)));
    assert_eq!(store.run().variant(30).unwrap(), None);
    assert_eq!((store.run().passes(), store.run().work().containers), (4, 51));

    let reader = SweepRun::open(folder.path()).unwrap();
    assert_eq!(reader.done(), store.done());
    assert_eq!(reader.work(), store.run().work());
    assert!(reader.result().unwrap().is_none());
}

#[test]
fn no_variant_has_two_results_and_none_comes_without_being_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(2);
    let selected: VariantSet = "1-30,41-52".parse().unwrap();
    let mut store =
        SweepStore::create(folder.path(), &SweepManifest { selected, ..manifest(&spec) }).unwrap();
    store.append(&pass(10, 20)).unwrap();
    for (start, end) in [(10, 20), (0, 11), (19, 25), (12, 13), (5, 25)] {
        let error = store.append(&pass(start, end)).unwrap_err();
        assert!(matches!(error, SweepError::Twice { .. }), "{error}");
    }
    assert!(store.append(&pass(25, 35)).unwrap_err().to_string().contains("variants 31-35"));
    let gap = PassBlock { range: VariantRange { start: 0, end: 4 }, ..pass(0, 3) };
    assert!(store.append(&gap).unwrap_err().to_string().contains("found 3 results"));
    assert!(store.append(&PassBlock::default()).is_err());
    let turned = PassBlock { variants: pass(0, 3).variants.into_iter().rev().collect(), ..pass(0, 3) };
    assert!(store.append(&turned).is_err());
    assert_eq!(store.done().to_string(), "11-20");
    drop(store);
    assert_eq!(SweepRun::open(folder.path()).unwrap().done().to_string(), "11-20");
}

#[test]
fn a_run_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(folder.path(), &[(0, 5)]);
    assert!(matches!(SweepStore::open(folder.path()), Err(SweepError::Busy { .. })));
    assert!(matches!(
        SweepStore::create(folder.path(), store.run().manifest()),
        Err(SweepError::Busy { .. })
    ));
    assert_eq!(SweepRun::open(folder.path()).unwrap().done().len(), 5, "anybody may read");
    let manifest = store.run().manifest().clone();
    drop(store);
    assert_eq!(SweepStore::open(folder.path()).unwrap().done().len(), 5);
    assert!(SweepStore::create(folder.path(), &manifest).unwrap_err().to_string().contains("resume"));
}

#[test]
fn going_on_with_something_else_is_refused_with_every_difference() {
    let folder = tempfile::tempdir().unwrap();
    let old = store_of(folder.path(), &[(0, 5)]).run().manifest().clone();
    let later = SweepManifest { created_ns: 5, ..old.clone() };
    assert!(SweepStore::resume(folder.path(), &later).is_ok(), "when it was made does not matter");
    let mut new = SweepManifest {
        program: "0.2.0".to_owned(),
        config: "sweep: cross\nseed: 8\n".to_owned(),
        seed: 8,
        ..old.clone()
    };
    new.data[0].hash = Some("cd34".to_owned());
    let error = SweepStore::resume(folder.path(), &new).unwrap_err().to_string();
    for part in [
        "program version: the run has 0.1.0, now 0.2.0",
        "seed: the run has 7, now 8",
        "data of BTC/USDT bar 1m: the run has ab12, now cd34",
        "configuration, line 2: the run has `seed: 7`, now `seed: 8`",
    ] {
        assert!(error.contains(part), "{error}");
    }
    new = SweepManifest { data: Vec::new(), variants: 60, selected: "1-2".parse().unwrap(), ..old };
    let error = SweepStore::resume(folder.path(), &new).unwrap_err().to_string();
    assert!(error.contains("series") && error.contains("grid") && error.contains("selected"), "{error}");
}

#[test]
fn what_is_no_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(SweepStore::open(folder.path()).unwrap_err().to_string().contains("no manifest"));
    let spec = spec(2);
    let none = SweepManifest { selected: VariantSet::new(), ..manifest(&spec) };
    assert!(SweepStore::create(folder.path(), &none).is_err());
    let behind = SweepManifest { selected: "1-53".parse().unwrap(), ..manifest(&spec) };
    assert!(SweepStore::create(folder.path(), &behind).unwrap_err().to_string().contains("variants 1 to 52"));
    drop(store_of(folder.path(), &[(0, 5)]));

    let other = tempfile::tempdir().unwrap();
    drop(SweepStore::create(other.path(), &SweepManifest { seed: 9, ..manifest(&spec) }).unwrap());
    fs::copy(other.path().join("results.log"), folder.path().join("results.log")).unwrap();
    assert!(SweepRun::open(folder.path()).unwrap_err().to_string().contains("the log of this run"));
    let text = fs::read_to_string(other.path().join("manifest.json")).unwrap();
    fs::write(other.path().join("manifest.json"), text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    assert!(SweepRun::open(other.path()).unwrap_err().to_string().contains("format 2"));
}

#[test]
fn a_run_is_finished_when_every_selected_variant_has_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(2);
    let mut store = store_of(folder.path(), &[(0, 30)]);
    assert!(store.finish(&spec, 1).unwrap_err().to_string().contains("variants 31-52"));
    assert!(!folder.path().join("result.json").exists());
    store.append(&pass(30, 52)).unwrap();
    let result = store.finish(&spec, 1).unwrap();
    assert_eq!((result.done, result.failed, result.failures.len()), (47, 5, 5));
    assert_eq!(result.failures[0].variant, 10);
    assert!(result.failures[0].key.contains("\"slow\":"), "{}", result.failures[0].key);
    assert_eq!(result.result_hash, store.run().hash(&spec).unwrap());
    assert_eq!(store.run().result().unwrap(), Some(result.clone()));
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let before = (bytes("result.json"), bytes(PARQUET));
    assert_eq!(store.finish(&spec, 2).unwrap(), result);
    assert!(before == (bytes("result.json"), bytes(PARQUET)));
    assert!(store.run().hash(&sweeps::spec(3)).unwrap_err().to_string().contains("52 variants"));
}

#[test]
fn the_table_has_a_typed_column_per_parameter_and_every_figure() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(2);
    let store = store_of(folder.path(), &[(0, 52)]);
    let path = folder.path().join("table.parquet");
    store.run().export_parquet(&spec, &path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    assert_eq!((batches.len(), batches[0].num_rows()), (1, 52));
    let column = |name: &str| batches[0].column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));

    let kinds: Vec<_> =
        parameter_columns(&spec, &["Steps"]).into_iter().map(|p| (p.column, p.kind)).collect();
    let expected = [
        ("fast", ParameterKind::Integer),
        ("mode", ParameterKind::Text),
        ("slow", ParameterKind::Integer),
        ("param_steps", ParameterKind::Number),
        ("trail", ParameterKind::Truth),
    ];
    assert!(kinds.iter().map(|(name, kind)| (name.as_str(), *kind)).eq(expected));
    assert_eq!(column("fast").as_primitive::<Int64Type>().value(3), 2);
    assert_eq!(column("slow").as_primitive::<Int64Type>().value(3), 1);
    assert!(column("slow").is_null(45), "the other definition has no such parameter");
    assert_eq!(column("mode").as_string::<i32>().value(0), "long");
    assert_eq!(column("param_steps").as_primitive::<Float64Type>().value(51), 2.0);
    assert!(column("trail").as_boolean().value(51));
    assert_eq!(column("instruments").as_string::<i32>().value(51), "BTC/USDT,ETH/USDT");
    assert_eq!(column("timeframe").as_string::<i32>().value(0), "1m");
    for row in 0..52 {
        let variant = variant(row as u64);
        assert_eq!(column("variant").as_primitive::<UInt64Type>().value(row), row as u64 + 1);
        let Some(done) = variant.evaluation() else {
            assert_eq!(column("outcome").as_string::<i32>().value(row), "failed");
            assert!(column("reason").as_string::<i32>().value(row).contains("divides by zero"));
            assert!(column("final_equity").is_null(row) && column("sharpe").is_null(row));
            continue;
        };
        let equity = column("final_equity").as_primitive::<Decimal128Type>();
        assert_eq!((equity.value(row), equity.scale()), (done.final_equity.0, 9));
        assert_eq!(column("trades").as_primitive::<UInt64Type>().value(row), done.trades);
        for (name, figure) in done.statistics.figures() {
            let values = column(name).as_primitive::<Float64Type>();
            assert_eq!(values.is_valid(row).then(|| values.value(row)), figure, "{name} of row {row}");
        }
    }
}

#[test]
fn runs_are_listed_newest_first_and_pruned_but_for_those_to_keep() {
    let root = tempfile::tempdir().unwrap();
    let spec = spec(2);
    assert!(list(&root.path().join("none")).unwrap().0.is_empty());
    let make = |name: &str, created_ns: i64, passes: &[(u64, u64)]| {
        let folder = root.path().join(name);
        let mut store =
            SweepStore::create(&folder, &SweepManifest { created_ns, ..manifest(&spec) }).unwrap();
        for (start, end) in passes {
            store.append(&pass(*start, *end)).unwrap();
        }
        if store.run().left().is_empty() {
            store.finish(&spec, created_ns + 1).unwrap();
        }
        store
    };
    drop(make("a", 1, &[(0, 52)]));
    drop(make("b", 4, &[(0, 52)]));
    drop(make("c", 2, &[(3, 10)]));
    let running = make("d", 3, &[(0, 10), (20, 25)]);
    fs::create_dir(root.path().join("died")).unwrap();
    fs::write(root.path().join("died/results.log"), "").unwrap();
    fs::create_dir(root.path().join("foreign")).unwrap();
    fs::write(root.path().join("foreign/report.json"), "{}").unwrap();
    fs::create_dir(root.path().join("broken")).unwrap();
    fs::write(root.path().join("broken/manifest.json"), "{").unwrap();

    let names = || -> Vec<(String, u64, bool)> {
        let named = |folder: &Path| folder.file_name().unwrap().to_str().unwrap().to_owned();
        let (entries, faults) = list(root.path()).unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        entries.iter().map(|entry| (named(&entry.folder), entry.done, entry.result.is_some())).collect()
    };
    let named = |rows: &[(&str, u64, bool)]| -> Vec<(String, u64, bool)> {
        rows.iter().map(|(name, done, finished)| ((*name).to_owned(), *done, *finished)).collect()
    };
    assert_eq!(names(), named(&[("b", 52, true), ("d", 15, false), ("c", 7, false), ("a", 52, true)]));
    let gone = prune(root.path(), Keep { newest: 1, unfinished: true }).unwrap();
    assert_eq!(gone, [root.path().join("a"), root.path().join("died")]);
    assert_eq!(prune(root.path(), Keep { newest: 0, unfinished: false }).unwrap().len(), 2);
    assert_eq!(names(), named(&[("d", 15, false)]), "a run that is being written stays");
    drop(running);
    assert!(root.path().join("foreign/report.json").exists());
}

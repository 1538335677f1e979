//! `data` from outside: from a file to a catalog to a run, and every way back.

use serde_json::Value;

use crate::program::Place;

const BARS: &str = "\
Date,Open,High,Low,Close,Volume
2024-01-02,10.00,10.50,9.80,10.20,1000
2024-01-03,10.20,10.90,10.10,10.80,1200
2024-01-04,10.80,10.70,10.30,10.40,900
2024-01-05,10.40,10.60,10.00,10.10,1100
";

const SET: &str = "
feed: {kind: catalog, params: {path: data}}
account: {kind: shared, cash: 1000 USD}
strategies:
  - {id: hold, kind: buy_and_hold, timeframe: 1d, sizing: {fixed: 1}}
";

#[test]
fn a_file_is_imported_listed_checked_and_run() {
    let place = Place::new();
    place.write("ACME.csv", BARS).write("set.yaml", SET);
    let import = place.succeed(&["data", "import", "ACME.csv", "--timeframe", "1d", "--zone", "UTC"]);
    // The third row's high is below its open: refused, counted and told.
    assert!(import.stdout.contains("4 rows read, 3 kept"), "{}", import.stdout);
    assert!(import.stdout.contains("outside_range: 1 x"), "{}", import.stdout);
    let list = place.succeed(&["data", "list"]);
    list.fits_80_columns();
    assert!(list.stdout.contains("ACME"), "{}", list.stdout);
    let check = place.succeed(&["data", "check", "--format", "json"]);
    let check: Value = serde_json::from_str(&check.stdout).expect("JSON");
    assert_eq!((&check[0]["sound"], &check[0]["rows_sound"]), (&Value::from(true), &Value::from(3)));
    let run = place.succeed(&["run", "set.yaml", "--format", "json"]).stdout;
    let run: Value = serde_json::from_str(&run).expect("JSON");
    // Decided at the close of the first bar, filled at the open of the second: 10.20; marked at 10.10.
    assert_eq!(run["accounts"][0]["final_equity"], "999.9");
}

#[test]
fn a_flipped_bit_in_the_catalog_is_found() {
    let place = Place::new();
    place.succeed(&["data", "generate", "--bars", "5000", "--symbols", "X"]);
    let list = place.succeed(&["data", "list", "--format", "json"]).stdout;
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let path = place.path(list[0]["path"].as_str().expect("a path"));
    let mut bytes = std::fs::read(&path).expect("a series");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("a damaged series");
    let answer = place.run(&["data", "check"]);
    assert_eq!(answer.code, Some(1), "{}", answer.stdout);
    assert!(answer.stdout.contains("1 unsound"), "{}", answer.stdout);
}

#[test]
fn a_pipe_is_imported_like_a_file() {
    let place = Place::new();
    place.write("ACME.csv", BARS);
    let file = std::fs::File::open(place.path("ACME.csv")).expect("a file");
    let mut command =
        place.command(&["data", "import", "-", "--symbol", "ACME", "--timeframe", "1d", "--zone", "UTC"]);
    let answer = command.stdin(file).output().expect("it runs");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    assert!(place.succeed(&["data", "list"]).stdout.contains("ACME"));
}

#[test]
fn generated_data_are_the_same_for_the_same_seed() {
    let place = Place::new();
    let hash = |catalog: &str, seed: &str| {
        let args =
            ["data", "generate", "--catalog", catalog, "--bars", "2000", "--seed", seed, "--format", "json"];
        let answer: Value = serde_json::from_str(&place.succeed(&args).stdout).expect("JSON");
        answer[0]["hash"].as_str().expect("a hash").to_owned()
    };
    assert_eq!(hash("one", "1"), hash("two", "1"));
    assert_ne!(hash("one", "1"), hash("three", "2"));
}

#[test]
fn a_converted_file_holds_the_same_bars_and_its_size_is_told() {
    let place = Place::new();
    place.write("ACME.csv", &BARS.replace("10.80,10.70", "10.80,10.90"));
    let layout = ["--timeframe", "1d", "--zone", "UTC"];
    let convert = |from: &str, to: &str, more: &[&str]| {
        place.succeed(&[&["data", "convert", from, to][..], more].concat())
    };
    let told = convert("ACME.csv", "bars.jsonl", &layout).fits_80_columns().stdout.clone();
    assert!(told.contains("bytes") && told.contains("read ms"), "{told}");
    let full = ["--preset", "barhive_full", "--timeframe", "1d"];
    convert("bars.jsonl", "bars.parquet", &full);
    let written = ["--column", "time=ts_open", "--column", "close_time=ts_close", "--timeframe", "1d"];
    let prices = ["open", "high", "low", "close", "volume"].map(|name| format!("{name}={name}"));
    let prices = prices.iter().flat_map(|column| ["--column", column]);
    convert("bars.parquet", "back.csv", &written.into_iter().chain(prices).collect::<Vec<_>>());
    convert("ACME.csv", "straight.csv", &layout);
    assert_eq!(place.read("back.csv"), place.read("straight.csv"));
    let fault = place.refuse(&["data", "convert", "ACME.csv", "bars.xlsx"]);
    assert!(fault.stderr.contains(".parquet"), "{}", fault.stderr);
}

#[test]
fn faults_of_data_commands_say_what_to_do() {
    let place = Place::new();
    place.write("ACME.csv", BARS);
    let cases: &[(&[&str], i32, &str)] = &[
        (&["data", "list"], 1, "barhive data import"),
        (&["data", "import", "missing.csv"], 1, "missing.csv"),
        (&["data", "import", "ACME.csv", "--preset", "nonsense"], 1, "binance_kline"),
        (&["data", "import", "ACME.csv", "--policy", "gap=ignore"], 2, "halt"),
        (&["data", "import", "ACME.csv", "--column", "tme=Date"], 2, "time"),
        (&["data", "import", "ACME.csv", "--calendar", "MOON"], 2, "known"),
        (&["data", "import", "ACME.csv", "--zone", "Mars"], 2, "Mars"),
        (&["data", "import", "."], 1, "folder"),
        (&["data", "import", "-"], 1, "--symbol"),
        (&["data", "convert", "ACME.csv", "ACME.csv"], 2, "another file"),
        (&["data", "convert", "ACME.csv", "nowhere/x.csv"], 1, "nowhere/x.csv: cannot be written"),
        (&["data", "check", "--catalog", "."], 1, "empty"),
        (&["data", "generate", "--bars", "0"], 2, "bars"),
        (&["data", "generate", "--bars", "9000000000000000000"], 2, "2262"),
        (&["data", "generate", "--price", "-1"], 2, "price"),
        (&["data", "generate", "--tick", "0"], 2, "more than 0"),
    ];
    for (args, code, expected) in cases {
        let answer = place.run(args);
        assert_eq!(answer.code, Some(*code), "{args:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(expected), "{args:?}: {}", answer.stderr);
        assert_eq!(answer.stdout, "", "{args:?}");
    }
}

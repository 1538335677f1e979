//! Layouts that no real file at hand shows: two columns of time, quotes, padding, other separators.

mod support;

use barhive_engine::time::format_utc;
use barhive_feeds::{
    import::ImportSpec,
    layout::{Columns, Layout, StampedAt},
};
use support::*;

fn spec(layout: Layout) -> ImportSpec {
    ImportSpec { symbol: Some("X".into()), timeframe: "1m".parse().ok(), layout, ..ImportSpec::default() }
}

fn closes(text: &str, layout: Layout) -> Vec<(String, f64)> {
    let (kept, _) = import_text(text, &spec(layout)).unwrap_or_else(|fault| panic!("{fault}"));
    kept.bars().bars().map(|bar| (format_utc(bar.ts_open_ns), bar.close)).collect()
}

fn expected() -> Vec<(String, f64)> {
    vec![("2020-01-31T09:30:00Z".into(), 1.5), ("2020-01-31T09:31:00Z".into(), 1.75)]
}

#[test]
fn a_date_and_a_time_of_day_in_two_columns() {
    let text = "2020.01.31,09:30,1,2,1,1.5,7\n2020.01.31,09:31,1,2,1,1.75,7\n";
    let layout =
        Layout { preset: Some("metatrader4".into()), zone: Some(chrono_tz::UTC), ..Layout::default() };
    assert_eq!(closes(text, layout.clone()), expected());
    let fault = import_text(text, &spec(Layout { zone: None, ..layout })).unwrap_err().to_string();
    assert!(fault.contains("`2020.01.31 09:30` are wall-clock times"), "{fault}");
    // The time before the date, guessed from the names.
    let text = "Time;Date;Open;High;Low;Close\n09:30;2020-01-31;1;2;1;1.5\n09:31;2020-01-31;1;2;1;1.75\n";
    assert_eq!(closes(text, Layout { zone: Some(chrono_tz::UTC), ..Layout::default() }), expected());
}

#[test]
fn a_mark_quotes_padding_and_carriage_returns_change_nothing() {
    let text = "\u{feff}\"time\",\"open\",\"high\",\"low\",\"close\",\"note\",\"volume\"\r\n\
                \"2020-01-31T09:30:00Z\", 1 ,\"2\",1,1.5,\"a, \"\"b\"\"\nc\",7\r\n\
                \r\n\
                2020-01-31T09:31:00Z,1,2,1.0e0,1.75,,7";
    assert_eq!(closes(text, Layout::default()), expected());
}

#[test]
fn tabs_and_offsets_and_a_stamp_at_the_close() {
    let text = "time\topen\thigh\tlow\tclose\n\
                2020-01-31 10:31:00+01:00\t1\t2\t1\t1.5\n2020-01-31 04:32:00-05:00\t1\t2\t1\t1.75\n";
    assert_eq!(closes(text, Layout { stamped: Some(StampedAt::Close), ..Layout::default() }), expected());
}

#[test]
fn a_close_time_of_its_own_is_taken_as_it_stands() {
    let columns = Columns {
        time: Some("1".into()),
        open: Some("2".into()),
        high: Some("3".into()),
        low: Some("4".into()),
        close: Some("5".into()),
        close_time: Some("7".into()),
        ..Columns::default()
    };
    let text = "1580463000000,1,2,1,1.5,9,1580463059999\n1580463060000,1,2,1,1.75,9,1580463119999\n";
    let layout = Layout { columns, header: Some(false), ..Layout::default() };
    let (kept, report) = import_text(text, &spec(layout)).unwrap();
    assert_eq!(kept.bars().ts_close_ns[1], 1_580_463_119_999_000_000);
    assert_eq!(report.faults.len(), 1, "a close a millisecond early leaves a gap before each bar");
}

#[test]
fn a_preset_that_is_unknown_or_contradicted_says_so() {
    let unknown = Layout { preset: Some("binance".into()), ..Layout::default() };
    let fault = import_text("1,2\n", &spec(unknown)).unwrap_err().to_string();
    assert!(fault.contains("there is no layout preset `binance`; there are barhive,"), "{fault}");
    let by_name = Layout { preset: Some("barhive".into()), header: Some(false), ..Layout::default() };
    let fault = import_text("1,2,3,4,5,6\n", &spec(by_name)).unwrap_err().to_string();
    assert!(fault.contains("the file has no header; give its place"), "{fault}");
}

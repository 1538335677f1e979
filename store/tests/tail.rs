//! The tail as its users see it: rows appear in order, once each, and survive whatever happens.

mod market;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use barhive_engine::{
    data::{BarColumns, Feed, FeedError, Pull, SeriesKind},
    timeframe::Timeframe,
};
use barhive_store::{Catalog, StoreError, TailFeed, TailOptions, TailWriter, seal};
use market::{bars, instrument, write};
use proptest::prelude::*;

const FOLDER: &str = "BARHIVE_TEST_TAIL";

fn writer(folder: &Path, segment_rows: usize) -> Result<TailWriter, StoreError> {
    let options = TailOptions { segment_rows };
    TailWriter::open(folder, instrument("X"), SeriesKind::BAR, Timeframe::M1, options)
}

fn follow(folder: &Path, catalog: &Catalog) -> Result<TailFeed, FeedError> {
    TailFeed::with_history(folder, catalog.clone(), "X", SeriesKind::BAR, Timeframe::M1)
}

/// What a feed has to give at present, and whether it is at its end.
fn take(feed: &mut dyn Feed, rows_max: usize, into: &mut Vec<barhive_engine::data::Bar>) -> bool {
    loop {
        match feed.pull(rows_max, 16).unwrap() {
            Pull::Rows(batch) => {
                let mut rows: Vec<_> = batch.columns.bars().collect();
                let new = rows.split_off(batch.lead);
                assert!(into.ends_with(&rows), "leading rows are those before");
                into.extend(new);
            }
            Pull::Pending => return false,
            Pull::End => return true,
            Pull::Watermark(_) => panic!("a tail knows no watermark"),
        }
    }
}

#[test]
fn rows_appear_as_they_are_appended_and_the_end_when_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let all = bars(1_000);
    let mut tail = writer(folder.path(), 300).unwrap();
    let mut feed = TailFeed::open(folder.path()).unwrap();
    let mut seen = Vec::new();
    assert!(!take(&mut feed, 64, &mut seen));
    let mut at = 0;
    for len in [1, 0, 299, 1, 599, 100] {
        tail.append(&all.slice(at, len)).unwrap();
        at += len;
        assert!(!take(&mut feed, 64, &mut seen));
        assert_eq!(seen.len(), at);
    }
    tail.close().unwrap();
    assert!(take(&mut feed, 64, &mut seen));
    assert_eq!(BarColumns::from_bars(&seen), all);
    assert!(writer(folder.path(), 300).unwrap_err().to_string().contains("closed"));
}

#[test]
fn a_tail_has_one_writer_and_one_series() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = writer(folder.path(), 300).unwrap();
    assert!(matches!(writer(folder.path(), 300), Err(StoreError::Busy { .. })));
    first.append(&bars(5)).unwrap();
    let error = first.append(&bars(3)).unwrap_err();
    assert!(matches!(error, StoreError::Order { row: 6, .. }), "{error}");
    assert_eq!(first.rows(), 5);
    drop(first);
    let other = TailWriter::open(
        folder.path(),
        instrument("Y"),
        SeriesKind::BAR,
        Timeframe::M1,
        TailOptions::default(),
    );
    assert!(other.unwrap_err().to_string().contains("another series"));
    assert!(matches!(TailFeed::open(folder.path().join("none")), Err(FeedError::Empty { .. })));
}

#[test]
fn a_tail_takes_no_more_disk_than_its_rows() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let mut tail = writer(folder.path(), 1 << 20).unwrap();
    tail.append(&bars(100)).unwrap();
    let metadata = fs::metadata(folder.path().join("00000000.tail")).unwrap();
    assert!(metadata.len() > 60 << 20);
    assert!(metadata.blocks() * 512 < 1 << 20, "{} blocks", metadata.blocks());
}

/// The other process of the tests below; does nothing when it is run by itself.
#[test]
fn child_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    if std::env::var_os("BARHIVE_TEST_WRITES").is_some() {
        let mut tail = writer(folder, 1_000).unwrap();
        let all = bars(1_000_000);
        for at in (0..all.len()).step_by(7) {
            tail.append(&all.slice(at, 7.min(all.len() - at))).unwrap();
        }
        return;
    }
    let mut feed = TailFeed::open(folder).unwrap();
    let mut seen = Vec::new();
    while !take(&mut feed, 50, &mut seen) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(BarColumns::from_bars(&seen), bars(2_000));
}

fn child(folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_process"]).env(FOLDER, folder).stdout(Stdio::null());
    command
}

#[test]
fn another_process_sees_rows_appear() {
    let folder = tempfile::tempdir().unwrap();
    let all = bars(2_000);
    let mut tail = writer(folder.path(), 300).unwrap();
    tail.append(&all.slice(0, 10)).unwrap();
    let mut reader = child(folder.path()).spawn().unwrap();
    for at in (10..2_000).step_by(10) {
        tail.append(&all.slice(at, 10)).unwrap();
        if at % 200 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    tail.close().unwrap();
    assert!(reader.wait().unwrap().success());
}

#[test]
fn a_killed_writer_leaves_a_prefix_and_the_next_one_goes_on() {
    for wait_ms in [30, 60, 120] {
        let folder = tempfile::tempdir().unwrap();
        let mut victim = child(folder.path()).env("BARHIVE_TEST_WRITES", "1").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        victim.kill().unwrap();
        victim.wait().unwrap();
        let mut tail = reopened(folder.path(), 1_000);
        let rows = tail.rows() as usize;
        let all = bars(rows + 10);
        tail.append(&all.slice(rows, 10)).unwrap();
        tail.close().unwrap();
        let mut seen = Vec::new();
        assert!(take(&mut TailFeed::open(folder.path()).unwrap(), 1_000, &mut seen));
        assert_eq!(BarColumns::from_bars(&seen), all);
    }
}

/// A writer again, after the one before was dropped. A test beside this one that starts a process holds a
/// copy of every open file, and with it the writer's lock, for the moment between fork and exec.
fn reopened(folder: &Path, rows: usize) -> TailWriter {
    for _ in 0..200 {
        if let Ok(tail) = writer(folder, rows) {
            return tail;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    writer(folder, rows).unwrap()
}

/// Changes bytes of the first segment behind everybody's back.
fn damage(folder: &Path, from: usize, len: usize, change: impl Fn(u8) -> u8) {
    let path = folder.join("00000000.tail");
    let mut bytes = fs::read(&path).unwrap();
    bytes[from..from + len].iter_mut().for_each(|byte| *byte = change(*byte));
    fs::write(&path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]
    #[test]
    fn after_a_power_cut_a_sound_prefix_is_left(column in 0usize..8, row in 0usize..90, rows_lost in 1usize..20) {
        let folder = tempfile::tempdir().unwrap();
        let all = bars(100);
        let mut tail = writer(folder.path(), 128).unwrap();
        tail.append(&all).unwrap();
        drop(tail);
        let (width, at) = if column == 7 { (4, 7 * 8 * 128) } else { (8, column * 8 * 128) };
        damage(folder.path(), 4_096 + at + row * width, rows_lost * width, |_| 0);
        let mut tail = reopened(folder.path(), 128);
        // The first volume is zero anyway: there the damage begins a row later, if there is any.
        let sound = match (column, row, rows_lost) {
            (6, 0, 1) => 100,
            (6, 0, _) => 1,
            _ => row,
        };
        let kept = tail.rows() as usize;
        prop_assert_eq!(kept, sound, "damage in row {}", row);
        tail.append(&all.slice(kept, 100 - kept)).unwrap();
        tail.close().unwrap();
        let mut seen = Vec::new();
        prop_assert!(take(&mut TailFeed::open(folder.path()).unwrap(), 1_000, &mut seen));
        prop_assert_eq!(BarColumns::from_bars(&seen), all);
    }
}

#[derive(Clone, Debug)]
enum Act {
    Append(usize),
    Seal,
    Follow,
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1usize..60).prop_map(Act::Append),
        2 => Just(Act::Seal),
        2 => Just(Act::Follow),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_follower_sees_every_row_once_however_segments_are_sealed(acts in acts(), rows_max in 1usize..80) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open_or_create(folder.path().join("catalog")).unwrap();
        let tail_folder = folder.path().join("tail");
        let all = bars(2_400);
        let mut tail = Some(writer(&tail_folder, 25).unwrap());
        let mut feed = follow(&tail_folder, &catalog).unwrap();
        let (mut seen, mut at) = (Vec::new(), 0);
        for act in acts {
            match act {
                Act::Append(len) => {
                    tail.as_mut().unwrap().append(&all.slice(at, len)).unwrap();
                    at += len;
                }
                Act::Seal => {
                    seal(&tail_folder, &catalog).unwrap();
                }
                Act::Follow => {
                    prop_assert!(!take(&mut feed, rows_max, &mut seen));
                    prop_assert_eq!(seen.len(), at);
                }
                Act::Restart => {
                    drop(tail.take());
                    tail = Some(reopened(&tail_folder, 25));
                    prop_assert_eq!(tail.as_ref().unwrap().rows(), at as u64);
                }
            }
        }
        tail.unwrap().close().unwrap();
        seal(&tail_folder, &catalog).unwrap();
        prop_assert!(!tail_folder.exists());
        prop_assert!(take(&mut feed, rows_max, &mut seen));
        prop_assert_eq!(BarColumns::from_bars(&seen), all.slice(0, at));
        let reports = catalog.check(&[]).unwrap();
        prop_assert!(reports.iter().all(|report| report.is_sound()), "{:?}", reports);
        prop_assert_eq!(reports.iter().map(|report| report.rows_sound).sum::<u64>(), at as u64);
    }
}

#[test]
fn sealing_keeps_what_the_catalog_has_and_adds_only_later_rows() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path().join("catalog")).unwrap();
    let tail_folder = folder.path().join("tail");
    let all = bars(500);
    write(&catalog, "X", &all.slice(0, 120));
    let mut tail = writer(&tail_folder, 100).unwrap();
    tail.append(&all.slice(50, 450)).unwrap();
    let sealed = seal(&tail_folder, &catalog).unwrap();
    assert_eq!((sealed.segments, sealed.rows_known, sealed.rows_added), (4, 70, 330));
    assert_eq!(seal(&tail_folder, &catalog).unwrap().segments, 0);
    let entry = catalog.list().unwrap().entries.remove(0);
    assert_eq!((entry.rows, entry.facts.prices_on_scale), (450, true));
    assert_eq!(entry.facts.notes, ["2 gaps"]);
    assert!(matches!(TailFeed::open(&tail_folder).unwrap().pull(10, 0), Ok(Pull::Rows(_))));
}

#[test]
fn a_damaged_row_is_not_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path().join("catalog")).unwrap();
    let tail_folder = folder.path().join("tail");
    let mut tail = writer(&tail_folder, 100).unwrap();
    tail.append(&bars(150)).unwrap();
    drop(tail);
    damage(&tail_folder, 4_096 + 2 * 800 + 8 * 41, 1, |byte| byte ^ 1);
    let error = seal(&tail_folder, &catalog).unwrap_err().to_string();
    assert!(error.contains("a checksum mismatch in row 42"), "{error}");
    assert!(catalog.list().unwrap().entries.is_empty());
    assert!(tail_folder.join("00000000.tail").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn mutated_segments_never_panic(
        edits in prop::collection::vec((0usize..4_500, any::<u64>(), 1usize..9), 1..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        static FIXTURE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let original = FIXTURE.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            writer(folder.path(), 16).unwrap().append(&bars(10)).unwrap();
            fs::read(folder.path().join("00000000.tail")).unwrap()
        });
        let mut bytes = original.clone();
        for (at, value, len) in edits {
            for (place, byte) in bytes[at..].iter_mut().zip(value.to_le_bytes()).take(len) {
                *place = byte;
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("00000000.tail"), bytes).unwrap();
        let mut feed = TailFeed::open(folder.path()).unwrap();
        for _ in 0..4 {
            if let Ok(Pull::Rows(batch)) = feed.pull(7, 3) {
                prop_assert!(batch.len() <= 7);
            }
        }
        if let Ok(tail) = writer(folder.path(), 16) {
            prop_assert!(tail.rows() <= 16);
        }
    }
}

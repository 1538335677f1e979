//! The run folder under crashes: nothing that was appended is lost, nothing else appears, and the final
//! bytes are those of a quiet run.

mod sweeps;

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

use barhive_engine::sweep::{PassBlock, SweepSpec, VariantRange, VariantSet};
use barhive_store::sweep::{PARQUET, RESULT, SweepError, SweepManifest, SweepRun, SweepStore};
use proptest::prelude::*;
use sweeps::{manifest, pass, spec};

fn log(folder: &Path) -> PathBuf {
    folder.join("results.log")
}

fn cut(folder: &Path, len: u64) {
    OpenOptions::new().write(true).open(log(folder)).unwrap().set_len(len).unwrap();
}

/// The bytes of the final results, and the hash.
fn finals(folder: &Path, spec: &SweepSpec) -> (Vec<u8>, Vec<u8>, String) {
    let hash = SweepRun::open(folder).unwrap().hash(spec).unwrap();
    (fs::read(folder.join(PARQUET)).unwrap(), fs::read(folder.join(RESULT)).unwrap(), hash)
}

/// What a sweep brings that nothing disturbs.
fn quiet(spec: &SweepSpec, manifest: &SweepManifest) -> (Vec<u8>, Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SweepStore::create(folder.path(), manifest).unwrap();
    for range in manifest.selected.ranges() {
        store.append(&pass(range.start, range.end)).unwrap();
    }
    store.finish(spec, 0).unwrap();
    finals(folder.path(), spec)
}

#[test]
fn a_log_cut_at_any_byte_has_every_whole_pass_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(2);
    let mut store = SweepStore::create(folder.path(), &manifest(&spec)).unwrap();
    // Where the payload of each pass ends (what follows is padding), and what is done then.
    let mut ends = vec![(0, VariantSet::new())];
    for (start, end) in [(0, 9), (30, 52), (9, 10), (12, 30)] {
        store.append(&pass(start, end)).unwrap();
        let bytes = fs::read(log(folder.path())).unwrap();
        let payload = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
        ends.push((payload, store.done().clone()));
    }
    drop(store);
    let whole = fs::read(log(folder.path())).unwrap();
    for len in (4096..=whole.len() as u64).rev() {
        cut(folder.path(), len);
        let (_, expected) = ends.iter().rev().find(|(end, _)| *end <= len).unwrap();
        let run = SweepRun::open(folder.path()).unwrap();
        assert_eq!(run.done(), expected, "cut to {len} bytes");
        assert!(run.notes().is_empty(), "a torn tail is no damage");
    }
}

#[test]
fn a_log_that_was_cut_goes_on_where_it_was_whole() {
    let spec = spec(2);
    let expected = quiet(&spec, &manifest(&spec));
    for len in [4096, 4097, 5_000, 8_191, 8_192, 8_193, 12_287, 12_289] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SweepStore::create(folder.path(), &manifest(&spec)).unwrap();
        store.append(&pass(0, 9)).unwrap();
        store.append(&pass(9, 40)).unwrap();
        drop(store);
        cut(folder.path(), len);
        let mut store = SweepStore::resume(folder.path(), &manifest(&spec)).unwrap();
        for left in store.run().left().ranges().to_vec() {
            store.append(&pass(left.start, left.end)).unwrap();
        }
        store.finish(&spec, 5).unwrap();
        assert!(finals(folder.path(), &spec) == expected, "cut to {len} bytes");
    }
}

#[test]
fn damage_in_the_middle_loses_the_pass_that_it_hit_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(2);
    let mut store = SweepStore::create(folder.path(), &manifest(&spec)).unwrap();
    for (start, end) in [(0, 9), (9, 25), (25, 52)] {
        store.append(&pass(start, end)).unwrap();
    }
    // Found when the log is opened, and also while it is open.
    let file = OpenOptions::new().write(true).open(log(folder.path())).unwrap();
    file.write_all_at(&[0xff], 8_192 + 700).unwrap();
    let fault = store.run().variants().find_map(Result::err).unwrap().to_string();
    assert!(fault.contains("variants 10 to 25") && fault.contains("checksum"), "{fault}");
    drop(store);
    let mut store = SweepStore::open(folder.path()).unwrap();
    assert_eq!(store.done().to_string(), "1-9,26-52");
    assert_eq!(store.run().notes().len(), 1, "{:?}", store.run().notes());
    store.append(&pass(9, 25)).unwrap();
    store.finish(&spec, 0).unwrap();
    drop(store);
    assert!(finals(folder.path(), &spec) == quiet(&spec, &manifest(&spec)));
    assert!(SweepRun::open(folder.path()).unwrap().left().is_empty());
}

#[test]
fn a_run_that_died_before_it_began_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(2);
    fs::write(log(folder.path()), vec![7; 10_000]).unwrap();
    fs::write(folder.path().join(".manifest.json.draft"), "{").unwrap();
    let mut store = SweepStore::create(folder.path(), &manifest(&spec)).unwrap();
    store.append(&pass(0, 52)).unwrap();
    store.finish(&spec, 0).unwrap();
    drop(store);
    assert!(finals(folder.path(), &spec) == quiet(&spec, &manifest(&spec)));
}

/// What happens to a sweep between two passes.
#[derive(Clone, Debug)]
enum Event {
    Quiet,
    /// The next pass is written, but for what a crash keeps of it: so many bytes, and of them not the
    /// sectors in the mask, which hold zeros or rubbish.
    Crash {
        kept: u32,
        lost: u64,
        rubbish: u8,
    },
    /// It is stopped and resumed in good order.
    Resume,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Quiet),
        2 => (0u32..20_000, any::<u64>(), any::<u8>())
            .prop_map(|(kept, lost, rubbish)| Event::Crash { kept, lost, rubbish }),
        1 => Just(Event::Resume),
    ]
}

/// Appends a pass as a machine does that loses power meanwhile.
fn append_torn(folder: &Path, store: &mut SweepStore, next: &PassBlock, kept: u32, lost: u64, rubbish: u8) {
    let path = log(folder);
    let before = fs::metadata(&path).unwrap().len();
    store.append(next).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let after = file.metadata().unwrap().len();
    file.set_len(after.min(before + u64::from(kept))).unwrap();
    let len = file.metadata().unwrap().len();
    for (sector, at) in (before..len).step_by(512).enumerate() {
        if lost >> (sector % 64) & 1 == 1 {
            file.write_all_at(&vec![rubbish; (len - at).min(512) as usize], at).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_final_bytes_do_not_tell_how_it_came_about(
        cuts in proptest::collection::btree_set(1u64..52, 0..8),
        order in any::<u64>(),
        only in proptest::collection::btree_set(0u64..52, 0..4),
        events in proptest::collection::vec(event(), 9),
    ) {
        let spec = spec(2);
        let mut manifest = manifest(&spec);
        let left_out: VariantSet =
            only.iter().map(|v| VariantRange { start: *v, end: v + 1 }).collect();
        manifest.selected = manifest.selected.without(&left_out);
        let expected = quiet(&spec, &manifest);

        let folder = tempfile::tempdir().unwrap();
        let mut store = SweepStore::create(folder.path(), &manifest).unwrap();
        let mut appended = VariantSet::new();
        for event in events.into_iter().chain(std::iter::repeat_n(Event::Quiet, 100)) {
            // The pieces between the cuts that are left, in an order of their own.
            let left = store.run().left();
            let bounds: Vec<u64> = [0].into_iter().chain(cuts.iter().copied()).chain([52]).collect();
            let mut pieces = Vec::new();
            for bound in bounds.windows(2) {
                let piece = VariantRange { start: bound[0], end: bound[1] };
                pieces.extend(left.within(&piece.into()).ranges().iter().copied());
            }
            if pieces.is_empty() {
                break;
            }
            let piece = pieces[(order as usize ^ pieces.len()) % pieces.len()];
            let next = pass(piece.start, piece.end);
            match event {
                Event::Quiet => {
                    store.append(&next).unwrap();
                    appended.insert(piece);
                }
                Event::Resume => {
                    drop(store);
                    store = SweepStore::resume(folder.path(), &manifest).unwrap();
                    prop_assert_eq!(store.done(), &appended);
                }
                Event::Crash { kept, lost, rubbish } => {
                    append_torn(folder.path(), &mut store, &next, kept, lost, rubbish);
                    drop(store);
                    store = SweepStore::resume(folder.path(), &manifest).unwrap();
                    let with_it: VariantSet =
                        appended.ranges().iter().copied().chain([piece]).collect();
                    prop_assert!(*store.done() == appended || *store.done() == with_it);
                    appended = store.done().clone();
                }
            }
        }
        store.finish(&spec, i64::from(order as i32)).unwrap();
        drop(store);
        prop_assert!(finals(folder.path(), &spec) == expected);
    }
}

/// Where [`the_process_that_is_killed`] finds its run.
const VICTIM: &str = "BARHIVE_TEST_VICTIM";

/// Not a test of its own: appends what is left, one variant per pass, and says so.
#[test]
fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(VICTIM) else { return };
    let mut store = SweepStore::open(folder).unwrap();
    for index in store.run().left().iter().collect::<Vec<_>>() {
        store.append(&pass(index, index + 1)).unwrap();
        println!("done {index}.");
    }
}

#[test]
fn a_process_that_is_killed_has_kept_all_that_it_said_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(20);
    drop(SweepStore::create(folder.path(), &manifest(&spec)).unwrap());
    let mut said = VariantSet::new();
    for kill in 0.. {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_is_killed", "--nocapture"])
            .env(VICTIM, folder.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5 + kill * 7 % 23));
        victim.kill().unwrap();
        let words = String::from_utf8(victim.wait_with_output().unwrap().stdout).unwrap();
        for word in words.lines().filter_map(|line| line.rsplit_once("done ")?.1.strip_suffix('.')) {
            let start = word.parse().unwrap();
            said.insert(VariantRange { start, end: start + 1 });
        }
        let run = SweepRun::open(folder.path()).unwrap();
        assert!(said.without(run.done()).is_empty(), "said {said}, kept {}", run.done());
        assert!(run.notes().is_empty(), "{:?}", run.notes());
        if run.left().is_empty() {
            break;
        }
    }
    SweepStore::open(folder.path()).unwrap().finish(&spec, 0).unwrap();
    assert!(finals(folder.path(), &spec) == quiet(&spec, &manifest(&spec)));
}

/// A file system of a few pages; needs the right to mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(kib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kib}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let Some(disk) = SmallDisk::new(64) else {
        println!("skipped: mounting a small tmpfs is not allowed here");
        return;
    };
    let spec = spec(2);
    let folder = disk.0.path().join("run");
    let mut store = SweepStore::create(&folder, &manifest(&spec)).unwrap();
    store.append(&pass(0, 10)).unwrap();
    let filler = disk.0.path().join("filler");
    // Larger than what is left: it takes everything.
    let _ = fs::write(&filler, vec![1; 1 << 20]);
    for _ in 0..2 {
        let error = store.append(&pass(10, 52)).unwrap_err();
        assert!(matches!(error, SweepError::Full { .. }), "{error}");
        assert!(error.to_string().contains("make room"), "{error}");
        assert_eq!(SweepRun::open(&folder).unwrap().done().to_string(), "1-10");
    }
    fs::remove_file(&filler).unwrap();
    store.append(&pass(10, 52)).unwrap();
    let _ = fs::write(&filler, vec![1; 1 << 20]);
    let error = store.finish(&spec, 0).unwrap_err();
    assert!(matches!(error, SweepError::Full { .. }), "{error}");
    assert!(store.run().result().unwrap().is_none());
    fs::remove_file(&filler).unwrap();
    store.finish(&spec, 0).unwrap();
    drop(store);
    assert!(finals(&folder, &spec) == quiet(&spec, &manifest(&spec)));
}

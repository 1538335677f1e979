use barhive_engine::jobs::{JobRequest, Resources};
use proptest::prelude::*;

use super::*;

/// A journal of a few jobs: the length after each batch, and the queue that it made.
fn written(folder: &Path) -> Vec<(u64, JobQueue)> {
    let (mut journal, mut queue) = Journal::open(folder, &QueueOptions::default()).unwrap();
    let mut steps = vec![(journal.len, queue.clone())];
    let keep = |journal: &mut Journal, queue: &JobQueue, events: Vec<JobEvent>| {
        journal.append(&events).unwrap();
        (journal.len, queue.clone())
    };
    for number in 0..2 {
        let submitted = queue.submit(JobRequest::new(format!("job {number}"), "file"), number).unwrap();
        steps.push(keep(&mut journal, &queue, submitted.events));
    }
    let next = queue.next(10, Resources::new(0, 1));
    steps.push(keep(&mut journal, &queue, next.events));
    let done = queue.complete(next.lease.unwrap(), 11).unwrap();
    steps.push(keep(&mut journal, &queue, done));
    steps
}

fn segment(folder: &Path) -> PathBuf {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let [path] = names.collect::<Vec<_>>().try_into().expect("one file");
    path
}

#[test]
fn a_journal_that_is_cut_anywhere_is_what_was_promised_up_to_there() {
    let folder = tempfile::tempdir().unwrap();
    let steps = written(folder.path());
    let path = segment(folder.path());
    let whole = fs::read(&path).unwrap();
    for cut in steps[0].0..=whole.len() as u64 {
        fs::write(&path, &whole[..cut as usize]).unwrap();
        let (_, expected) = steps.iter().rev().find(|(len, _)| *len <= cut).unwrap();
        for _ in 0..2 {
            let (journal, queue) = Journal::open(folder.path(), &QueueOptions::default()).unwrap();
            assert_eq!(&queue, expected, "cut at {cut}");
            assert_eq!(fs::metadata(&path).unwrap().len(), journal.len, "cut at {cut}");
        }
    }
}

#[test]
fn damage_before_the_end_is_told_and_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let steps = written(folder.path());
    let path = segment(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[steps[1].0 as usize + 20] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let fault = Journal::open(folder.path(), &QueueOptions::default()).unwrap_err().to_string();
    assert!(fault.contains(&format!("bytes {} to {}", steps[1].0, steps[2].0)), "{fault}");
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing is changed");
}

#[test]
fn a_long_segment_gives_way_to_one_with_the_queue_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, mut queue) = Journal::open(folder.path(), &QueueOptions::default()).unwrap();
    let mut journal = journal.with_segment_max(2_000);
    for number in 0..200 {
        if journal.wants_segment() {
            journal.begin(&queue.snapshot()).unwrap();
        }
        let submitted = queue.submit(JobRequest::new("job", "file"), number).unwrap();
        journal.append(&submitted.events).unwrap();
    }
    assert!(journal.number > 3, "{} segments", journal.number);
    drop(journal);
    let (journal, again) = Journal::open(folder.path(), &QueueOptions::default()).unwrap();
    assert_eq!(again, queue);
    assert_eq!(segment(folder.path()), journal.path(journal.number));
}

#[test]
fn a_queue_that_is_longer_than_a_segment_is_not_written_anew_for_each_batch() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, mut queue) = Journal::open(folder.path(), &QueueOptions::default()).unwrap();
    let mut journal = journal.with_segment_max(1);
    for number in 0..400 {
        if journal.wants_segment() {
            journal.begin(&queue.snapshot()).unwrap();
        }
        let submitted = queue.submit(JobRequest::new("job", "file"), number).unwrap();
        journal.append(&submitted.events).unwrap();
        if number % 50 == 0 {
            // Opened again it knows as much.
            (journal, _) = Journal::open(folder.path(), &QueueOptions::default()).unwrap();
            journal = journal.with_segment_max(1);
        }
    }
    assert!((3..40).contains(&journal.number), "{} segments for 400 batches", journal.number);
}

#[test]
fn what_cannot_be_written_did_not_happen_and_the_next_batch_has_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, mut queue) = Journal::open(folder.path(), &QueueOptions::default()).unwrap();
    let kept = queue.submit(JobRequest::new("kept", "file"), 1).unwrap();
    journal.append(&kept.events).unwrap();
    // A file that is only open for reading cannot be written: no disk need be full for that.
    let path = journal.path(journal.number);
    journal.file = Some(File::open(&path).unwrap());
    let before = queue.clone();
    let lost = queue.submit(JobRequest::new("lost", "file"), 2).unwrap();
    journal.append(&lost.events).unwrap_err();
    queue = journal.restore(&QueueOptions::default()).unwrap();
    assert_eq!(queue, before);
    assert!(journal.wants_segment());
    journal.append(&lost.events).unwrap_err();
    journal.begin(&queue.snapshot()).unwrap();
    let next = queue.submit(JobRequest::new("next", "file"), 3).unwrap();
    journal.append(&next.events).unwrap();
    let (_, again) = Journal::open(folder.path(), &QueueOptions::default()).unwrap();
    assert_eq!(again, queue);
}

proptest! {
    #[test]
    fn any_bytes_are_a_journal_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("journal-00000001.log"), &bytes).unwrap();
        let fault = Journal::open(folder.path(), &QueueOptions::default()).unwrap_err().to_string();
        prop_assert!(fault.contains("begins with a queue"), "{}", fault);
    }
}

//! A server: its folder, its queue, and what it takes for its own work.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use barhive_engine::governor::BreakerState;
use barhive_machine::counters::CounterSummary;
use barhive_report::format::milliseconds;
use barhive_serve::{Answer, Client, ClientError, Request, ServerStatus, StateFolder};

use super::finding::{Finding, QUEUE, SLOW_MS};
use crate::cli::{
    jobs::{STATE, span, unexpected},
    outcome::CliError,
};

/// What is found of the server of a folder. Where none works on one that nobody named, that is no fault.
///
/// # Errors
/// When the server answers something else.
pub(super) fn look(asked: Option<&Path>) -> Result<Vec<Finding>, CliError> {
    let state = asked.unwrap_or(Path::new(STATE));
    let mut findings = folder(state);
    let answer = Client::connect(state).and_then(|mut client| client.ask(&Request::Status));
    match answer {
        Ok(Answer::Status(status)) => findings.extend(judge(&status)),
        Ok(other) => return Err(unexpected(&other)),
        Err(ClientError::Nobody { path }) if asked.is_none() => {
            findings.push(Finding::well("server", format!("none works on {}", path.display())));
        }
        Err(fault) => findings.push(Finding::wrong(
            "server",
            fault.to_string(),
            format!("start it with `barhive serve --state {}`, and look at what it says", state.display()),
        )),
    }
    Ok(findings)
}

/// What is wrong with the folder of a server.
fn folder(state: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Ok(facts) = fs::metadata(state) else { return findings };
    let path = state.display();
    if !facts.is_dir() {
        let what = format!("{path} is no folder");
        findings.push(Finding::wrong(
            "server",
            what,
            "move the file away, or name another folder with --state",
        ));
        return findings;
    }
    if facts.permissions().mode() & 0o077 != 0 {
        findings.push(Finding::wrong(
            "server",
            format!("others may look into {path} (mode {:03o})", facts.permissions().mode() & 0o777),
            format!("`chmod 700 {path}`; the server does so when it starts"),
        ));
    }
    // A socket's name must fit into 108 bytes, its end included.
    let name = StateFolder::socket(state);
    if name.as_os_str().len() >= 108 {
        let what = format!("the socket's name {} is too long", name.display());
        findings.push(Finding::wrong("server", what, "name a shorter folder with --state"));
    }
    findings
}

fn judge(status: &ServerStatus) -> Vec<Finding> {
    let mut findings = Vec::new();
    let queue = &status.queue;
    let waiting = queue.queued + queue.paused;
    let jobs = format!("{} running, {} queued, {} paused", queue.running, queue.queued, queue.paused);
    findings.push(match waiting > QUEUE {
        true => Finding::wrong(
            "queue",
            format!("{jobs}: more than {QUEUE} wait"),
            "jobs come faster than they are done: submit larger sweeps in place of many small ones, raise running_max \
             and workers, or submit from several machines",
        ),
        false => Finding::well("queue", jobs),
    });
    if let Some(fault) = &status.journal_fault {
        findings.push(Finding::wrong(
            "journal",
            fault.clone(),
            "make room or mend the disk; the server tries again",
        ));
    }
    let ended = queue.completed + queue.failed + queue.timed_out;
    if queue.failed + queue.timed_out > ended / 2 && ended > 1 {
        findings.push(Finding::wrong(
            "jobs",
            format!("{} of {ended} failed or took too long", queue.failed + queue.timed_out),
            "`barhive jobs list --in failed`, then `barhive jobs show ID` has the reason and the log",
        ));
    }
    findings.extend(status.counters.iter().filter_map(slow));
    if let Some(machine) = &status.machine {
        findings.push(match machine.breaker {
            BreakerState::Closed => Finding::well("breaker", machine.explanation.clone()),
            _ => Finding::wrong(
                "breaker",
                machine.explanation.clone(),
                "end or move what else loads the machine; jobs start again by themselves",
            ),
        });
        if let Some(why) = machine.hold.as_ref().filter(|_| machine.breaker == BreakerState::Closed) {
            findings.push(Finding::note("jobs", why.clone(), "they start again by themselves"));
        }
        for outlook in machine.outlooks.iter().filter(|outlook| outlook.seconds > 0.0) {
            let in_time = span((outlook.seconds * 1e9) as i64);
            findings.push(Finding::note(
                outlook.resource.to_string(),
                format!("reaches {} {} in {in_time}", outlook.limit, outlook.resource.unit()),
                "`barhive status` shows what uses it",
            ));
        }
    }
    findings
}

/// Work of the server itself that takes long.
fn slow(counter: &CounterSummary) -> Option<Finding> {
    let ms = counter.p99 as f64 / 1e6;
    if !counter.is_time() || ms <= SLOW_MS {
        return None;
    }
    let what = format!(
        "takes {} in one of a hundred cases, {} at most",
        milliseconds(ms),
        milliseconds(counter.max as f64 / 1e6)
    );
    Some(Finding::wrong(
        format!("server: {}", counter.name),
        what,
        "everybody who asks waits for that: put the server's folder on a faster disk, and leave a core to it",
    ))
}

#[cfg(test)]
mod tests {
    use barhive_engine::jobs::{JobQueue, QueueOptions, QueueStatistics, Resources};
    use barhive_machine::counters::{Counter, CounterKind};

    use super::{super::finding::Severity, *};

    fn status(queued: u64) -> ServerStatus {
        ServerStatus {
            version: "1".to_owned(),
            pid: 1,
            started_ns: 0,
            now_ns: 0,
            queue: QueueStatistics { queued, ..JobQueue::new(QueueOptions::default()).statistics(0) },
            capacity: None,
            in_use: Resources::NONE,
            running_max: 4,
            held: 0,
            journal_fault: None,
            is_ending: false,
            machine: None,
            live: Vec::new(),
            counters: Vec::new(),
        }
    }

    fn wrong(status: &ServerStatus) -> Vec<String> {
        let findings = judge(status).into_iter().filter(|found| found.severity == Severity::Wrong);
        findings.map(|found| format!("{}: {}", found.subject, found.what)).collect()
    }

    #[test]
    fn a_queue_of_more_than_a_thousand_does_not_keep_up() {
        assert_eq!(wrong(&status(1_000)), [""; 0]);
        assert_eq!(wrong(&status(1_001)), ["queue: 0 running, 1001 queued, 0 paused: more than 1000 wait"]);
    }

    #[test]
    fn a_disk_that_takes_long_is_named_by_what_waits_for_it() {
        let write = Counter::new("journal on disk", CounterKind::Timing);
        let batch = Counter::new("wishes of a round", CounterKind::Throughput);
        (0..100).for_each(|_| write.record(150_000_000));
        batch.record(900_000_000);
        let mut status = status(0);
        status.counters = vec![write.summary(), batch.summary()];
        status.journal_fault = Some("the disk is full".to_owned());
        let wrong = wrong(&status);
        assert_eq!(wrong[0], "journal: the disk is full");
        assert!(wrong[1].starts_with("server: journal on disk: takes 150 ms"), "{wrong:?}");
        assert_eq!(wrong.len(), 2);
    }

    #[test]
    fn a_folder_that_others_may_look_into_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let found = super::folder(folder.path());
        assert!(found[0].what.contains("(mode 755)"), "{found:?}");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(super::folder(folder.path()), []);
    }
}

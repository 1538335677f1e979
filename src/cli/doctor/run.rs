//! A finished run: which part of it was slow, and what it lacked.

use std::{fs, path::Path};

use barhive_report::format::{milliseconds, percent};
use barhive_store::sweep::{SweepSession, sessions};

use super::finding::{Finding, MEMORY_PERCENT, QUEUE, SLOW_MS};
use crate::cli::{
    outcome::CliError,
    run::{PERF, RunPerf},
    sweep::failure,
};

/// What is found in the folder of a run.
///
/// # Errors
/// When it cannot be read.
pub(super) fn look(folder: &Path) -> Result<Vec<Finding>, CliError> {
    let path = folder.join(PERF);
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(|perf| set(&perf))
            .map_err(|error| CliError::Failed(format!("{} cannot be understood: {error}", path.display()))),
        Err(_) => {
            let sessions = sessions(folder).map_err(failure)?;
            Ok(match sessions.is_empty() {
                true => vec![Finding::note(
                    "run",
                    format!("{} does not tell what it took", folder.display()),
                    "of a sweep that was killed nothing is known; go on with it by --resume",
                )],
                false => sweep(&sessions),
            })
        }
    }
}

/// The run of a set.
fn set(perf: &RunPerf) -> Vec<Finding> {
    let mut findings = Vec::new();
    for part in &perf.parts {
        let frames = &part.frames;
        let [median, longest] = [frames.p50, frames.max].map(|ns| ns as f64 / 1e6);
        let what =
            format!("{} for a frame at the median, {} at most", milliseconds(median), milliseconds(longest));
        let subject = format!("run: {}", frames.name);
        let slowest = part.slowest.as_ref().filter(|slowest| slowest.ns as f64 / 1e6 > SLOW_MS);
        match slowest {
            Some(slowest) => findings.push(Finding::wrong(
                subject,
                format!(
                    "account `{}` worked {} at a stretch",
                    slowest.container,
                    milliseconds(slowest.ns as f64 / 1e6)
                ),
                "a strategy of it takes so long for one bar: let it do less there, or keep what it has computed",
            )),
            None if longest > SLOW_MS => findings.push(Finding::wrong(
                subject,
                what,
                "it has much to do: more shards (engine.shards), fewer accounts, or a quicker source of data",
            )),
            None => findings.push(Finding::well(subject, what)),
        }
    }
    let memory = perf.resources.memory_percent_peak;
    if memory > MEMORY_PERCENT {
        let what = format!("{memory:.0} % of the machine's memory was in use");
        findings.push(Finding::wrong(
            "run: memory",
            what,
            "run it alone, with `trace: minimal`, or on a catalog that is mapped",
        ));
    }
    for queue in perf.queues.iter().filter(|queue| queue.queue_peak > QUEUE || queue.dropped > 0) {
        let what = format!(
            "{} messages waited for `{}`, {} events were dropped",
            queue.queue_peak, queue.subscriber, queue.dropped
        );
        findings.push(Finding::wrong(
            format!("run: {}", queue.topic),
            what,
            "whoever listens there is too slow",
        ));
    }
    findings
}

/// Beyond this share of their time workers lack something.
const SHARE: f64 = 0.2;
/// Data should take no larger share of a pass.
const DATA_SHARE: f64 = 0.5;

/// A sweep, over its sessions.
fn sweep(sessions: &[SweepSession]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sum = |of: &dyn Fn(&SweepSession) -> u64| sessions.iter().map(of).sum::<u64>();
    let worked = sum(&|session| session.elapsed_ns.saturating_mul(session.workers)).max(1) as f64;
    let part = |name: &str| sum(&|session| session.parts_ns.get(name).copied().unwrap_or(0)) as f64;
    let all = sum(&|session| session.parts_ns.values().sum()) as f64;
    if all > 0.0 {
        let held = part("held") / all;
        if held > SHARE {
            findings.push(Finding::wrong(
                "sweep: workers",
                format!("were held for {} of their time", percent(held)),
                "the CPU limit is below what one worker takes, or more urgent jobs came first: raise --cpu-limit, or \
                 use fewer workers",
            ));
        }
        let data = part("market data") / (all - part("held")).max(1.0);
        let what = format!("is {} of the time of passes", percent(data));
        findings.push(match data > DATA_SHARE {
            true => Finding::wrong(
                "sweep: market data",
                what,
                "import the bars into a catalog (`barhive data import`), and make passes larger (--batch)",
            ),
            false => Finding::well("sweep: market data", what),
        });
    }
    let idle = sum(&|session| session.idle_ns) as f64 / worked;
    let what = format!("waited for {} of their time at the end", percent(idle));
    findings.push(match idle > SHARE {
        true => Finding::note(
            "sweep: workers",
            what,
            "there is too little to do for so many: fewer of them (-w), smaller --chunk",
        ),
        false => Finding::well("sweep: workers", what),
    });
    let failures = sum(&|session| session.worker_failures);
    if failures > 0 {
        findings.push(Finding::wrong(
            "sweep: workers",
            format!("failed {failures} times"),
            "the log says why; --isolation process keeps a worker's end from the others, --memory bounds it",
        ));
    }
    let keeping = sessions.iter().map(|session| session.keeping.p99_ns).max().unwrap_or(0) as f64 / 1e6;
    if keeping > SLOW_MS {
        findings.push(Finding::wrong(
            "sweep: results kept",
            format!("took {} in one of a hundred passes", milliseconds(keeping)),
            "the disk is slow to confirm: results on a local SSD (--results-dir), or larger passes (--batch)",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use barhive_actors::{PartTimes, Slowest};
    use barhive_engine::result::TopicCounters;
    use barhive_machine::counters::{Counter, CounterKind};

    use super::{super::finding::Severity, *};

    fn wrong(findings: Vec<Finding>) -> Vec<String> {
        let findings = findings.into_iter().filter(|found| found.severity == Severity::Wrong);
        findings.map(|found| format!("{}: {}", found.subject, found.what)).collect()
    }

    fn perf(stretch_ms: u64) -> RunPerf {
        let frames = Counter::new("shard 0", CounterKind::Timing);
        frames.record(5_000_000);
        let slowest = Some(Slowest { container: "trend".to_owned(), ns: stretch_ms * 1_000_000 });
        let parts = vec![PartTimes { frames: frames.summary(), slowest }];
        RunPerf { parts, ..RunPerf::default() }
    }

    #[test]
    fn a_strategy_that_sleeps_for_150_ms_is_named() {
        assert_eq!(wrong(set(&perf(100))), [""; 0]);
        assert_eq!(wrong(set(&perf(150))), ["run: shard 0: account `trend` worked 150 ms at a stretch"]);
    }

    #[test]
    fn memory_beyond_80_percent_and_queues_beyond_a_thousand_are_told() {
        let mut perf = perf(1);
        perf.resources.memory_percent_peak = 81.0;
        let queue = |queue_peak| TopicCounters {
            topic: "frames".to_owned(),
            subscriber: "me".to_owned(),
            queue_peak,
            ..TopicCounters::default()
        };
        perf.queues = vec![queue(1_000), queue(1_001)];
        assert_eq!(
            wrong(set(&perf)),
            [
                "run: memory: 81 % of the machine's memory was in use",
                "run: frames: 1001 messages waited for `me`, 0 events were dropped"
            ]
        );
    }

    #[test]
    fn a_sweep_says_what_its_workers_lacked() {
        let session = |parts: [(&str, u64); 3]| SweepSession {
            elapsed_ns: 100,
            workers: 1,
            parts_ns: parts.map(|(part, ns)| (part.to_owned(), ns)).into_iter().collect::<BTreeMap<_, _>>(),
            ..SweepSession::default()
        };
        let good = session([("market data", 10), ("strategies", 90), ("held", 0)]);
        assert_eq!(wrong(sweep(std::slice::from_ref(&good))), [""; 0]);
        let reads = session([("market data", 60), ("strategies", 40), ("held", 0)]);
        assert_eq!(wrong(sweep(&[reads])), ["sweep: market data: is 60.00 % of the time of passes"]);
        let mut held = session([("market data", 1), ("strategies", 40), ("held", 59)]);
        held.worker_failures = 2;
        held.keeping.p99_ns = 150_000_000;
        let told = wrong(sweep(&[held]));
        assert!(told[0].contains("held for 59.00 %") && told[1].contains("failed 2 times"), "{told:?}");
        assert!(told[2].contains("took 150 ms"), "{told:?}");
    }
}

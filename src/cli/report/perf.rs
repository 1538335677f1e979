//! What a sweep took: its sessions, and where their time went.

use std::collections::BTreeMap;

use barhive_engine::{
    sweep::PassWork,
    time::{NS_PER_MINUTE, format_utc},
};
use barhive_report::format::{bytes, count, milliseconds, number, percent, stamp};
use barhive_store::sweep::{SweepSession, TimeSpread};
use serde_json::{Value as Json, json};

use crate::cli::output;

/// In words, within 80 columns.
pub(super) fn text(sessions: &[SweepSession], work: &PassWork) -> String {
    let mut text = String::from("what it took\n");
    if sessions.is_empty() {
        text.push_str("  not known: no session has come to its end\n");
    }
    for session in sessions {
        let minute = session.started_ns.div_euclid(NS_PER_MINUTE) * NS_PER_MINUTE;
        text.push_str(&format!(
            "  {}  {}, {}\n{:20}{} {} in {}, {} backtests/s\n",
            stamp(minute),
            workers(session),
            bytes(session.private_bytes_max),
            "",
            count(session.variants),
            combinations(session.variants),
            milliseconds(session.elapsed_ns as f64 / 1e6),
            number(rate(session), 0),
        ));
    }
    let totals = Totals::of(sessions);
    let mut line = |name: &str, words: String| text.push_str(&format!("  {name:<14}{words}\n"));
    match totals.missing(work) {
        0 => {}
        missing => {
            let what = combinations(missing);
            line(
                "not counted",
                format!("{} {what} of sessions that were killed or still run", count(missing)),
            );
        }
    }
    if let Some(idle) = totals.idle {
        let time = milliseconds(totals.worker_ns / 1e6);
        let failures = output::count(totals.worker_failures as usize, "failure");
        line("workers", format!("{time}, rests included; idle at the end {}, {failures}", percent(idle)));
    }
    for (place, parts) in parts(sessions).chunks(3).enumerate() {
        line(if place == 0 { "parts of it" } else { "" }, parts.join(", "));
    }
    for (name, of) in
        [("a pass", (|s| s.pass) as fn(&SweepSession) -> TimeSpread), ("kept in", |s| s.keeping)]
    {
        if let Some(times) = slowest(sessions, of) {
            line(name, times);
        }
    }
    if totals.variants > 0 {
        let per_variant = totals.worker_ns / totals.variants as f64;
        line("a backtest", format!("{} of a worker, rests included", milliseconds(per_variant / 1e6)));
    }
    if work.steps > 0 && totals.missing(work) == 0 {
        let per_step = totals.worker_ns / work.steps as f64;
        line(
            "a step",
            format!("{} ns, {} steps over all combinations", number(per_step, 2), count(work.steps)),
        );
    }
    line("rows read", format!("{} over all passes", count(work.rows)));
    line(
        "indicators",
        format!(
            "{} columns, {} values computed, {} again",
            count(work.hub.keys),
            count(work.hub.computed),
            count(work.hub.recomputed)
        ),
    );
    text
}

/// The shares of the parts in the time of all passes, the largest first.
fn parts(sessions: &[SweepSession]) -> Vec<String> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (part, ns) in sessions.iter().flat_map(|session| &session.parts_ns) {
        *sums.entry(part).or_default() += ns;
    }
    let all: u64 = sums.values().sum();
    // What does not show in hundredths of a per cent is left out.
    let mut sums: Vec<_> = sums.into_iter().filter(|(_, ns)| *ns > all / 10_000).collect();
    sums.sort_by_key(|(_, ns)| std::cmp::Reverse(*ns));
    sums.iter().map(|(part, ns)| format!("{part} {}", percent(*ns as f64 / all as f64))).collect()
}

/// The times of the session whose longest is the longest of all.
fn slowest(sessions: &[SweepSession], of: fn(&SweepSession) -> TimeSpread) -> Option<String> {
    let times = sessions.iter().map(of).max_by_key(|times| times.max_ns).filter(|times| times.max_ns > 0)?;
    let [p50, p99, max] = [times.p50_ns, times.p99_ns, times.max_ns].map(|ns| milliseconds(ns as f64 / 1e6));
    Some(format!("{p50} at the median, {p99} at 99 %, {max} at most"))
}

/// As one JSON object.
pub(super) fn json(sessions: &[SweepSession], work: &PassWork) -> Json {
    let totals = Totals::of(sessions);
    let sessions = sessions.iter().map(|session| {
        let mut row = json!(session);
        row["started"] = format_utc(session.started_ns).into();
        row["backtests_per_s"] = rate(session).into();
        row
    });
    json!({
        "sessions": sessions.collect::<Vec<_>>(),
        "variants_not_counted": totals.missing(work),
        "worker_s": totals.worker_ns / 1e9,
        "idle_share": totals.idle,
        "ns_per_backtest": (totals.variants > 0).then(|| totals.worker_ns / totals.variants as f64),
        "ns_per_step": (work.steps > 0 && totals.missing(work) == 0).then(|| totals.worker_ns / work.steps as f64),
        "work": work,
    })
}

fn combinations(number: u64) -> &'static str {
    if number == 1 { "combination" } else { "combinations" }
}

fn workers(session: &SweepSession) -> String {
    let what = match (session.isolation.as_str(), session.workers) {
        ("process", 1) => "process",
        ("process", _) => "processes",
        (_, 1) => "thread",
        _ => "threads",
    };
    format!("{} {what}", session.workers)
}

fn rate(session: &SweepSession) -> f64 {
    if session.elapsed_ns == 0 { 0.0 } else { session.variants as f64 / session.elapsed_ns as f64 * 1e9 }
}

/// Sessions added up.
struct Totals {
    variants: u64,
    worker_failures: u64,
    /// Time that workers were there, each counted.
    worker_ns: f64,
    /// The share of it that they waited at the end.
    idle: Option<f64>,
}

impl Totals {
    fn of(sessions: &[SweepSession]) -> Self {
        let sum = |of: fn(&SweepSession) -> u64| sessions.iter().map(of).sum::<u64>();
        let worker_ns = sum(|session| session.elapsed_ns.saturating_mul(session.workers)) as f64;
        Self {
            variants: sum(|session| session.variants),
            worker_failures: sum(|session| session.worker_failures),
            worker_ns,
            idle: (worker_ns > 0.0).then(|| sum(|session| session.idle_ns) as f64 / worker_ns),
        }
    }

    /// Variants of sessions that left no line, for they were killed or are not over.
    fn missing(&self, work: &PassWork) -> u64 {
        (work.lanes + work.containers).saturating_sub(self.variants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(variants: u64) -> SweepSession {
        SweepSession {
            started_ns: 0,
            elapsed_ns: 3_000_000_000,
            workers: 1,
            isolation: "thread".into(),
            variants,
            passes: 1,
            worker_failures: 0,
            idle_ns: 0,
            private_bytes_max: 1_000_000,
            proportional_bytes_max: 1_000_000,
            ..SweepSession::default()
        }
    }

    #[test]
    fn parts_are_shares_of_all_of_the_time_and_passes_are_told_by_their_percentiles() {
        let parts_ns = [("market data", 250_000_000), ("strategies", 750_000_000), ("held", 10)];
        let mut session = session(1);
        session.parts_ns = parts_ns.map(|(part, ns)| (part.to_owned(), ns)).into();
        session.pass = TimeSpread { p50_ns: 2_000_000, p99_ns: 40_000_000, max_ns: 150_000_000 };
        let told = text(&[session.clone(), session], &PassWork { lanes: 2, ..PassWork::default() });
        assert!(told.contains("  parts of it   strategies 75.00 %, market data 25.00 %\n"), "{told}");
        assert!(
            told.contains("  a pass        2.0 ms at the median, 40 ms at 99 %, 150 ms at most\n"),
            "{told}"
        );
        assert!(!told.contains("kept in"), "what was not measured is not told: {told}");
    }

    #[test]
    fn what_killed_sessions_did_is_told_and_not_reckoned_with() {
        let work = PassWork { lanes: 112_840, steps: 1_000, ..PassWork::default() };
        let told = text(&[session(1)], &work);
        assert!(told.contains("  1 thread, ") && told.contains(" 1 combination in 3"), "{told}");
        assert!(
            told.contains("  not counted   112,839 combinations of sessions that were killed or still run\n"),
            "{told}"
        );
        assert!(!told.contains("a step"), "steps of killed sessions are not timed: {told}");
        assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
        assert_eq!(json(&[session(1)], &work)["variants_not_counted"], 112_839);

        let told = text(&[session(112_840)], &work);
        assert!(!told.contains("not counted") && told.contains("a step"), "{told}");
        assert!(told.contains(", rests included; idle at the end 0.00 %, 0 failures"), "{told}");
    }
}

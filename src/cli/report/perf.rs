//! What a sweep took: its sessions, and where their time went.

use barhive_engine::{
    sweep::PassWork,
    time::{NS_PER_MINUTE, format_utc},
};
use barhive_report::format::{bytes, count, milliseconds, number, percent, stamp};
use barhive_store::sweep::SweepSession;
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
            "  {}  {}, {}\n{:20}{} combinations in {}, {} backtests/s\n",
            stamp(minute),
            workers(session),
            bytes(session.private_bytes_max),
            "",
            count(session.variants),
            milliseconds(session.elapsed_ns as f64 / 1e6),
            number(rate(session), 0),
        ));
    }
    let totals = Totals::of(sessions);
    let mut line = |name: &str, words: String| text.push_str(&format!("  {name:<14}{words}\n"));
    if let Some(idle) = totals.idle {
        let time = milliseconds(totals.worker_ns / 1e6);
        let failures = output::count(totals.worker_failures as usize, "failure");
        line("workers", format!("{time} in all, idle at the end {}, {failures}", percent(idle)));
    }
    if totals.variants > 0 {
        let per_variant = totals.worker_ns / totals.variants as f64;
        line("a backtest", format!("{} of a worker", milliseconds(per_variant / 1e6)));
    }
    if work.steps > 0 && totals.is_all_of(work) {
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
        "worker_s": totals.worker_ns / 1e9,
        "idle_share": totals.idle,
        "ns_per_backtest": (totals.variants > 0).then(|| totals.worker_ns / totals.variants as f64),
        "ns_per_step": (work.steps > 0 && totals.is_all_of(work)).then(|| totals.worker_ns / work.steps as f64),
        "work": work,
    })
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

    /// Whether no session was killed that did a part of the work.
    fn is_all_of(&self, work: &PassWork) -> bool {
        self.variants >= work.lanes + work.containers
    }
}

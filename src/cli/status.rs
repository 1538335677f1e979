//! `status`: how a server is doing.

use std::io::{self, Write};

use barhive_engine::time::{NS_PER_SECOND, format_utc};
use barhive_machine::{
    MachineStatus, Outlook,
    counters::CounterSummary,
    gauge::Role,
    process::{ProcessState, ProcessView},
};
use barhive_report::format::{bytes, milliseconds};
use barhive_serve::{Answer, Request, ServerStatus};
use clap::Args;

use super::{
    jobs::{ServerFlags, span, unexpected},
    outcome::{Done, Outcome},
    output::{self, Format},
};

/// Decisions that are shown.
const DECISIONS: usize = 8;

#[derive(Args, Debug)]
pub(super) struct StatusFlags {
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) fn run(flags: &StatusFlags, out: &mut dyn Write) -> Outcome {
    let status = match flags.server.connect()?.ask(&Request::Status)? {
        Answer::Status(status) => status,
        other => return Err(unexpected(&other)),
    };
    match flags.server.format {
        Format::Json => output::json(out, &status)?,
        Format::Table => show(&status, out)?,
    }
    Ok(Done::All)
}

fn show(status: &ServerStatus, out: &mut dyn Write) -> io::Result<()> {
    let queue = &status.queue;
    let mut lines = vec![
        ("server", format!("barhive {}, process {}", status.version, status.pid)),
        (
            "since",
            format!(
                "{}, {}",
                format_utc(status.started_ns),
                span(status.now_ns.saturating_sub(status.started_ns))
            ),
        ),
        ("jobs", format!("{} running, {} queued, {} paused", queue.running, queue.queued, queue.paused)),
        (
            "ended",
            format!(
                "{} completed, {} failed, {} timed out, {} cancelled; {} retried",
                queue.completed, queue.failed, queue.timed_out, queue.cancelled, queue.retried
            ),
        ),
    ];
    if let Some(capacity) = status.capacity {
        let gib = |bytes: u64| bytes as f64 / f64::from(1u32 << 30);
        lines.push((
            "in use",
            format!(
                "{} of {} workers, {:.1} of {:.1} GiB asked for, {} of {} jobs",
                status.in_use.workers,
                capacity.workers,
                gib(status.in_use.memory_bytes),
                gib(capacity.memory_bytes),
                queue.running,
                status.running_max
            ),
        ));
    }
    if let Some(machine) = &status.machine {
        lines.extend(machine_lines(machine));
    }
    lines.extend(live_lines(status));
    if status.held > 0 {
        lines.push(("held", output::count(status.held, "job")));
    }
    let means = [("waited", queue.queue_time_mean_ns), ("ran", queue.execution_time_mean_ns)];
    let means = means.into_iter().filter_map(|(what, ns)| Some(format!("{what} {} on average", span(ns?))));
    let means: Vec<_> = means.collect();
    if !means.is_empty() {
        lines.push(("times", means.join(", ")));
    }
    lines.push(("pace", format!("{:.1} jobs per hour", queue.jobs_per_hour)));
    lines.extend(counter_lines(&status.counters));
    if status.is_ending {
        lines.push(("", "shutting down".to_owned()));
    }
    for (name, value) in &lines {
        out.write_all(hanging(name, value).as_bytes())?;
    }
    let decisions = status.machine.iter().flat_map(|machine| machine.decisions.iter().rev().take(DECISIONS));
    let decisions: Vec<_> = decisions.collect();
    if !decisions.is_empty() {
        writeln!(out, "decisions")?;
    }
    for decision in decisions.into_iter().rev() {
        let at = format_utc(decision.at_ns / NS_PER_SECOND * NS_PER_SECOND);
        out.write_all(output::wrapped(&format!("  {at} {}", decision.sentence)).as_bytes())?;
    }
    match &status.journal_fault {
        Some(fault) => out.write_all(output::wrapped(&format!("fault: {fault}")).as_bytes()),
        None => Ok(()),
    }
}

/// What the server takes for its own work.
fn counter_lines(counters: &[CounterSummary]) -> Vec<(&'static str, String)> {
    let times = counters.iter().filter(|counter| counter.is_time());
    let shown = times.map(|counter| {
        let [p50, p99, max] = [counter.p50, counter.p99, counter.max].map(|ns| milliseconds(ns as f64 / 1e6));
        let (name, count) = (&counter.name, counter.count);
        ("takes", format!("{name}: {p50} at the median, {p99} at 99 %, {max} at most, {count} times"))
    });
    shown.collect()
}

/// A line with its name; what does not fit stands below its value.
fn hanging(name: &str, value: &str) -> String {
    let text = output::wrapped(&format!("{:9}{value}", ""));
    format!("{name:<8} {}", text.trim_start())
}

/// The machine: levels, breaker, what our workers use, and what is to come.
fn machine_lines(machine: &MachineStatus) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("mode", machine.mode.to_string()),
        ("machine", machine.levels.to_string()),
        ("breaker", machine.explanation.clone()),
    ];
    let of_jobs = || machine.trees.iter().filter(|tree| tree.role == Role::Worker);
    let processes: usize = of_jobs().map(|tree| tree.processes.len()).sum();
    if processes > 0 {
        let memory: u64 = of_jobs().map(|tree| tree.memory_bytes).sum();
        let cpu = machine.sample.workers_cpu_percent;
        let plural = if processes == 1 { "" } else { "es" };
        lines.push((
            "workers",
            format!("{cpu:.1} % of all cores, {} in {processes} process{plural}", bytes(memory)),
        ));
    }
    let live = machine.hold.as_ref().filter(|_| machine.shed_why == machine.hold);
    lines.extend(live.map(|why| ("live", why.clone())));
    for Outlook { resource, level, limit, seconds } in &machine.outlooks {
        let unit = resource.unit();
        let text = match *seconds {
            0.0 => continue,
            seconds => {
                format!("{resource} reaches {limit} {unit} ({level}) in {}", span((seconds * 1e9) as i64))
            }
        };
        lines.push(("outlook", text));
    }
    lines
}

/// Live work: the processes that the server looks after, and whoever else has reported.
fn live_lines(status: &ServerStatus) -> Vec<(&'static str, String)> {
    let lags = status.machine.iter().flat_map(|machine| &machine.live);
    let lag = |name: &str| lags.clone().find(|lag| lag.name == name).map(|lag| lag.lag_ms);
    let ours = status.live.iter().map(|process| {
        let behind = lag(&process.name).map_or_else(String::new, |ms| format!("{ms:.1} ms behind, "));
        format!("{}: {behind}{}", process.name, live_words(status, process))
    });
    let others = lags.clone().filter(|lag| status.live.iter().all(|process| process.name != lag.name));
    let others =
        others.map(|lag| format!("{}: {:.1} ms behind, looked after by somebody else", lag.name, lag.lag_ms));
    ours.chain(others).map(|line| ("live", line)).collect()
}

fn live_words(status: &ServerStatus, process: &ProcessView) -> String {
    let since = span(status.now_ns.saturating_sub(process.since_ns));
    let mut words = vec![match &process.state {
        ProcessState::Waiting => format!("about to start for {since}"),
        ProcessState::Running { pid } => format!("process {pid} for {since}"),
        ProcessState::Ended => format!("ended {since} ago"),
        ProcessState::Quarantined { reason } => {
            format!("left out for {since} after it failed too often: {reason}")
        }
        ProcessState::Stopped => format!("told to end {since} ago"),
    }];
    if let Some(pid) = process.pid() {
        if !process.cores.is_empty() {
            let cores: Vec<_> = process.cores.iter().map(u32::to_string).collect();
            words.push(format!("core{} {}", if cores.len() == 1 { "" } else { "s" }, cores.join(", ")));
        }
        words.extend(process.nice.map(|nice| format!("nice {nice}")));
        let trees = status.machine.iter().flat_map(|machine| &machine.trees);
        words.extend(trees.into_iter().find(|tree| tree.pid == pid).map(|tree| bytes(tree.memory_bytes)));
    }
    if process.restarts > 0 {
        let last = process.failure.as_deref().unwrap_or_default();
        words.push(format!("{}, last: {last}", output::count(process.restarts as usize, "restart")));
    }
    words.extend(process.notes.iter().cloned());
    words.join(", ")
}

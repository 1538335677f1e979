//! `status`: how a server is doing.

use std::io::{self, Write};

use barhive_engine::time::format_utc;
use barhive_serve::{Answer, Request, ServerStatus};
use clap::Args;

use super::{
    jobs::{ServerFlags, span, unexpected},
    outcome::{Done, Outcome},
    output::{self, Format},
};

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
    if status.is_ending {
        lines.push(("", "shutting down".to_owned()));
    }
    lines.iter().try_for_each(|(name, value)| writeln!(out, "{name:<8} {value}"))?;
    match &status.journal_fault {
        Some(fault) => out.write_all(output::wrapped(&format!("fault: {fault}")).as_bytes()),
        None => Ok(()),
    }
}

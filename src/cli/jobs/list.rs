//! `jobs list`: all jobs in a table.

use std::io::Write;

use barhive_actors::clock::SystemClock;
use barhive_engine::{jobs::JobState, time::Clock};
use barhive_serve::{Answer, JobView, Request};
use clap::Args;

use super::{ServerFlags, span, unexpected};
use crate::cli::{
    outcome::{Done, Outcome},
    output::{self, Format},
    table,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct ListFlags {
    /// Only jobs in this state: queued, running, paused, completed, failed, cancelled or timeout
    #[arg(long = "in", value_name = "STATE")]
    only: Option<JobState>,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) fn run(flags: &ListFlags, out: &mut dyn Write) -> Outcome {
    let mut jobs = match flags.server.connect()?.ask(&Request::List)? {
        Answer::Jobs(jobs) => jobs,
        other => return Err(unexpected(&other)),
    };
    jobs.retain(|view| flags.only.is_none_or(|only| view.job.state == only));
    match flags.server.format {
        Format::Json => output::json(out, &jobs)?,
        Format::Table if jobs.is_empty() => writeln!(out, "no jobs")?,
        Format::Table => {
            let now_ns = SystemClock.now_ns();
            let mut rows = table::table(&["job", "name", "priority", "state", "for", "done"]);
            for view in &jobs {
                rows.add_row(row(view, now_ns));
            }
            out.write_all(table::lines(rows).as_bytes())?;
        }
    }
    Ok(Done::All)
}

fn row(view: &JobView, now_ns: i64) -> [String; 6] {
    let job = &view.job;
    [
        job.id.to_string(),
        job.request.name.clone(),
        job.request.priority.to_string(),
        job.state.to_string(),
        span(now_ns.saturating_sub(job.state_since_ns)),
        done(view),
    ]
}

/// How far a job is, as a percentage.
pub(super) fn done(view: &JobView) -> String {
    match (&view.progress, view.job.state) {
        (_, JobState::Completed) => "100%".to_owned(),
        (Some(progress), _) => format!("{:.0}%", (progress.fraction * 100.0).floor()),
        (None, _) => String::new(),
    }
}

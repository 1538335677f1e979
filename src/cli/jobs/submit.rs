//! `jobs submit`: a set or sweep becomes a job.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use barhive_actors::clock::SystemClock;
use barhive_config::time_span;
use barhive_engine::{
    jobs::{JobPriority, JobRequest},
    registry::Registry as Parts,
    time::Clock,
};
use barhive_serve::{Answer, Request};
use clap::Args;
use serde_json::json;

use super::{Asked, ServerFlags, deadline, local_zone, unexpected};
use crate::cli::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct SubmitFlags {
    /// The set or sweep, a YAML file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What people call it [default: the name of the set or sweep]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// critical, high, normal, low or bulk
    #[arg(long, value_name = "LEVEL", default_value_t)]
    priority: JobPriority,
    /// When it must have ended, as in 2026-01-31T18:00:00Z, or 18:00 for the next time that a clock here shows it
    #[arg(long, value_name = "TIME")]
    deadline: Option<String>,
    /// How often it is tried again after it failed or took too long
    #[arg(long, value_name = "N", default_value_t = 0)]
    retries: u32,
    /// How long an attempt may run, as in 90s, 10m or 2h
    #[arg(long, value_name = "SPAN", value_parser = time_span)]
    timeout: Option<Duration>,
    /// Memory that must be free before it starts, as in 2GB
    #[arg(long, value_name = "SIZE", value_parser = barhive_config::byte_size, default_value = "0", hide_default_value = true)]
    memory: u64,
    /// Workers that must be free before it starts: those of a sweep
    #[arg(short = 'w', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    workers: u32,
    /// Write results here [default: the job's folder in that of the server]
    #[arg(long, value_name = "DIR")]
    results_dir: Option<PathBuf>,
    /// Tell this URL when it has ended, by a POST of JSON, or `telegram`: the chat that the server's file names (may be repeated)
    #[arg(long, value_name = "URL")]
    notify: Vec<String>,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) fn run(flags: &SubmitFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let request = request(flags, parts)?;
    let (name, priority) = (request.name.clone(), request.priority);
    let mut server = flags.server.connect()?;
    let job = match server.ask(&Request::Submit { request })? {
        Answer::Submitted { job } => job,
        other => return Err(unexpected(&other)),
    };
    match flags.server.format {
        Format::Table => writeln!(out, "job {job}: {name}, {priority}")?,
        Format::Json => output::json(out, &json!({ "job": job, "name": name, "priority": priority }))?,
    }
    Ok(Done::All)
}

/// The request that flags and the file make. A file with faults is not submitted.
fn request(flags: &SubmitFlags, parts: &Parts) -> Result<JobRequest, CliError> {
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map_err(|error| CliError::Usage(format!("{} cannot be found: {error}", path.display())))
    };
    let deadline = flags.deadline.as_deref().map(|text| deadline(text, SystemClock.now_ns(), local_zone()));
    let asked = Asked {
        file: absolute(&flags.file)?,
        name: flags.name.clone(),
        priority: flags.priority,
        deadline_ns: deadline.transpose().map_err(|fault| CliError::Usage(format!("--deadline: {fault}")))?,
        timeout: flags.timeout,
        retries: flags.retries,
        memory_bytes: flags.memory,
        workers: flags.workers,
        results_dir: flags.results_dir.as_deref().map(absolute).transpose()?,
        folder: absolute(Path::new("."))?,
        notify: flags.notify.clone(),
    };
    asked.request(&flags.file, parts).map_err(CliError::Usage)
}

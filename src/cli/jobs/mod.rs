//! `jobs`: submits jobs to a server, looks at them and changes them.

mod asked;
mod deadline;
mod list;
mod logs;
mod mode;
mod show;
mod span;
mod submit;
mod watch;

use std::{io::Write, path::PathBuf};

use barhive_engine::{jobs::JobId, registry::Registry as Parts};
use barhive_serve::{Answer, Client, ClientError, JobView, Request};
use clap::{Args, Subcommand};
use serde_json::json;

pub(super) use self::{
    asked::Asked,
    deadline::{deadline, local_zone},
    span::span,
};
use super::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
};

/// The folder of a server that nobody named.
pub(super) const STATE: &str = "barhive-state";

#[derive(Subcommand, Debug)]
pub(super) enum JobsCommand {
    /// Submit a set or sweep
    Submit(Box<submit::SubmitFlags>),
    /// List all jobs
    List(list::ListFlags),
    /// Show a job: what it asked for, how far it is, and what happened to it
    Show(OneFlags),
    /// Follow a job until it ends
    Watch(OneFlags),
    /// Hold jobs back; running ones stop between two slices of work
    Pause(ManyFlags),
    /// Let jobs that were paused go on
    Resume(ManyFlags),
    /// Call jobs off
    Cancel(ManyFlags),
    /// Show or change how jobs and live work share the machine
    Mode(mode::ModeFlags),
    /// Print the log of a job
    Logs(logs::LogsFlags),
}

/// Which server, and how it is shown.
#[derive(Args, Debug)]
pub(super) struct ServerFlags {
    /// The folder of the server [default: barhive-state]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub(super) format: Format,
}

#[derive(Args, Debug)]
pub(super) struct OneFlags {
    /// The job's number
    #[arg(value_name = "ID")]
    job: JobId,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Args, Debug)]
pub(super) struct ManyFlags {
    /// The jobs' numbers
    #[arg(value_name = "ID", required = true)]
    jobs: Vec<JobId>,
    #[command(flatten)]
    server: ServerFlags,
}

impl ServerFlags {
    pub(super) fn connect(&self) -> Result<Server, CliError> {
        let state = self.state.clone().unwrap_or_else(|| STATE.into());
        Client::connect(&state).map(Server).map_err(failure)
    }
}

/// A server that answers.
pub(super) struct Server(Client);

impl Server {
    pub(super) fn ask(&mut self, request: &Request) -> Result<Answer, CliError> {
        self.0.ask(request).map_err(failure)
    }

    fn job(&mut self, job: JobId) -> Result<JobView, CliError> {
        match self.ask(&Request::Show { job })? {
            Answer::Job(view) => Ok(*view),
            other => Err(unexpected(&other)),
        }
    }
}

fn failure(error: ClientError) -> CliError {
    CliError::Failed(error.to_string())
}

pub(super) fn unexpected(answer: &Answer) -> CliError {
    CliError::Failed(format!("the server answers something else: {answer:?}; is it of this version?"))
}

pub(super) fn run(command: &JobsCommand, parts: &Parts, out: &mut dyn Write) -> Outcome {
    match command {
        JobsCommand::Submit(flags) => submit::run(flags, parts, out),
        JobsCommand::List(flags) => list::run(flags, out),
        JobsCommand::Show(flags) => show::run(flags, out),
        JobsCommand::Watch(flags) => watch::run(flags, out),
        JobsCommand::Pause(flags) => change(flags, out, "paused", |job| Request::Pause { job }),
        JobsCommand::Resume(flags) => change(flags, out, "resumed", |job| Request::Resume { job }),
        JobsCommand::Cancel(flags) => change(flags, out, "cancelled", |job| Request::Cancel { job }),
        JobsCommand::Logs(flags) => logs::run(flags, out),
        JobsCommand::Mode(flags) => mode::run(flags, out),
    }
}

/// Changes jobs one by one; what is refused for one does not keep the others.
fn change(flags: &ManyFlags, out: &mut dyn Write, done: &str, request: fn(JobId) -> Request) -> Outcome {
    let mut server = flags.server.connect()?;
    let (mut changed, mut refused) = (Vec::new(), Vec::new());
    for job in &flags.jobs {
        match server.ask(&request(*job)) {
            Ok(Answer::Done) => changed.push(*job),
            Ok(other) => refused.push(unexpected(&other).to_string()),
            Err(fault) => refused.push(fault.to_string()),
        }
    }
    match flags.server.format {
        Format::Table => changed.iter().try_for_each(|job| writeln!(out, "job {job} is {done}"))?,
        Format::Json => output::json(out, &json!({ "changed": changed, "refused": refused }))?,
    }
    if refused.is_empty() { Ok(Done::All) } else { Err(CliError::Failed(refused.join("\n       "))) }
}

//! The command line: one file per command.
//!
//! Flags are typed raw first and then turned into what is meant. Results go to standard output,
//! everything else to standard error. Exit codes: 0 all done, 1 something failed, 2 the command line
//! or the configuration is wrong, 70 the root supervisor gave up.

mod bench;
mod completions;
mod config_flags;
mod config_show;
mod control;
mod data;
mod database;
mod doctor;
mod jobs;
mod list;
mod logging;
mod outcome;
mod output;
mod page;
mod panics;
mod params;
mod plan;
mod profile;
mod progress;
mod report;
mod results_dir;
mod run;
mod runs;
mod schema;
mod serve;
mod signals;
mod status;
mod sweep;
mod table;
mod validate;
mod worker;

use std::{
    ffi::OsString,
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::Registry;
use outcome::{CliError, Outcome};
pub(crate) use worker::worker_process;

/// Backtests strategy sets on bars: one pass over the data feeds every account
#[derive(Parser, Debug)]
#[command(name = "barhive", version, max_term_width = 80)]
#[command(infer_subcommands = false, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 all done, 1 something failed or was quarantined, 2 wrong usage \
                        or configuration, 70 a root supervisor gave up.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logs: logging::LogFlags,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run a strategy set and report the result
    Run(run::RunFlags),
    /// Run every combination of a sweep and rank the results
    Sweep(Box<sweep::SweepFlags>),
    /// List, show, compare, run again and remove the runs of sweeps
    #[command(subcommand)]
    Runs(Box<runs::RunsCommand>),
    /// Report a sweep again, on the terminal or as an HTML page
    Report(Box<report::ReportFlags>),
    /// Run queued jobs until told to end
    Serve(serve::ServeFlags),
    /// Submit jobs to a server, look at them, change them
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// Show how a server is doing
    Status(status::StatusFlags),
    /// Name what is slow or wrong with this machine, a server or a run, with a remedy
    Doctor(doctor::DoctorFlags),
    /// Print a link to the page of a server, good for five minutes and once
    Page(page::PageFlags),
    /// Check a set or sweep and its data without running it; shows all faults at once
    Validate(validate::ValidateFlags),
    /// Predict what a set or sweep will take: parts, passes, indicators, memory, time
    Plan(plan::PlanFlags),
    /// List the strategies, indicators and feeds that a set may name
    #[command(subcommand)]
    List(list::ListCommand),
    /// Print the JSON Schema of sets or sweeps, for completion in editors
    Schema(schema::SchemaFlags),
    /// Import, list, check, convert and generate bars
    #[command(subcommand)]
    Data(Box<data::DataCommand>),
    /// Measure this program on this machine: memory, start-up, scaling
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Show a configuration as it is understood
    #[command(subcommand)]
    Config(config_show::ConfigCommand),
    /// Print a script that teaches a shell this command line
    Completions(completions::CompletionsFlags),
    /// Be a process of a sweep: started by `sweep --isolation process`
    #[command(hide = true)]
    Worker(worker::WorkerFlags),
}

/// The whole program over `registry`: reads the process's arguments, does what they ask, answers the
/// exit code.
///
/// ```no_run
/// use barhive::Registry;
///
/// fn main() -> std::process::ExitCode {
///     barhive::cli::run(Registry::builtin())
/// }
/// ```
pub fn run(registry: Registry) -> ExitCode {
    run_with(registry, std::env::args_os(), &mut BufWriter::new(io::stdout().lock()))
}

/// [`run`] with arguments (the program's name first) and standard output given by the caller.
///
/// Diagnostics still go to standard error.
pub fn run_with<I, T>(registry: Registry, args: I, out: &mut dyn Write) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return outcome::exit_code(tell(&error, out)),
    };
    panics::log_panics();
    let outcome = cli.logs.install().and_then(|()| dispatch(&cli, &registry, out));
    let flushed = out.flush().map_err(CliError::from);
    outcome::exit_code(outcome.and_then(|done| flushed.map(|()| done)))
}

fn dispatch(cli: &Cli, registry: &Registry, out: &mut dyn Write) -> Outcome {
    let parts = registry.as_engine();
    match &cli.command {
        Command::Run(flags) => run::run(flags, &cli.logs, registry, out),
        Command::Sweep(flags) => sweep::run(flags, &cli.logs, registry, out),
        Command::Runs(command) => runs::run(command, parts, out),
        Command::Report(flags) => report::run(flags, parts, out),
        Command::Serve(flags) => serve::run(flags, parts, &cli.logs),
        Command::Jobs(command) => jobs::run(command, parts, out),
        Command::Status(flags) => status::run(flags, out),
        Command::Doctor(flags) => doctor::run(flags, out),
        Command::Page(flags) => page::run(flags, out),
        Command::Validate(flags) => validate::run(flags, parts, out),
        Command::Plan(flags) => plan::run(flags, parts, out),
        Command::Schema(flags) => schema::run(flags, parts, out),
        Command::Data(command) => data::run(command, parts, out),
        Command::Bench(command) => bench::run(command, parts, out),
        Command::Config(command) => config_show::run(command, parts, out),
        Command::List(command) => list::run(command, parts, out),
        Command::Completions(flags) => completions::run(flags, out),
        Command::Worker(flags) => worker::run(flags, parts),
    }
}

/// Help and versions are results; anything else that the parser says is a fault.
fn tell(error: &clap::Error, out: &mut dyn Write) -> Outcome {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            write!(out, "{}", error.render())?;
            out.flush()?;
            Ok(outcome::Done::All)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Err(CliError::Usage(format!("expected a command\n\n{}", error.render().to_string().trim_end())))
        }
        _ => {
            let text = error.render().to_string();
            Err(CliError::Usage(text.trim_start_matches("error: ").trim_end().to_owned()))
        }
    }
}

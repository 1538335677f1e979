//! `bench`: what this program takes on this machine, measured by running it.
//!
//! Every measurement asserts that the work was done, prints what the machine is, and leaves nothing
//! behind.

mod live;
mod mem;
mod portfolios;
mod scale;
mod sharing;
mod startup;

use std::{
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use barhive_engine::registry::Registry as Parts;
use barhive_report::format::bytes;
use clap::{Args, Subcommand};
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use super::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format, wrapped},
    signals, table, worker,
};
use crate::bench::{BenchError, Place, machine::Machine, market::Folder};

#[derive(Subcommand, Debug)]
pub(super) enum BenchCommand {
    /// Memory that worker processes share, and what failures leave behind
    Sharing(sharing::SharingFlags),
    /// Memory of a run: at least, per instrument, per account
    Mem(mem::MemFlags),
    /// From the start of the program to its first result on disk
    Startup(startup::StartupFlags),
    /// The same sweep on one worker and on several
    Scale(scale::ScaleFlags),
    /// Many accounts on one stream
    Portfolios(portfolios::PortfoliosFlags),
    /// Live work alone, and beside a sweep that takes all other cores
    Live(live::LiveFlags),
    /// Be the live process that `live` measures
    #[command(hide = true)]
    LiveSet(live::LiveSetFlags),
}

pub(super) fn run(command: &BenchCommand, parts: &Parts, out: &mut dyn Write) -> Outcome {
    match command {
        BenchCommand::Sharing(flags) => sharing::run(flags, parts, out),
        BenchCommand::Mem(flags) => mem::run(flags, out),
        BenchCommand::Startup(flags) => startup::run(flags, parts, out),
        BenchCommand::Scale(flags) => scale::run(flags, parts, out),
        BenchCommand::Portfolios(flags) => portfolios::run(flags, parts, out),
        BenchCommand::Live(flags) => live::run(flags, out),
        BenchCommand::LiveSet(flags) => live::run_set(flags, parts),
    }
}

/// Flags that every measurement has.
#[derive(Args, Debug)]
struct PlaceFlags {
    /// Where data and results are written to while it lasts [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

/// A measurement under way.
struct Bench {
    format: Format,
    place: Place,
    /// What else runs counts as it was before.
    machine: Machine,
    interrupt: Arc<AtomicBool>,
    _folder: Folder,
}

impl Bench {
    fn begin(flags: &PlaceFlags) -> Result<Self, CliError> {
        let interrupt = signals::interrupt_flag()
            .map_err(|error| CliError::Failed(format!("cannot listen to signals: {error}")))?;
        let folder = Folder::below(&flags.dir.clone().unwrap_or_else(std::env::temp_dir)).map_err(failed)?;
        let program = worker::program()
            .map_err(|error| CliError::Failed(format!("this program cannot be found: {error}")))?;
        Ok(Self {
            format: flags.format,
            place: Place::new(program, folder.path()),
            machine: Machine::this(),
            interrupt,
            _folder: folder,
        })
    }

    /// Does one part of the measurement, unless it was interrupted.
    fn part<T>(&self, work: impl FnOnce(&Place) -> Result<T, BenchError>) -> Result<T, CliError> {
        let done = work(&self.place);
        if self.interrupt.load(Relaxed) {
            return Err(CliError::Failed("interrupted: nothing is kept".to_owned()));
        }
        done.map_err(failed)
    }

    /// Prints what was measured, and where.
    fn end(self, report: Report, out: &mut dyn Write) -> Outcome {
        let machine = &self.machine;
        if self.format == Format::Json {
            let mut json = json!({ "bench": report.name, "machine": machine });
            if let (Some(all), Value::Object(measured)) = (json.as_object_mut(), report.json) {
                all.extend(measured);
            }
            output::json(out, &json)?;
            return Ok(Done::All);
        }
        out.write_all(wrapped(&report.title).as_bytes())?;
        writeln!(out)?;
        out.write_all(table::lines(report.table).as_bytes())?;
        writeln!(out)?;
        let Machine { cpu, cores, cores_online, kernel, memory_bytes, load } = machine;
        let memory = bytes(*memory_bytes);
        let notes = report.notes.into_iter().chain([format!(
            "machine: {cpu}, {cores} of {cores_online} cores, {memory} memory, {kernel}, load {load:.2} before"
        )]);
        for note in notes {
            out.write_all(wrapped(&note).as_bytes())?;
        }
        Ok(Done::All)
    }
}

/// What a measurement has to say.
struct Report {
    name: &'static str,
    title: String,
    table: Table,
    notes: Vec<String>,
    /// An object: the same for programs.
    json: Value,
}

/// A table of figures: the first column on the left, the others on the right.
fn figures(titles: &[&str]) -> Table {
    let mut table = table::table(titles);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn failed(error: BenchError) -> CliError {
    CliError::Failed(error.to_string())
}

fn ms(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

//! `jobs mode`: how jobs and live work share the machine.

use std::io::Write;

use barhive_engine::jobs::ExecutionMode;
use barhive_serve::{Answer, Request};
use clap::Args;
use serde_json::json;

use super::{ServerFlags, unexpected};
use crate::cli::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct ModeFlags {
    /// standalone, concurrent or priority-live, until the server ends [default: show the mode]
    #[arg(value_name = "MODE")]
    mode: Option<ExecutionMode>,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) fn run(flags: &ModeFlags, out: &mut dyn Write) -> Outcome {
    let mut server = flags.server.connect()?;
    if let Some(mode) = flags.mode {
        match server.ask(&Request::Mode { mode })? {
            Answer::Done => {}
            other => return Err(unexpected(&other)),
        }
    }
    let machine = match server.ask(&Request::Status)? {
        Answer::Status(status) => status.machine,
        other => return Err(unexpected(&other)),
    };
    let Some(machine) = machine else {
        return Err(CliError::Failed("the server does not watch the machine: it has no modes".to_owned()));
    };
    match flags.server.format {
        Format::Table => writeln!(out, "{}", machine.mode)?,
        Format::Json => output::json(out, &json!({ "mode": machine.mode }))?,
    }
    Ok(Done::All)
}

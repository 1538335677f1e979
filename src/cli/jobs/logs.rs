//! `jobs logs`: what a job's process has said.

use std::{
    fs::File,
    io::{self, Write},
};

use barhive_serve::LOG;
use clap::Args;
use serde_json::json;

use super::OneFlags;
use crate::cli::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct LogsFlags {
    #[command(flatten)]
    one: OneFlags,
}

pub(super) fn run(flags: &LogsFlags, out: &mut dyn Write) -> Outcome {
    let view = flags.one.server.connect()?.job(flags.one.job)?;
    let path = view.place.map(|place| place.join(LOG)).filter(|path| path.exists());
    let Some(path) = path else {
        return Err(CliError::Failed(format!("job {} has not been started: it has no log", view.job.id)));
    };
    let failed = |error: io::Error| CliError::Failed(format!("{}: {error}", path.display()));
    match flags.one.server.format {
        Format::Table => {
            let mut log = File::open(&path).map_err(failed)?;
            io::copy(&mut log, out)?;
        }
        Format::Json => {
            let text = std::fs::read(&path).map_err(failed)?;
            let lines: Vec<_> = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
            output::json(out, &json!({ "job": view.job.id, "path": path, "lines": lines }))?;
        }
    }
    Ok(Done::All)
}

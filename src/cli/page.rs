//! `page`: a link to the page of a server.

use std::{io::Write, path::PathBuf};

use barhive_actors::clock::SystemClock;
use barhive_engine::time::{Clock, format_utc};
use barhive_serve::{Client, Grant, Token};
use clap::Args;
use serde_json::json;

use super::{
    jobs::STATE,
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
    serve::Reached,
};

#[derive(Args, Debug)]
pub(super) struct PageFlags {
    /// The folder of the server [default: barhive-state]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

pub(super) fn run(flags: &PageFlags, out: &mut dyn Write) -> Outcome {
    let state = flags.state.clone().unwrap_or_else(|| STATE.into());
    // One that was killed has left where it was reached.
    Client::connect(&state).map_err(|error| CliError::Failed(error.to_string()))?;
    let Reached { url, token_file } = Reached::read(&state)?;
    let token = Token::existing(&token_file).map_err(|fault| CliError::Failed(fault.to_string()))?;
    let now_ns = SystemClock.now_ns();
    let (grant, ends_ns) = token
        .grant(Grant::Link, now_ns)
        .map_err(|error| CliError::Failed(format!("no random bytes for a link: {error}")))?;
    // What stands behind the # is not sent, logged or referred to: the page reads it and forgets it.
    let link = format!("{url}#{grant}");
    match flags.format {
        Format::Table => writeln!(out, "{link}")?,
        Format::Json => output::json(out, &json!({ "url": url, "link": link, "ends": format_utc(ends_ns) }))?,
    }
    Ok(Done::All)
}

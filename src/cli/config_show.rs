//! `config show`: a set as it is understood, includes and overrides applied, secrets hidden.

use std::io::Write;

use barhive_engine::registry::Registry as Parts;
use clap::Subcommand;

use super::{
    config_flags::ConfigFlags,
    outcome::{Done, Outcome},
};

#[derive(Subcommand, Debug)]
pub(super) enum ConfigCommand {
    /// Print a set as it is understood: includes and overrides applied, secrets hidden
    Show(ConfigFlags),
}

pub(super) fn run(command: &ConfigCommand, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let ConfigCommand::Show(flags) = command;
    out.write_all(flags.load(parts, false)?.canonical_yaml.as_bytes())?;
    Ok(Done::All)
}

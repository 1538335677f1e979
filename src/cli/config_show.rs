//! `config show`: a set or a sweep as it is understood, includes and overrides applied, secrets hidden.

use std::io::Write;

use barhive_config::Document;
use barhive_engine::registry::Registry as Parts;
use clap::Subcommand;

use super::{
    config_flags::ConfigFlags,
    outcome::{Done, Outcome},
};

#[derive(Subcommand, Debug)]
pub(super) enum ConfigCommand {
    /// Print a set or a sweep as it is understood: includes and overrides applied, secrets hidden
    Show(ConfigFlags),
}

pub(super) fn run(command: &ConfigCommand, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let ConfigCommand::Show(flags) = command;
    let yaml = match flags.load_any(parts)? {
        Document::Set(set) => set.canonical_yaml,
        Document::Sweep(sweep) => sweep.canonical_yaml,
    };
    out.write_all(yaml.as_bytes())?;
    Ok(Done::All)
}

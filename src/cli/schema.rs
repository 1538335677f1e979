//! `schema`: the JSON Schema that editors check and complete a set or sweep from.

use std::io::Write;

use barhive_engine::registry::Registry as Parts;
use clap::{Args, ValueEnum};

use super::{
    outcome::{Done, Outcome},
    output,
};

#[derive(Args, Debug)]
pub(super) struct SchemaFlags {
    /// Of which file: set or sweep
    #[arg(value_enum, default_value_t, value_name = "FILE", hide_possible_values = true)]
    of: File,
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum File {
    /// A strategy set
    #[default]
    Set,
    /// A sweep
    Sweep,
}

pub(super) fn run(flags: &SchemaFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let schema = match flags.of {
        File::Set => barhive_config::schema(parts),
        File::Sweep => barhive_config::sweep_schema(parts),
    };
    output::json(out, &schema)?;
    Ok(Done::All)
}

//! `schema`: the JSON Schema that editors check and complete a set, a sweep or a server's file from.

use std::io::Write;

use barhive_engine::registry::Registry as Parts;
use clap::{Args, ValueEnum};

use super::{
    outcome::{Done, Outcome},
    output,
};

#[derive(Args, Debug)]
pub(super) struct SchemaFlags {
    /// Of which file: set, sweep or server
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
    /// The file of a server
    Server,
}

pub(super) fn run(flags: &SchemaFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let schema = match flags.of {
        File::Set => barhive_config::schema(parts),
        File::Sweep => barhive_config::sweep_schema(parts),
        File::Server => barhive_config::server_schema(),
    };
    output::json(out, &schema)?;
    Ok(Done::All)
}

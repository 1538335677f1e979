//! `schema`: the JSON Schema that editors check and complete a set from.

use std::io::Write;

use barhive_engine::registry::Registry as Parts;

use super::{
    outcome::{Done, Outcome},
    output,
};

pub(super) fn run(parts: &Parts, out: &mut dyn Write) -> Outcome {
    output::json(out, &barhive_config::schema(parts))?;
    Ok(Done::All)
}

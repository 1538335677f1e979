//! `validate`: everything that is wrong with a set, without running it.

use std::io::Write;

use barhive_config::{Faults, LoadOptions, Loaded};
use barhive_engine::{plan::plan, registry::Registry as Parts};
use clap::Args;
use serde_json::{Value, json};

use super::{
    config_flags::ConfigFlags,
    outcome::{CliError, Done, Outcome},
    output::{self, Format, count},
};

#[derive(Args, Debug)]
pub(super) struct ValidateFlags {
    #[command(flatten)]
    config: ConfigFlags,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

/// What a look at a set found.
enum Verdict {
    Sound(Box<Loaded>),
    /// It cannot be understood.
    Faulty(Faults),
    /// It can be understood, but not set up: what its strategies or its data lack.
    Unfit(Vec<String>),
}

pub(super) fn run(flags: &ValidateFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let set = flags.config.set.display().to_string();
    let verdict = judge(flags, parts);
    if flags.format == Format::Json {
        output::json(out, &verdict.to_json(&set))?;
        return Ok(if matches!(verdict, Verdict::Sound(_)) { Done::All } else { Done::WithFaults });
    }
    match verdict {
        Verdict::Faulty(faults) => Err(CliError::Usage(faults.to_string())),
        Verdict::Unfit(faults) => Err(CliError::Usage(format!("{set}: {}", faults.join("\n       ")))),
        Verdict::Sound(loaded) => {
            for warning in &loaded.warnings {
                tracing::warn!("{set}: {warning}");
            }
            let strategies: usize = loaded.spec.containers.iter().map(|one| one.strategies.len()).sum();
            writeln!(
                out,
                "{set}: sound: {}, {}, {}",
                count(loaded.spec.containers.len(), "account"),
                count(strategies, "strategy instance"),
                count(loaded.spec.instruments.len(), "instrument"),
            )?;
            Ok(Done::All)
        }
    }
}

fn judge(flags: &ValidateFlags, parts: &Parts) -> Verdict {
    let options = LoadOptions { sets: flags.config.overrides.clone(), ..LoadOptions::default() };
    match barhive_config::load(&flags.config.set, parts, &options) {
        Err(faults) => Verdict::Faulty(faults),
        Ok(loaded) => match plan(&loaded.spec, parts) {
            Ok(_) => Verdict::Sound(Box::new(loaded)),
            Err(faults) => Verdict::Unfit(faults.iter().map(ToString::to_string).collect()),
        },
    }
}

impl Verdict {
    fn to_json(&self, set: &str) -> Value {
        match self {
            Self::Sound(loaded) => {
                json!({ "set": set, "sound": true, "faults": [], "warnings": loaded.warnings })
            }
            Self::Faulty(faults) => json!({
                "set": set,
                "sound": false,
                "faults": faults.faults,
                "omitted": faults.omitted,
            }),
            Self::Unfit(faults) => {
                let faults: Vec<_> = faults.iter().map(|message| json!({ "message": message })).collect();
                json!({ "set": set, "sound": false, "faults": faults })
            }
        }
    }
}

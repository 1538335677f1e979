//! `validate`: everything that is wrong with a set or sweep, without running it.

use std::io::Write;

use barhive_config::{Document, Faults, LoadOptions};
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

/// What a look at a file found.
enum Verdict {
    Sound(Document),
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
        Verdict::Sound(document) => {
            for warning in warnings(&document) {
                tracing::warn!("{set}: {warning}");
            }
            writeln!(out, "{set}: sound: {}", summary(&document))?;
            Ok(Done::All)
        }
    }
}

fn judge(flags: &ValidateFlags, parts: &Parts) -> Verdict {
    let options = LoadOptions { sets: flags.config.overrides.clone(), ..LoadOptions::default() };
    match barhive_config::load_any(&flags.config.set, parts, &options) {
        Err(faults) => Verdict::Faulty(faults),
        Ok(Document::Set(loaded)) => match plan(&loaded.spec, parts) {
            Ok(_) => Verdict::Sound(Document::Set(loaded)),
            Err(faults) => Verdict::Unfit(faults.iter().map(ToString::to_string).collect()),
        },
        // A sample of its variants was set up while it was loaded.
        Ok(sweep) => Verdict::Sound(sweep),
    }
}

fn warnings(document: &Document) -> &[String] {
    match document {
        Document::Set(set) => &set.warnings,
        Document::Sweep(sweep) => &sweep.warnings,
    }
}

/// What there is in a sound file, in one line.
fn summary(document: &Document) -> String {
    match document {
        Document::Set(set) => {
            let spec = &set.spec;
            let strategies: usize = spec.containers.iter().map(|one| one.strategies.len()).sum();
            let accounts = count(spec.containers.len(), "account");
            let strategies = count(strategies, "strategy instance");
            format!("{accounts}, {strategies}, {}", count(spec.instruments.len(), "instrument"))
        }
        Document::Sweep(sweep) => {
            let spec = &sweep.spec;
            let combinations = count(spec.variants() as usize, "combination");
            let definitions = match spec.definitions.len() {
                1 => "1 strategy".to_owned(),
                several => format!("{several} strategies"),
            };
            format!("{combinations} of {definitions}, {}", count(spec.instruments.len(), "instrument"))
        }
    }
}

impl Verdict {
    fn to_json(&self, set: &str) -> Value {
        match self {
            Self::Sound(document) => {
                let mut json =
                    json!({ "set": set, "sound": true, "faults": [], "warnings": warnings(document) });
                if let Document::Sweep(sweep) = document {
                    json["combinations"] = sweep.spec.variants().into();
                }
                json
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

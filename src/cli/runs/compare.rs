//! `runs compare`: what two sweeps have in common.

use std::{cmp::Ordering, io::Write, path::PathBuf};

use barhive_engine::{registry::Registry as Parts, sweep::Variant};
use barhive_report::{
    format::{NOTHING, count, number},
    ranking::Objective,
    sweep::Naming,
};
use clap::Args;
use serde_json::json;

use super::{BaseFlags, OpenSweep, open::find};
use crate::cli::{
    outcome::{Done, Outcome},
    output::{self, Format, wrapped},
    sweep::{RankFlags, failure},
};

/// Differences that are named.
const NAMED_MAX: usize = 10;

#[derive(Args, Debug)]
pub(in crate::cli) struct CompareFlags {
    /// The one run, as in `runs show`
    #[arg(value_name = "A")]
    a: String,
    /// The other
    #[arg(value_name = "B")]
    b: String,
    #[command(flatten)]
    base: BaseFlags,
    #[command(flatten)]
    ranked: RankFlags,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

/// How far the results of the combinations that both have agree.
#[derive(Default)]
struct Agreement {
    same: u64,
    different: u64,
    only_a: u64,
    only_b: u64,
    /// The largest differences of the first rank figure: its distance, both variants.
    largest: Vec<(f64, Variant, Variant)>,
}

pub(super) fn run(flags: &CompareFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let folder = |name: &str| -> Result<PathBuf, _> { find(&flags.base.base, name) };
    let a = OpenSweep::open(&folder(&flags.a)?, parts)?;
    let b = OpenSweep::open(&folder(&flags.b)?, parts)?;
    let mut differences = a.run.manifest().differences(b.run.manifest());
    for difference in &mut differences {
        *difference = difference.replace("the run has", "A has").replace(", now ", ", B has ");
    }
    let [result_a, result_b] = [&a, &b].map(|open| open.run.result());
    let (result_a, result_b) = (result_a.map_err(failure)?, result_b.map_err(failure)?);
    let hashes =
        [&result_a, &result_b].map(|result| result.as_ref().map(|result| result.result_hash.as_str()));
    let ranking = flags.ranked.ranking(&a.settings)?;
    let same_grid = a.spec.variants() == b.spec.variants();
    let agreement = match ranking.objectives().first() {
        Some(objective) if same_grid => Some((*objective, agreement(&a, &b, *objective)?)),
        _ => None,
    };
    let is_same = hashes[0].is_some() && hashes[0] == hashes[1];
    if flags.format == Format::Json {
        let agreement = agreement.as_ref().map(|(objective, found)| {
            json!({
                "same": found.same,
                "different": found.different,
                "only_a": found.only_a,
                "only_b": found.only_b,
                "figure": objective.name(),
                "largest": found.largest.iter().map(|(_, a, b)| json!({
                    "variant": a.index + 1,
                    "a": a.evaluation().and_then(|done| objective.value(done)),
                    "b": b.evaluation().and_then(|done| objective.value(done)),
                })).collect::<Vec<_>>(),
            })
        });
        let answer = json!({
            "same_hash": is_same, "hashes": hashes, "differences": differences, "agreement": agreement,
        });
        output::json(out, &answer)?;
    } else {
        let mut say = |line: String| out.write_all(wrapped(&line).as_bytes());
        match differences.as_slice() {
            [] => say("configuration and data: the same".to_owned())?,
            some => {
                say("configuration or data differ:".to_owned())?;
                some.iter().try_for_each(|difference| say(format!("  {difference}")))?;
            }
        }
        for (name, hash) in ["A", "B"].iter().zip(hashes) {
            say(format!("result hash of {name}  {}", hash.unwrap_or("not finished")))?;
        }
        match &agreement {
            None => say("the grids have different sizes: combinations are not compared".to_owned())?,
            Some((objective, found)) => {
                say(format!(
                    "combinations: {} the same, {} different, {} only in A, {} only in B",
                    count(found.same),
                    count(found.different),
                    count(found.only_a),
                    count(found.only_b)
                ))?;
                let naming = Naming::of(&a.spec);
                for (_, one, other) in &found.largest {
                    let value = |variant: &Variant| {
                        let value = variant.evaluation().and_then(|done| objective.value(done));
                        value.map_or_else(|| NOTHING.to_owned(), |value| number(value, 4))
                    };
                    say(format!(
                        "  no. {} {}: {} {} in A, {} in B",
                        one.index + 1,
                        naming.words_of(&a.spec, one.index),
                        objective.name(),
                        value(one),
                        value(other)
                    ))?;
                }
            }
        }
    }
    Ok(if is_same { Done::All } else { Done::WithFailures })
}

/// Walks both in grid order.
fn agreement(
    a: &OpenSweep,
    b: &OpenSweep,
    objective: Objective,
) -> Result<Agreement, crate::cli::outcome::CliError> {
    let mut found = Agreement::default();
    let (mut left, mut right) = (a.run.variants().peekable(), b.run.variants().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return Ok(found),
            (Some(Ok(a)), Some(Ok(b))) => a.index.cmp(&b.index),
            (Some(_), _) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        match order {
            Ordering::Less => {
                left.next().transpose().map_err(failure)?;
                found.only_a += 1;
            }
            Ordering::Greater => {
                right.next().transpose().map_err(failure)?;
                found.only_b += 1;
            }
            Ordering::Equal => {
                let (one, other) = (left.next().transpose(), right.next().transpose());
                let (Some(one), Some(other)) = (one.map_err(failure)?, other.map_err(failure)?) else {
                    continue;
                };
                if one.outcome == other.outcome {
                    found.same += 1;
                } else {
                    found.different += 1;
                    found.keep(one, other, objective);
                }
            }
        }
    }
}

impl Agreement {
    fn keep(&mut self, one: Variant, other: Variant, objective: Objective) {
        let value = |variant: &Variant| variant.evaluation().and_then(|done| objective.value(done));
        let distance = match (value(&one), value(&other)) {
            (Some(a), Some(b)) => (a - b).abs(),
            (None, None) => 0.0,
            _ => f64::INFINITY,
        };
        let place = self.largest.partition_point(|(known, ..)| *known >= distance);
        if place < NAMED_MAX {
            self.largest.insert(place, (distance, one, other));
            self.largest.truncate(NAMED_MAX);
        }
    }
}

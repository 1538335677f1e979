//! A sample of a sweep's variants, set up as they will be run, to bring faults to light before it starts.

use barhive_engine::{layout::declare, sweep::SweepSpec};
use serde_json::{Map, Value as Json};

use crate::{
    build::{Scene, instruments::Universe, strategies::named_param},
    read::Place,
};

/// Variants of a definition that are set up.
const SAMPLE: u64 = 256;

/// Sets up variants of every definition, evenly spread from the first to the last.
pub(super) fn set_up(scene: &Scene<'_, '_>, spec: &SweepSpec, places: &[Place<'_>], universe: &Universe) {
    let mut start = 0;
    for (definition, place) in spec.definitions.iter().zip(places) {
        let len = definition.variants();
        let samples = len.min(SAMPLE);
        for sample in 0..samples {
            let index = match samples {
                0 | 1 => 0,
                _ => (u128::from(sample) * u128::from(len - 1) / u128::from(samples - 1)) as u64,
            };
            if !sound(scene, spec, start + index, place, universe) {
                break;
            }
        }
        start += len;
    }
}

fn sound(
    scene: &Scene<'_, '_>,
    spec: &SweepSpec,
    variant: u64,
    place: &Place<'_>,
    universe: &Universe,
) -> bool {
    let Some(parts) = spec.variant(variant) else { return true };
    let varied = spec.definitions[parts.definition].grid.len() > 1;
    let fault = |what: &str| {
        let at = named_param(place, what).unwrap_or_else(|| place.clone());
        let message = match varied {
            true => format!("with {}: {what}", shown(&parts.params)),
            false => what.to_owned(),
        };
        let hint = "leave such combinations out: where: [\"fast < slow\"]";
        scene.reader.fault(&at, message, varied.then(|| hint.into()));
    };
    let declared = spec
        .container(scene.registry, variant)
        .map_err(|fault| vec![fault])
        .and_then(|container| declare(&container, &universe.instruments, scene.registry));
    match declared {
        Err(faults) => {
            faults.iter().for_each(|one| fault(&one.what));
            false
        }
        Ok(declared) => {
            let series = &declared.declarations.series;
            let missing =
                series.iter().find_map(|s| universe.check_timeframe(s.key.instrument, s.key.timeframe).err());
            if let Some(missing) = &missing {
                fault(missing);
            }
            missing.is_none()
        }
    }
}

/// `fast 5, slow 30`.
fn shown(params: &Map<String, Json>) -> String {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs: Vec<String> = params.iter().map(|(name, value)| format!("{name} {}", text(value))).collect();
    pairs.join(", ")
}

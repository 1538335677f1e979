//! How a sweep is run and ranked.

use barhive_engine::{
    governor::{Preset, ThermalTable, ThrottleConfig},
    secret::Secret,
    sweep::Evaluation,
};

use crate::{
    DatabaseUrl, Isolation, ProcessSettings, RankBy, SweepSettings,
    build::Scene,
    read::{Captured, Located, Place},
    section::{IsolationSection, Params, ProcessSection, SweepSection, ThrottleSection},
    suggest,
    tree::{Value, quote},
    value::plain_password,
};

pub(super) fn settings(scene: &Scene<'_, '_>, captured: Option<&Captured<SweepSection>>) -> SweepSettings {
    let section: SweepSection = scene.section(captured);
    let default = SweepSettings::default();
    let number = |value: Option<&_>, min, max| value.and_then(|value| scene.within(value, min, max));
    SweepSettings {
        rank: section.rank.as_ref().and_then(|rank| ranks(scene, rank)).unwrap_or(default.rank),
        top: number(section.top.as_ref(), 1, 10_000).unwrap_or(default.top),
        batch: number(section.batch.as_ref(), 1, 1 << 20),
        chunk: number(section.chunk.as_ref(), 1, u64::MAX),
        workers: number(section.workers.as_ref(), 0, 256).unwrap_or(0) as usize,
        database: section.database.as_ref().and_then(|database| url(scene, database)),
        isolation: match section.isolation {
            None | Some(IsolationSection::Thread) => Isolation::Thread,
            Some(IsolationSection::Process) => Isolation::Process,
        },
        throttle: throttle(scene, section.throttle.as_ref()),
        process: process(scene, section.process.as_ref()),
    }
}

/// A database; the path of a file starts at the folder of the configuration.
fn url(scene: &Scene<'_, '_>, database: &Located<Secret>) -> Option<DatabaseUrl> {
    let place = scene.reader.place(database.place);
    let plain = match &place.node.value {
        Value::Scalar(written) => plain_password(&written.text),
        _ => None,
    };
    let url = match plain {
        Some(fault) => Err(fault),
        None => database.value.expose().parse(),
    };
    match url {
        Ok(DatabaseUrl::Sqlite(path)) => Some(DatabaseUrl::Sqlite(scene.base_dir.join(path))),
        Ok(url) => Some(url),
        Err(fault) => {
            scene.reader.fault(&place, fault, None);
            None
        }
    }
}

fn throttle(scene: &Scene<'_, '_>, captured: Option<&Captured<ThrottleSection>>) -> ThrottleConfig {
    let Some(captured) = captured else { return ThrottleConfig::default() };
    let section: ThrottleSection = scene.section(Some(captured));
    let number = |value: Option<&_>, max| value.and_then(|value| scene.within(value, 1, max));
    let workers = |value: Option<&_>| number(value, 1_024).map(|workers| workers as usize);
    let base = section.preset.map(Preset::config).unwrap_or_default();
    let config = ThrottleConfig {
        default_workers: workers(section.default_workers.as_ref()).or(base.default_workers),
        max_workers: workers(section.max_workers.as_ref()).or(base.max_workers),
        cpu_limit: section.cpu_limit.or(base.cpu_limit),
        cooldown_seconds: section.cooldown_seconds.unwrap_or(base.cooldown_seconds),
        nice_priority: section.nice_priority.unwrap_or(base.nice_priority),
        adaptive_throttling: section.adaptive_throttling.unwrap_or(base.adaptive_throttling),
        cpu_check_interval: number(section.cpu_check_interval.as_ref(), 1_000_000)
            .map_or(base.cpu_check_interval, |tasks| tasks as u32),
        cpu_threshold: section.cpu_threshold.or(base.cpu_threshold),
        cooling_duration_seconds: section.cooling_duration_seconds.unwrap_or(base.cooling_duration_seconds),
        thermal: section.thermal.unwrap_or(false).then(ThermalTable::default).or(base.thermal),
    };
    if let Err(faults) = config.validate() {
        let place = scene.reader.place(captured.place);
        for fault in faults.faults() {
            let at = place.get(&fault.key).unwrap_or_else(|| place.clone());
            let message = format!("expected {}, found {}", fault.expected, fault.found);
            scene.reader.fault(&at, message, None);
        }
    }
    config
}

fn process(scene: &Scene<'_, '_>, captured: Option<&Captured<ProcessSection>>) -> ProcessSettings {
    let section: ProcessSection = scene.section(captured);
    if let Some(limit) = &section.memory_max
        && limit.value.bytes < ProcessSettings::MEMORY_MIN_BYTES
    {
        scene.fault_at(limit, "expected 16MiB or more".to_owned(), None);
    }
    ProcessSettings {
        memory_max_bytes: section.memory_max.map(|size| size.value.bytes),
        cores: section.cores.map(|cores| cores.value).unwrap_or_default(),
        nice: section.nice.and_then(|nice| scene.within(&nice, 0, 19)).unwrap_or(0) as u8,
    }
}

fn ranks(scene: &Scene<'_, '_>, captured: &Captured<Params>) -> Option<Vec<RankBy>> {
    let place = scene.reader.place(captured.place);
    let items = match &place.node.value {
        Value::Sequence(_) => place.items(),
        _ => vec![place.clone()],
    };
    let mut ranks: Vec<RankBy> = Vec::with_capacity(items.len());
    for item in &items {
        let rank = rank(scene, item)?;
        if ranks.iter().any(|known| known.figure == rank.figure) {
            scene.reader.fault(item, format!("{} is already listed", quote(&rank.figure)), None);
            return None;
        }
        ranks.push(rank);
    }
    if ranks.is_empty() {
        scene.reader.fault(&place, "expected at least one figure", None);
        return None;
    }
    Some(ranks)
}

fn rank(scene: &Scene<'_, '_>, place: &Place<'_>) -> Option<RankBy> {
    let text = match &place.node.value {
        Value::Scalar(scalar) if !scalar.text.is_empty() => &*scalar.text,
        _ => {
            let message = format!("expected the name of a figure, found {}", place.node.describe());
            scene.reader.fault(place, message, None);
            return None;
        }
    };
    match text.parse::<RankBy>() {
        Ok(rank) => Some(rank),
        Err(message) => {
            let figure = text.trim().trim_start_matches('-');
            scene.reader.fault(place, message, Some(suggest::hint(figure, &Evaluation::figure_names())));
            None
        }
    }
}

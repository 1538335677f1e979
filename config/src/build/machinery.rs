//! Sizes of the machinery and options of the report.

use std::path::Path;

use barhive_engine::set::{Machinery, Placement};

use super::Scene;
use crate::{
    ReportOptions,
    read::Captured,
    section::{BusSection, EngineSection, HubSection, PlacementSection, ReportSection},
    source::plain_path,
};

pub(super) fn machinery(
    scene: &Scene<'_, '_>,
    engine: Option<&Captured<EngineSection>>,
    bus: Option<&Captured<BusSection>>,
) -> Machinery {
    let section = scene.section(engine);
    let bus: BusSection = scene.section(bus);
    let hub: HubSection = scene.section(section.hub.as_ref());
    let default = Machinery::default();
    if let (Some(_), Some(batch)) = (&section.batch_rows, &bus.batch) {
        scene.fault_at(batch, "either engine.batch_rows or bus.batch, not both", None);
    }
    let number = |value: Option<&_>, min, max, default: usize| {
        value.and_then(|value| scene.within(value, min, max)).map_or(default, |number| number as usize)
    };
    Machinery {
        batch_rows: number(
            section.batch_rows.as_ref().or(bus.batch.as_ref()),
            1,
            1 << 20,
            default.batch_rows,
        ),
        queue_frames: number(section.queue_frames.as_ref(), 1, 64, default.queue_frames),
        frame_pool: section.frame_pool.unwrap_or(default.frame_pool),
        shards: number(section.shards.as_ref(), 0, 256, default.shards),
        placement: match section.placement {
            None | Some(PlacementSection::Fused) => Placement::Fused,
            Some(PlacementSection::Actors) => Placement::Actors,
        },
        hub_cache_bytes: match hub.cache_bytes {
            Some(size) if size.value.bytes > 1 << 40 => {
                scene.fault_at(&size, "expected at most 1024GiB", None);
                default.hub_cache_bytes
            }
            Some(size) => size.value.bytes as usize,
            None => default.hub_cache_bytes,
        },
        hub_cache_entries: number(hub.cache_entries.as_ref(), 0, 100_000_000, default.hub_cache_entries),
        monitor_interval_ms: match section.monitor_interval {
            Some(span) if !(10..=3_600_000).contains(&span.value.ms) => {
                scene.fault_at(&span, "expected a span from 10ms to 1h", None);
                default.monitor_interval_ms
            }
            Some(span) => span.value.ms,
            None => default.monitor_interval_ms,
        },
        // Which way variants are computed is for the program to choose, not for a file.
        ..default
    }
}

pub(super) fn report(scene: &Scene<'_, '_>, captured: Option<&Captured<ReportSection>>) -> ReportOptions {
    let section = scene.section(captured);
    let default = ReportOptions::default();
    let dir = section.dir.as_ref().and_then(|dir| match plain_path(Path::new(""), &dir.value) {
        Ok(path) => Some(path),
        Err(message) => {
            scene.fault_at(dir, message.replace("a file", "a folder"), None);
            None
        }
    });
    ReportOptions {
        title: section.title,
        dir,
        html: section.html.unwrap_or(default.html),
        parquet: section.parquet.unwrap_or(default.parquet),
        csv: section.csv.unwrap_or(default.csv),
    }
}

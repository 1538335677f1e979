//! What holds for all accounts of a set: fills, span, records, seed.

use barhive_engine::set::{FillSpec, MarketFill, Retention, Trace};

use super::Scene;
use crate::section::{FillSection, MarketSection, RetentionSection, SetSection, TraceSection};

/// Records that a sliding window may keep of each kind.
const WINDOW_MAX: u64 = 100_000_000;

/// Terms that all accounts share.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terms {
    pub(super) fill: FillSpec,
    pub(super) from_ns: Option<i64>,
    pub(super) to_ns: Option<i64>,
    pub(super) bars_max: Option<u64>,
    pub(super) trace: Trace,
    pub(super) retention: Retention,
    pub(super) seed: u64,
}

pub(super) fn terms(scene: &Scene<'_, '_>, set: &SetSection) -> Terms {
    if let (Some(from), Some(to)) = (&set.from, &set.to)
        && to.value.ts_ns <= from.value.ts_ns
    {
        scene.fault_at(to, "expected a time after `from`", None);
    }
    Terms {
        fill: fill(scene, scene.section(set.fill.as_ref())),
        from_ns: set.from.as_ref().map(|from| from.value.ts_ns),
        to_ns: set.to.as_ref().map(|to| to.value.ts_ns),
        bars_max: set.bars.as_ref().and_then(|bars| scene.within(bars, 1, u64::MAX)),
        trace: match set.trace {
            Some(TraceSection::Minimal) => Trace::Minimal,
            None | Some(TraceSection::Normal) => Trace::Normal,
            Some(TraceSection::Full) => Trace::Full,
        },
        retention: match set.retention.as_ref().and_then(|captured| scene.reader.open(captured)) {
            Some(RetentionSection::Minimal) => Retention::Minimal,
            Some(RetentionSection::TradeComplete) => Retention::TradeComplete,
            Some(RetentionSection::SlidingWindow(rows)) => {
                Retention::SlidingWindow(scene.within(&rows, 1, WINDOW_MAX).unwrap_or(1) as usize)
            }
            None | Some(RetentionSection::Full) => Retention::Full,
        },
        seed: set.seed.unwrap_or(0),
    }
}

fn fill(scene: &Scene<'_, '_>, section: FillSection) -> FillSpec {
    let slippage = section.slippage_bps.as_ref();
    if let Some(bps) = slippage.filter(|bps| !(0.0..=10_000.0).contains(&bps.value)) {
        scene.fault_at(bps, format!("expected basis points from 0 to 10000, found {}", bps.value), None);
    }
    FillSpec {
        market: match section.market {
            None | Some(MarketSection::NextOpen) => MarketFill::NextOpen,
            Some(MarketSection::DecidingClose) => MarketFill::DecidingClose,
        },
        slippage_bps: slippage.map_or(0.0, |bps| bps.value),
        close_at_end: section.close_at_end.unwrap_or(false),
    }
}

//! What the pool of frames is good for: how many frames are used again, and what that saves.

use barhive::engine::{bus::PoolUse, set::Machinery};
use stats_alloc::Region;

use crate::{ALLOCATOR, fixtures, measure::Figures};

pub fn figures(figures: &mut Figures) {
    if !figures.wants(&["pool_hit_pct", "pool_alloc_saving_pct", "pool_allocs_per_bar"]) {
        return;
    }
    let workload = fixtures::w1();
    let run = |frame_pool: bool, bars: u64| {
        let mut set = fixtures::w1_set(&workload);
        set.bars_max = Some(bars);
        set.machinery = Machinery { frame_pool, ..set.machinery };
        let region = Region::new(ALLOCATOR);
        let outcome = fixtures::run(set, &fixtures::registry(), None);
        (region.change().allocations, outcome.pool)
    };
    // What starting takes is the same with few bars as with many.
    let (few, many) = (100_000, 1_000_000);
    let steady = |frame_pool| {
        let (before, _) = run(frame_pool, few);
        let (after, uses) = run(frame_pool, many);
        (after.saturating_sub(before) as f64, uses)
    };
    let ((with, uses), (without, none)) = (steady(true), steady(false));
    assert_eq!(none, PoolUse { reused: 0, ..none }, "there is no pool");
    assert!(uses.taken >= many / 1_024, "{uses:?}");
    figures.print("pool_hit_pct", uses.hit_rate() * 100.0, "%");
    figures.print("pool_alloc_saving_pct", (1.0 - with / without.max(1.0)) * 100.0, "%");
    figures.print("pool_allocs_per_bar", with / (many - few) as f64, "allocations");
}

//! What it takes to count.

use std::hint::black_box;

use barhive::machine::counters::{Counter, CounterKind};

use crate::measure::{Figures, median_ns};

const RECORDS: u64 = 1_000_000;

pub fn figures(figures: &mut Figures) {
    if !figures.wants(&["counter_ns", "counter_ns_floor", "counter_timer_ns"]) {
        return;
    }
    let counter = Counter::new("values", CounterKind::Custom);
    let mut seed = 1u64;
    // Values over many orders of magnitude, in no order.
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed >> (16 + (seed >> 59))
    };
    let record = median_ns(11, || (0..RECORDS).for_each(|_| counter.record(next())));
    let floor = median_ns(11, || {
        (0..RECORDS).for_each(|_| {
            black_box(next());
        });
    });
    assert_eq!(counter.summary().count, 12 * RECORDS);
    let timer = Counter::new("work", CounterKind::Timing);
    let timed = median_ns(11, || (0..RECORDS).for_each(|_| drop(timer.start())));
    figures.print("counter_ns", record / RECORDS as f64, "ns");
    figures.print("counter_ns_floor", floor / RECORDS as f64, "ns");
    // With two looks at the clock.
    figures.print("counter_timer_ns", timed / RECORDS as f64, "ns");
}

//! W1: one moving-average cross on one instrument, from the mapped catalog to finished statistics,
//! through actors and bus.

use crate::{
    ALLOCATOR, fixtures,
    measure::{Figures, median, paired_median_ns, timed},
};

/// What any engine with a boxed strategy must at least do per bar: ring-buffer averages, next-open
/// fills, equity kept, drawdown.
trait Decide {
    fn on_bar(&mut self, close: f64) -> i64;
}

struct Cross {
    rings: [(Vec<f64>, usize, f64); 2],
    seen: usize,
    side: i64,
}

impl Cross {
    fn new(fast: usize, slow: usize) -> Self {
        Self { rings: [(vec![0.0; fast], 0, 0.0), (vec![0.0; slow], 0, 0.0)], seen: 0, side: 0 }
    }
}

impl Decide for Cross {
    fn on_bar(&mut self, close: f64) -> i64 {
        self.seen += 1;
        let mut averages = [0.0; 2];
        for ((ring, at, sum), average) in self.rings.iter_mut().zip(&mut averages) {
            *sum += close - ring[*at];
            ring[*at] = close;
            *at = if *at + 1 == ring.len() { 0 } else { *at + 1 };
            *average = *sum / ring.len() as f64;
        }
        if self.seen < self.rings[1].0.len() || averages[0] == averages[1] {
            return 0;
        }
        let side = if averages[0] > averages[1] { 1 } else { -1 };
        let crossed = self.side != 0 && self.side != side;
        self.side = side;
        if crossed { side } else { 0 }
    }
}

/// The hand-written loop; answers its fills and final equity.
pub fn floor(open: &[f64], close: &[f64]) -> (u64, f64) {
    let mut strategy: Box<dyn Decide> = std::hint::black_box(Box::new(Cross::new(10, 30)));
    let (mut cash, mut position, mut pending, mut fills) = (1_000_000.0, 0i64, 0i64, 0u64);
    let (mut peak, mut deepest) = (cash, 0.0f64);
    let mut curve = Vec::with_capacity(close.len());
    for (open, close) in open.iter().zip(close) {
        if pending != 0 {
            let lots = pending - position;
            cash -= lots as f64 * open + (lots as f64 * open).abs() * 0.001;
            position = pending;
            pending = 0;
            fills += 1;
        }
        let equity: f64 = cash + position as f64 * close;
        peak = peak.max(equity);
        deepest = deepest.max(1.0 - equity / peak);
        curve.push(equity);
        let wish = strategy.on_bar(*close);
        if wish != 0 {
            pending = wish;
        }
    }
    std::hint::black_box((&curve, deepest));
    (fills, curve.last().copied().unwrap_or(cash))
}

pub fn columns(set: &barhive::engine::set::RunSpec) -> (Vec<f64>, Vec<f64>) {
    use barhive::engine::data::{Pull, SeriesKind, SeriesRequest};
    let request = SeriesRequest {
        symbol: set.instruments[0].symbol.clone(),
        kind: SeriesKind::BAR,
        timeframe: barhive::engine::timeframe::Timeframe::M1,
        from_ns: None,
        to_ns: None,
    };
    let mut feed = set.source.open(&request).expect("the series opens");
    let (mut open, mut close) = (Vec::new(), Vec::new());
    while let Pull::Rows(batch) = feed.pull(8_192, 0).expect("rows are read") {
        open.extend_from_slice(&batch.columns.open);
        close.extend_from_slice(&batch.columns.close);
    }
    (open, close)
}

pub fn figures(figures: &mut Figures) {
    if figures.wants(&["w1_ns_per_bar", "w1_ns_per_bar_floor"]) {
        let workload = fixtures::w1();
        let registry = fixtures::registry();
        let (open, close) = columns(&fixtures::w1_set(&workload));
        let bars = workload.bars as f64;
        let (engine, floor_ns) = paired_median_ns(
            15,
            || drop(fixtures::run(fixtures::w1_set(&workload), &registry, workload.answer)),
            || {
                let (fills, equity) = floor(&open, &close);
                assert!(fills > 0 && equity > 0.0);
            },
        );
        figures.print("w1_ns_per_bar", engine / bars, "ns");
        figures.print("w1_ns_per_bar_floor", floor_ns / bars, "ns");
    }
    if figures.wants(&["w1_linear_pct"]) {
        let registry = fixtures::registry();
        let sizes = [1u64, 2, 4];
        let workloads = sizes
            .map(|millions| fixtures::synthetic(&format!("linear_{millions}m"), 1, millions * 1_000_000));
        // In turns, so that a disturbance falls on all sizes alike.
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..7 {
            for (workload, times) in workloads.iter().zip(&mut times) {
                let set = fixtures::w1_set(workload);
                let (time, _) = timed(|| fixtures::run(set, &registry, None));
                times.push(time.as_nanos() as f64 / workload.bars as f64);
            }
        }
        let per_bar = times.map(median);
        let (low, high) =
            per_bar.iter().fold((f64::MAX, 0.0f64), |(low, high), t| (low.min(*t), high.max(*t)));
        figures.print("w1_linear_pct", (high / low - 1.0) * 100.0, "%");
    }
    if figures.wants(&["allocs_per_million_bars"]) {
        // The difference between a long and a short run is what a million bars of steady state take.
        let registry = fixtures::registry();
        let count = |millions: u64| {
            let workload = fixtures::synthetic(&format!("linear_{millions}m"), 1, millions * 1_000_000);
            let set = fixtures::w1_set(&workload);
            let before = ALLOCATOR.stats();
            fixtures::run(set, &registry, None);
            let after = ALLOCATOR.stats();
            (after.allocations + after.reallocations - before.allocations - before.reallocations) as f64
        };
        count(1);
        let (short, long) = (count(2), count(4));
        figures.print("allocs_per_million_bars", (long - short) / 2.0, "allocations");
    }
}

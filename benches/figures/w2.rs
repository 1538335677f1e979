//! W2: a thousand moving-average crosses over the same 100,000 bars, as a sweep.

use std::hint::black_box;

use barhive::engine::{
    Registry,
    indicator::{self, IndicatorSpec, Input},
    instrument::InstrumentId,
    set::{Limits, Machinery},
    simd::Simd,
    strategy::Sizing,
    sweep::{Definition, Grid, PassBlock, SweepHasher, SweepSpec, VariantRange, run_pass},
    timeframe::Timeframe,
};
use fearless_simd::Level;
use serde_json::{Map, Value, json};

use crate::{
    fixtures,
    measure::{Figures, median_ns, timed},
};

/// Bars of every backtest.
pub const BARS: u64 = 100_000;

/// The reference pairs, where they are there; else as many of the same kind.
pub fn pairs() -> Vec<(u32, u32)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/parity/pairs_1000.json");
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).expect("pairs of numbers"),
        Err(_) => (0..1_000).map(|k| (5 + k / 25, 53 + (k % 25) * 6)).collect(),
    }
}

/// The sweep over the pairs.
pub fn spec(machinery: Machinery) -> SweepSpec {
    let workload = fixtures::w1();
    let set = fixtures::set(&workload);
    let points = pairs().into_iter().map(|(fast, slow)| match json!({"fast": fast, "slow": slow}) {
        Value::Object(point) => point,
        _ => Map::new(),
    });
    SweepSpec {
        name: "w2".to_owned(),
        instruments: set.instruments,
        source: set.source,
        account: fixtures::account("account", Vec::new()),
        definitions: vec![Definition {
            id: "cross".to_owned(),
            kind: "sma_cross".to_owned(),
            instruments: vec![vec![InstrumentId(0)]],
            timeframes: vec![Timeframe::M1],
            sizing: Sizing::Lots(1),
            limits: Limits::default(),
            grid: Grid::listed(Map::new(), points.collect()).expect("a grid"),
        }],
        bars_max: Some(BARS),
        machinery,
    }
}

fn checked(spec: &SweepSpec, block: &PassBlock) -> String {
    let mut hasher = SweepHasher::new();
    block.variants.iter().for_each(|variant| hasher.add(spec, variant));
    assert!(block.variants.iter().all(|variant| variant.evaluation().is_some_and(|done| done.fills > 0)));
    if fixtures::w1().answer.is_some() {
        let first = block.variants[0].evaluation().expect("it ran");
        assert_eq!((first.fills, first.final_equity.to_string()), (3_599, "999212.704787424".to_owned()));
    }
    hasher.finish()
}

/// Backtests per second of one pass on this thread, and the hash of what came out.
fn pass(registry: &Registry, machinery: Machinery, variants: u64, is_lane: bool) -> (f64, String) {
    let spec = spec(machinery);
    let mut hash = String::new();
    let ns = median_ns(3, || {
        let range = VariantRange { start: 0, end: variants };
        let block = run_pass(&spec, registry, range, &mut |_| true).expect("the pass runs");
        let lanes = if is_lane { variants } else { 0 };
        assert_eq!((block.work.lanes, block.work.containers), (lanes, variants - lanes));
        assert_eq!(block.work.hub.computed, block.work.hub.expected, "each average once");
        hash = checked(&spec, &block);
    });
    (variants as f64 / ns * 1e9, hash)
}

/// The whole sweep once, for a process whose memory is watched.
pub fn once() {
    let spec = spec(Machinery::default());
    let block = run_pass(&spec, &fixtures::registry(), spec.all(), &mut |_| true).expect("the pass runs");
    checked(&spec, &block);
}

pub fn figures(figures: &mut Figures) {
    let names = [
        "w2_backtests_per_s",
        "w2_backtests_per_s_sse2",
        "w2_backtests_per_s_avx2",
        "w2_backtests_per_s_avx512",
        "w2_plain_backtests_per_s",
    ];
    if figures.wants(&names) {
        rates(figures);
    }
    if figures.wants(&["job_setup_us"]) {
        setup(figures);
    }
}

fn rates(figures: &mut Figures) {
    let registry = fixtures::registry();
    let machinery = Machinery::default;
    let mut best = 0.0f64;
    let mut hashes = Vec::new();
    for (simd, name) in [(Simd::Sse2, "sse2"), (Simd::Avx2, "avx2"), (Simd::Avx512, "avx512")] {
        if !simd.is_offered() {
            continue;
        }
        let (rate, hash) = pass(&registry, Machinery { simd, ..machinery() }, 1_000, true);
        figures.print(&format!("w2_backtests_per_s_{name}"), rate, "backtests/s");
        best = best.max(rate);
        hashes.push(hash);
    }
    figures.print("w2_backtests_per_s", best, "backtests/s");
    let (plain, hash) = pass(&registry, Machinery { lanes: false, ..machinery() }, 1_000, false);
    hashes.push(hash);
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "lanes and containers agree to the bit");
    figures.print("w2_plain_backtests_per_s", plain, "backtests/s");
    let floor = Floor::new();
    figures.print("w2_plain_backtests_per_s_floor", floor.rate(floor.one_by_one(200), 200), "backtests/s");
    for (level, name) in levels() {
        let rate = floor.rate(floor.side_by_side(level, 1_000), 1_000);
        figures.print(&format!("w2_backtests_per_s{name}_floor"), rate, "backtests/s");
    }
}

/// What a variant takes besides its rows: the slope between many and few variants on next to no rows.
fn setup(figures: &mut Figures) {
    let registry = fixtures::registry();
    let spec = SweepSpec { bars_max: Some(1), ..spec(Machinery::default()) };
    let over = |variants: u64| {
        median_ns(5, || {
            let range = VariantRange { start: 0, end: variants };
            let block = run_pass(&spec, &registry, range, &mut |_| true).expect("the pass runs");
            assert_eq!(block.variants.len() as u64, variants);
        })
    };
    figures.print("job_setup_us", (over(1_000) - over(100)) / 900.0 / 1e3, "us");
}

/// The levels that this processor has, and what their figures' names end with.
fn levels() -> Vec<(Level, &'static str)> {
    let best = Level::new();
    let mut levels = vec![(best, "")];
    #[cfg(target_arch = "x86_64")]
    {
        levels.extend(best.as_sse2().map(|level| (Level::Sse2(level), "_sse2")));
        levels.extend(best.as_avx2().map(|level| (Level::Avx2(level), "_avx2")));
        levels.extend(best.as_avx512().map(|level| (Level::Avx512(level), "_avx512")));
    }
    levels
}

/// The same backtests, written by hand: prices and averages in plain arrays, batch by batch.
pub struct Floor {
    open: Vec<f64>,
    close: Vec<f64>,
    pairs: Vec<(u32, u32)>,
}

/// Rows of a batch.
const BATCH: usize = 1_024;

impl Floor {
    pub fn new() -> Self {
        let (open, close) = super::w1::columns(&fixtures::w1_set(&fixtures::w1()));
        let rows = BARS as usize;
        Self { open: open[..rows].to_vec(), close: close[..rows].to_vec(), pairs: pairs() }
    }

    fn rate(&self, ns: f64, count: u32) -> f64 {
        f64::from(count) / ns * 1e9
    }

    /// Averages of a batch by period, with the kernel of the hub.
    fn averages(&self, periods: &[u32]) -> impl FnMut(usize, usize, &mut [Vec<f64>]) {
        let def = indicator::builtin().into_iter().find(|def| def.name == "sma").expect("it is built in");
        let mut kernels: Vec<_> = periods
            .iter()
            .map(|period| (def.build)(&IndicatorSpec::new("sma").with("period", *period).params))
            .collect();
        let close = self.close.clone();
        move |from, to, columns| {
            for (kernel, column) in kernels.iter_mut().zip(columns) {
                let x = &close[from..to];
                let input = Input {
                    x,
                    x_factor: Some(1e6),
                    open: x,
                    high: x,
                    low: x,
                    close: x,
                    volume: x,
                    price_factor: Some(1e6),
                };
                kernel.update(&input, &mut indicator::Output::new(&mut [&mut column[..to - from]]));
            }
        }
    }

    fn periods(&self, count: u32) -> (Vec<u32>, Vec<[usize; 2]>) {
        let pairs = &self.pairs[..count as usize];
        let mut periods: Vec<u32> = pairs.iter().flat_map(|(fast, slow)| [*fast, *slow]).collect();
        periods.sort_unstable();
        periods.dedup();
        let place = |period: &u32| periods.binary_search(period).expect("it is there");
        let places = pairs.iter().map(|(fast, slow)| [place(fast), place(slow)]).collect();
        (periods, places)
    }

    /// A pair at a time; answers nanoseconds.
    fn one_by_one(&self, count: u32) -> f64 {
        self.run(count, |floor, columns, places, states, from, to| {
            for ([fast, slow], state) in places.iter().zip(states) {
                for (row, (fast, slow)) in
                    columns[*fast].iter().zip(&columns[*slow]).take(to - from).enumerate()
                {
                    state.step(floor.open[from + row], floor.close[from + row], *fast, *slow);
                }
            }
        })
    }

    /// Eight or forty pairs at a time, without a branch; answers nanoseconds, the less of the two.
    pub fn side_by_side(&self, level: Level, count: u32) -> f64 {
        self.in_flight::<8>(level, count).min(self.in_flight::<40>(level, count))
    }

    /// Pairs beside each other wait less for the results of the row before.
    fn in_flight<const LANES: usize>(&self, level: Level, count: u32) -> f64 {
        self.run(count, |floor, columns, places, states, from, to| {
            for (places, states) in places.chunks(LANES).zip(states.chunks_mut(LANES)) {
                let states = <&mut [State; LANES]>::try_from(states).expect("whole groups");
                let columns = places.iter().map(|[fast, slow]| (&columns[*fast][..], &columns[*slow][..]));
                let columns: Vec<_> = columns.collect();
                let (open, close) = (&floor.open[from..to], &floor.close[from..to]);
                fearless_simd::dispatch!(level, simd => beside(simd, open, close, &columns, states));
            }
        })
    }

    fn run(
        &self,
        count: u32,
        mut batch: impl FnMut(&Self, &[Vec<f64>], &[[usize; 2]], &mut [State], usize, usize),
    ) -> f64 {
        let (periods, places) = self.periods(count);
        let (time, ()) = timed(|| {
            let mut averages = self.averages(&periods);
            let mut columns = vec![vec![0.0; BATCH]; periods.len()];
            let mut states = vec![State::default(); places.len()];
            for from in (0..self.close.len()).step_by(BATCH) {
                let to = (from + BATCH).min(self.close.len());
                averages(from, to, &mut columns);
                batch(self, &columns, &places, &mut states, from, to);
            }
            assert!(states.iter().all(|state| state.fills > 0.0 && state.deepest > 0.0));
            black_box(&states);
        });
        time.as_nanos() as f64
    }
}

/// One backtest, in doubles.
#[derive(Clone, Copy)]
struct State {
    side: f64,
    target: f64,
    position: f64,
    cash: f64,
    peak: f64,
    deepest: f64,
    fills: f64,
}

impl Default for State {
    fn default() -> Self {
        let (cash, peak) = (1e6, 1e6);
        Self { side: 0.0, target: 0.0, position: 0.0, cash, peak, deepest: 0.0, fills: 0.0 }
    }
}

impl State {
    #[inline(always)]
    fn step(&mut self, open: f64, close: f64, fast: f64, slow: f64) {
        let lots = self.target - self.position;
        let value = lots * open;
        self.cash -= value + value.abs() * 0.001;
        self.fills += if lots != 0.0 { 1.0 } else { 0.0 };
        self.position = self.target;
        let equity = self.cash + self.position * close;
        self.peak = if equity > self.peak { equity } else { self.peak };
        let drawdown = 1.0 - equity / self.peak;
        self.deepest = if drawdown > self.deepest { drawdown } else { self.deepest };
        let side = if fast > slow { 1.0 } else { 0.0 } - if fast < slow { 1.0 } else { 0.0 };
        let turns = side != 0.0 && self.side != 0.0 && side != self.side;
        self.target = if turns { side } else { self.target };
        self.side = if side != 0.0 { side } else { self.side };
    }
}

#[inline(always)]
fn beside<S: fearless_simd::Simd, const LANES: usize>(
    _: S,
    open: &[f64],
    close: &[f64],
    columns: &[(&[f64], &[f64])],
    states: &mut [State; LANES],
) {
    let take = |of: fn(&State) -> f64| states.each_ref().map(of);
    let mut side = take(|state| state.side);
    let mut target = take(|state| state.target);
    let mut position = take(|state| state.position);
    let mut cash = take(|state| state.cash);
    let mut peak = take(|state| state.peak);
    let mut deepest = take(|state| state.deepest);
    let mut fills = take(|state| state.fills);
    for (row, (open, close)) in open.iter().zip(close).enumerate() {
        let fast: [f64; LANES] = std::array::from_fn(|lane| columns[lane].0[row]);
        let slow: [f64; LANES] = std::array::from_fn(|lane| columns[lane].1[row]);
        for lane in 0..LANES {
            let mut state = State {
                side: side[lane],
                target: target[lane],
                position: position[lane],
                cash: cash[lane],
                peak: peak[lane],
                deepest: deepest[lane],
                fills: fills[lane],
            };
            state.step(*open, *close, fast[lane], slow[lane]);
            side[lane] = state.side;
            target[lane] = state.target;
            position[lane] = state.position;
            cash[lane] = state.cash;
            peak[lane] = state.peak;
            deepest[lane] = state.deepest;
            fills[lane] = state.fills;
        }
    }
    for (lane, state) in states.iter_mut().enumerate() {
        *state = State {
            side: side[lane],
            target: target[lane],
            position: position[lane],
            cash: cash[lane],
            peak: peak[lane],
            deepest: deepest[lane],
            fills: fills[lane],
        };
    }
}

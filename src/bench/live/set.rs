//! A set as live work has it: bars that come when they are due, and how soon each has its order.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use barhive_actors::{RunOptions, Threads, clock::Stopwatch};
use barhive_config::{LoadOptions, load_str};
use barhive_engine::{
    data::{Feed, FeedError, Pull, SeriesInfo, SeriesRequest, Source},
    instrument::Instrument,
    record::{Recorder, Records, Wants},
    registry::Registry as Parts,
    time::NS_PER_MINUTE,
};
use barhive_machine::process::lock_memory;
use barhive_report::store::write_whole;
use serde::{Deserialize, Serialize};

use crate::bench::{BenchError, ensure, not_written, strategies};

/// Between two bars.
pub const EVERY: Duration = Duration::from_millis(100);
/// Between two words about how far it is behind.
const WORD: Duration = Duration::from_secs(1);
/// Strategies that trade now and then, beside the one that does at every bar, after them.
const CROSSES: u32 = 8;

/// What came of the bars of a live set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LiveLags {
    /// From the moment in which a bar was due to its order, milliseconds; by bar, those of the warm-up left out.
    pub lags_ms: Vec<f64>,
    /// Bars that had no order.
    pub missed: u64,
    /// What it was not given, a sentence each.
    pub notes: Vec<String>,
}

/// Runs a live set over `bars` bars after `skip` to warm up, says every second on standard output how far it is
/// behind, and writes what came of it to `out`.
///
/// # Errors
/// When the run fails, or the file cannot be written.
pub fn run(parts: &Parts, bars: u64, skip: u64, out: &Path) -> Result<(), BenchError> {
    let notes = lock_memory().err().map(|why| format!("its memory is not locked: {why}"));
    let parts = strategies::register(parts.clone());
    let loaded =
        load_str(&yaml(skip + bars), "live", &parts, &LoadOptions::default()).map_err(BenchError::of)?;
    let mut spec = loaded.spec;
    let book = Arc::new(Book::new((skip + bars) as usize));
    spec.source = Arc::new(Paced { inner: spec.source, book: Arc::clone(&book) });
    let recorders = Arc::clone(&book);
    let options = RunOptions {
        recorders: Arc::new(move |_| Box::new(OrderTimes(Arc::clone(&recorders)))),
        threads: Threads::One,
        ..RunOptions::default()
    };
    let handle = barhive_actors::Engine::start(spec, &parts, options).map_err(BenchError::of)?;
    let mut said = 0;
    while book.due() < skip + bars {
        std::thread::sleep(WORD);
        let (from, to) = (said, book.due() as usize);
        said = to.saturating_sub(1);
        let lags = book.lags();
        let longest = lags[from..said].iter().map(|lag| lag.map_or(f64::INFINITY, ms)).fold(0.0, f64::max);
        // A bar without its order is as late as it is old.
        let longest = if longest.is_finite() { longest } else { (to - from) as f64 * ms(EVERY) };
        println!("{{\"event\":\"live\",\"lag_ms\":{longest:.3}}}");
    }
    handle.wait().map_err(BenchError::of)?;
    let lags = book.lags();
    let measured = &lags[skip as usize..];
    let result = LiveLags {
        lags_ms: measured.iter().flatten().map(|lag| ms(*lag)).collect(),
        missed: measured.iter().filter(|lag| lag.is_none()).count() as u64,
        notes: notes.into_iter().collect(),
    };
    let json = serde_json::to_vec(&result).map_err(BenchError::of)?;
    write_whole(out, &json).map_err(|error| not_written(out, &error))
}

/// Reads what a live set has written; `None` before it has.
///
/// # Errors
/// What is wrong with it.
pub fn read(path: &Path) -> Result<Option<LiveLags>, BenchError> {
    let Ok(bytes) = fs::read(path) else { return Ok(None) };
    let lags: LiveLags = serde_json::from_slice(&bytes).map_err(BenchError::of)?;
    ensure(!lags.lags_ms.is_empty(), || "the live set had no order at all".to_owned())?;
    Ok(Some(lags))
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn yaml(bars: u64) -> String {
    let cross = |n: u32| {
        let (fast, slow) = (3 + n, 20 + 5 * n);
        format!(
            "  - {{id: cross{n}, kind: sma_cross, params: {{fast: {fast}, slow: {slow}}}, timeframe: 1m, sizing: \
             {{fixed: 1}}}}\n"
        )
    };
    let crosses: String = (0..CROSSES).map(cross).collect();
    format!(
        "name: live\n\
         feed: {{kind: synthetic, params: {{symbols: [LIVE], bars: {bars}}}}}\n\
         account: {{cash: 1000000000 USD}}\n\
         strategies:\n{crosses}  - {{id: orders, kind: bench_orders, timeframe: 1m, sizing: {{fixed: 1}}}}\n"
    )
}

/// When bars were due, and when they had their orders.
struct Book {
    /// Started with the first look at the feed: bar `n` is due `n + 1` times [`EVERY`] later.
    start: OnceLock<Stopwatch>,
    first_close_ns: OnceLock<i64>,
    lags: Mutex<Vec<Option<Duration>>>,
}

impl Book {
    fn new(bars: usize) -> Self {
        Self { start: OnceLock::new(), first_close_ns: OnceLock::new(), lags: Mutex::new(vec![None; bars]) }
    }

    /// Bars that are due by now.
    fn due(&self) -> u64 {
        let elapsed = self.start.get().map_or(Duration::ZERO, |start| start.elapsed());
        let due = (elapsed.as_nanos() / EVERY.as_nanos()) as u64;
        due.min(self.lags().len() as u64)
    }

    /// The bar that closes then has an order now.
    fn ordered(&self, ts_close_ns: i64) {
        let (Some(start), Some(first_ns)) = (self.start.get(), self.first_close_ns.get()) else { return };
        let bar = (ts_close_ns - first_ns) / NS_PER_MINUTE;
        if let Some(lag) = self.lags().get_mut(bar as usize) {
            let due = EVERY * (bar as u32 + 1);
            *lag = Some(start.elapsed().saturating_sub(due));
        }
    }

    fn lags(&self) -> MutexGuard<'_, Vec<Option<Duration>>> {
        self.lags.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source whose bars come when they are due.
struct Paced {
    inner: Arc<dyn Source>,
    book: Arc<Book>,
}

impl Source for Paced {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        self.inner.instruments()
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        self.inner.series(symbol)
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        Ok(Box::new(PacedFeed { inner: self.inner.open(request)?, book: Arc::clone(&self.book), given: 0 }))
    }
}

struct PacedFeed {
    inner: Box<dyn Feed>,
    book: Arc<Book>,
    given: u64,
}

impl Feed for PacedFeed {
    fn pull(&mut self, _: usize, lead: usize) -> Result<Pull, FeedError> {
        self.book.start.get_or_init(Stopwatch::start);
        if self.given > 0 && self.given == self.book.lags().len() as u64 {
            return self.inner.pull(1, lead);
        }
        if self.given >= self.book.due() {
            return Ok(Pull::Pending);
        }
        let pulled = self.inner.pull(1, lead)?;
        if let Pull::Rows(batch) = &pulled {
            self.book.first_close_ns.get_or_init(|| batch.columns.ts_close_ns[batch.lead]);
            self.given += 1;
        }
        Ok(pulled)
    }

    fn is_ordered(&self) -> bool {
        self.inner.is_ordered()
    }
}

/// Notes when orders leave.
struct OrderTimes(Arc<Book>);

impl Recorder for OrderTimes {
    fn wants(&self) -> Wants {
        Wants { orders: true, ..Wants::default() }
    }

    fn record(&mut self, records: &Records) {
        // The last is that of the last strategy.
        if let Some(order) = records.orders.last() {
            self.0.ordered(order.ts_ns);
        }
    }

    fn restart(&mut self) {}
}

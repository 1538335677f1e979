//! Execution: the half of a container that matches orders, keeps the account and samples equity.
//!
//! This is where an order is matched. Everything happens on the container's own step; nothing here
//! knows a strategy.

mod accept;
mod canonical;
mod closing;
mod fill;
mod matching;
mod model;
mod resting;

pub use canonical::Digest;
pub use model::{BarFills, BarPrices, CostModel, FillModel};

use crate::{
    container::{AccountView, PositionView, Quiet},
    instrument::{Instrument, InstrumentId, Scales},
    money::Money,
    order::{Cause, OrderId, OrderState},
    portfolio::{Curve, Ledger, LedgerError, TradeStatistics},
    record::{EquityPoint, Fill, OrderEvent, Records, Wants},
    set::{ContainerSpec, Limits, MarketFill},
    simd::Simd,
};
use canonical::Canonical;
use closing::BeforeSample;
use fearless_simd::Level;
use resting::Resting;

/// Orders that execution makes itself (attached ones, forced ones) are numbered from here.
const OWN_ORDERS: u32 = 1 << 31;

/// One instrument of the account.
struct Market {
    id: InstrumentId,
    scales: Scales,
    costs: Box<dyn CostModel>,
    /// Net lots over all strategies.
    lots: i64,
    resting: Vec<Resting>,
    /// First price of the newest bar, for closing at the end.
    last_open: f64,
}

/// Who holds a position, in what, and within which limits.
#[derive(Clone, Copy, Debug)]
struct PositionOf {
    strategy: u32,
    market: u32,
    limits: Limits,
}

/// What one strategy did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) fills: u64,
    pub(crate) fees: Money,
    pub(crate) trades: TradeStatistics,
}

/// Counts over all orders of the account.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderCounts {
    pub(crate) submitted: u64,
    pub(crate) fills: u64,
    pub(crate) rejected: Vec<(Cause, u64)>,
}

/// The execution half of a container.
pub(crate) struct Execution {
    pub(crate) view: AccountView,
    ledger: Ledger,
    markets: Vec<Market>,
    /// Net exposure and last close by market, apart so that marking runs over plain arrays.
    exposures: Vec<f64>,
    closes: Vec<f64>,
    cash_f64: f64,
    positions: Vec<PositionOf>,
    /// Positions that are not flat.
    open_positions: usize,
    /// Orders that rest, over all markets.
    resting: usize,
    fill_model: Box<dyn FillModel>,
    market_fill: MarketFill,
    leverage_max: i128,
    drawdown_max: Option<f64>,
    /// Whether samples are recorded or bounded.
    is_watched: bool,
    close_at_end: bool,
    /// Kept where what is open is closed at the end; `None` before the first step.
    before_sample: Option<BeforeSample>,
    own_orders: u32,
    pub(crate) curve: Curve,
    pub(crate) trades: TradeStatistics,
    pub(crate) tallies: Vec<Tally>,
    pub(crate) counts: OrderCounts,
    pub(crate) halted_ts_ns: Option<i64>,
    level: Level,
    canonical: Canonical,
    digest: Digest,
    wants: Wants,
    pub(crate) records: Records,
    /// Fills of the step at hand, for `on_fill`; those at a deciding close come behind the ones that
    /// are told, and are told at the next step.
    pub(crate) step_fills: Vec<Fill>,
    /// How many of them are told.
    told_fills: usize,
}

/// The instruments of a container: which positions its strategies may hold, market by market.
pub(crate) struct Desk {
    /// Instruments, ascending.
    pub(crate) markets: Vec<InstrumentId>,
    /// (strategy, market) of every position, strategies in the set's order.
    pub(crate) positions: Vec<(u32, u32)>,
}

impl Desk {
    pub(crate) fn new(spec: &ContainerSpec) -> Self {
        let mut markets: Vec<InstrumentId> =
            spec.strategies.iter().flat_map(|strategy| strategy.instruments.iter().copied()).collect();
        markets.sort_unstable();
        markets.dedup();
        let mut positions = Vec::new();
        for (index, strategy) in spec.strategies.iter().enumerate() {
            for instrument in &strategy.instruments {
                let market = markets.binary_search(instrument).unwrap_or(0);
                positions.push((index as u32, market as u32));
            }
        }
        Self { markets, positions }
    }
}

impl Execution {
    /// Bytes of orders that rest. Records that wait for the end of the frame are bounded by it.
    pub(crate) fn memory_bytes(&self) -> u64 {
        (self.resting * size_of::<Resting>()) as u64
    }

    pub(crate) fn new(spec: &ContainerSpec, instruments: &[Instrument], desk: &Desk, wants: Wants) -> Self {
        let markets: Vec<Market> = desk
            .markets
            .iter()
            .map(|id| {
                let instrument = &instruments[id.index()];
                Market {
                    id: *id,
                    scales: instrument.scales(),
                    costs: Box::new(spec.fees.unwrap_or(instrument.fees)),
                    lots: 0,
                    resting: Vec::new(),
                    last_open: 0.0,
                }
            })
            .collect();
        let positions: Vec<PositionOf> = desk
            .positions
            .iter()
            .map(|&(strategy, market)| PositionOf {
                strategy,
                market,
                limits: spec.strategies[strategy as usize].limits,
            })
            .collect();
        let cash_f64 = spec.cash.to_f64();
        Self {
            view: AccountView {
                equity: cash_f64,
                equity_before: cash_f64,
                cash: spec.cash,
                positions: vec![PositionView::default(); positions.len()],
                halted: false,
            },
            ledger: Ledger::new(spec.cash, positions.len()),
            exposures: vec![0.0; markets.len()],
            closes: vec![0.0; markets.len()],
            cash_f64,
            open_positions: 0,
            resting: 0,
            fill_model: Box::new(BarFills { slippage_bps: spec.fill.slippage_bps }),
            market_fill: spec.fill.market,
            leverage_max: i128::from(spec.leverage_max.max(1)),
            drawdown_max: spec.drawdown_max,
            is_watched: wants.equity || spec.drawdown_max.is_some(),
            close_at_end: spec.fill.close_at_end,
            before_sample: None,
            own_orders: OWN_ORDERS,
            curve: Curve::new(cash_f64),
            trades: TradeStatistics::default(),
            tallies: vec![Tally::default(); spec.strategies.len()],
            counts: OrderCounts::default(),
            halted_ts_ns: None,
            level: Simd::Best.level(),
            canonical: Canonical::default(),
            digest: Digest::default(),
            wants,
            records: Records::default(),
            step_fills: Vec::new(),
            told_fills: 0,
            markets,
            positions,
        }
    }

    /// Keeps no canonical records: the account's hash then covers its digest only.
    pub(crate) fn digest_only(&mut self) {
        self.canonical.turn_off();
    }

    /// Whether any order rests.
    #[inline(always)]
    pub(crate) fn has_resting(&self) -> bool {
        self.resting > 0
    }

    /// Whether any order rests on a market.
    #[inline]
    pub(crate) fn rests_on(&self, market: usize) -> bool {
        !self.markets[market].resting.is_empty()
    }

    /// Whether a strategy has yet to hear of a fill.
    #[inline(always)]
    pub(crate) fn has_untold_fills(&self) -> bool {
        self.step_fills.len() > self.told_fills
    }

    /// A step begins: forgets the fills that were told.
    #[inline(always)]
    pub(crate) fn begin_step(&mut self) {
        if self.told_fills > 0 {
            self.step_fills.drain(..self.told_fills);
            self.told_fills = 0;
        }
    }

    /// Everything that happened before the strategies are called has happened: they hear of all fills
    /// so far.
    #[inline(always)]
    pub(crate) fn tell_fills(&mut self) {
        self.told_fills = self.step_fills.len();
    }

    /// A market's newest close.
    #[inline(always)]
    pub(crate) fn mark(&mut self, market: usize, close: f64) {
        self.closes[market] = close;
    }

    /// Remembers the first price of a market's newest bar; once per frame is enough.
    pub(crate) fn remember_open(&mut self, market: usize, open: f64) {
        self.markets[market].last_open = open;
    }

    /// Whether every step must be looked at as it is taken.
    pub(crate) fn is_bounded(&self) -> bool {
        self.drawdown_max.is_some()
    }

    /// What equity is made of while nothing is bought or sold on the only market.
    pub(crate) fn quiet(&self) -> Quiet {
        Quiet { cash: self.cash_f64, exposure: self.exposures[0] }
    }

    /// Samples equity over a run of steps of the only market during which nothing filled.
    pub(crate) fn sample_run(&mut self, closes: &[f64], ts_ns: &[i64]) {
        let Some(last) = closes.len().checked_sub(1) else { return };
        if self.close_at_end {
            self.sample_quiet(&closes[..last], &ts_ns[..last]);
            self.note_before_sample();
            self.sample_quiet(&closes[last..], &ts_ns[last..]);
        } else {
            self.sample_quiet(closes, ts_ns);
        }
    }

    #[inline]
    fn sample_quiet(&mut self, closes: &[f64], ts_ns: &[i64]) {
        let Quiet { cash, exposure } = self.quiet();
        let Some(last) = closes.last() else { return };
        let before = closes.len().checked_sub(2).map(|index| cash + exposure * closes[index]);
        self.view.equity_before = before.unwrap_or(self.view.equity);
        let mut sums = self.digest.take_equity();
        self.curve.sample_run(self.level, Quiet { cash, exposure }, closes, ts_ns, &mut sums);
        self.digest.put_equity(sums, closes.len() as u64);
        self.view.equity = self.curve.equity;
        self.closes[0] = *last;
        if self.wants.equity {
            let points = closes.iter().zip(ts_ns);
            let points =
                points.map(|(close, ts_ns)| EquityPoint { ts_ns: *ts_ns, equity: cash + exposure * close });
            self.records.equity.extend(points);
        }
    }

    /// Samples equity when all markets are marked.
    pub(crate) fn sample(&mut self, ts_ns: impl Fn() -> i64) -> Result<(), LedgerError> {
        let mut equity = self.cash_f64;
        for (exposure, close) in self.exposures.iter().zip(&self.closes) {
            equity += exposure * close;
        }
        self.sample_equity(equity, ts_ns)
    }

    #[inline(always)]
    fn sample_equity(&mut self, equity: f64, ts_ns: impl Fn() -> i64) -> Result<(), LedgerError> {
        self.note_before_sample();
        self.view.equity_before = self.view.equity;
        self.view.equity = equity;
        self.curve.sample(equity, &ts_ns);
        self.digest.step(equity);
        if self.is_watched { self.watch(equity, ts_ns()) } else { Ok(()) }
    }

    /// Records a sample, and stops trading at the drawdown limit.
    fn watch(&mut self, equity: f64, ts_ns: i64) -> Result<(), LedgerError> {
        if self.wants.equity {
            self.records.equity.push(EquityPoint { ts_ns, equity });
        }
        match self.drawdown_max {
            Some(limit) if self.curve.drawdown_now() >= limit && !self.view.halted => self.halt(ts_ns),
            _ => Ok(()),
        }
    }

    /// Notes a transition of an order.
    fn transition(&mut self, event: OrderEvent) {
        self.tell(event, false);
    }

    /// Notes a new order.
    fn appear(&mut self, event: OrderEvent) {
        self.tell(event, true);
    }

    fn tell(&mut self, event: OrderEvent, is_new: bool) {
        if event.state == OrderState::Rejected {
            match self.counts.rejected.iter_mut().find(|(cause, _)| *cause == event.cause) {
                Some((_, count)) => *count += 1,
                None => self.counts.rejected.push((event.cause, 1)),
            }
        }
        if is_new {
            self.canonical.submitted(&event)
        } else {
            self.canonical.transition(&event)
        }
        if self.wants.orders {
            self.records.orders.push(event);
        }
    }

    fn next_own_order(&mut self) -> OrderId {
        self.own_orders += 1;
        OrderId(self.own_orders)
    }

    /// The exact value of everything: cash plus positions at the last closes.
    pub(crate) fn exact_equity(&self) -> Result<Money, LedgerError> {
        self.markets.iter().zip(&self.closes).try_fold(self.ledger.cash, |sum, (market, close)| {
            let price = market.scales.price_from_f64(*close).ok_or(LedgerError)?;
            let value = market.scales.notional(price, market.lots).ok_or(LedgerError)?;
            sum.checked_add(value).ok_or(LedgerError)
        })
    }

    /// The value of a position at the last close, exact.
    pub(crate) fn position_value(&self, position: usize) -> Option<Money> {
        let market = self.positions[position].market as usize;
        let price = self.markets[market].scales.price_from_f64(self.closes[market])?;
        self.markets[market].scales.notional(price, self.view.positions[position].lots)
    }

    /// The last close of the market that a position is in.
    pub(crate) fn last_close(&self, position: usize) -> f64 {
        self.closes[self.positions[position].market as usize]
    }

    /// The market that a position is in.
    pub(crate) fn market_of(&self, position: usize) -> usize {
        self.positions[position].market as usize
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Digest and BLAKE3 over the canonical records and the digest.
    pub(crate) fn seal(&mut self) -> (Digest, blake3::Hash) {
        let hash = self.canonical.finish(&self.digest);
        (self.digest, hash)
    }
}

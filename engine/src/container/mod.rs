//! Containers: one account with the strategies that trade on it, isolated from every other.
//!
//! [`Container::run_frame`] is the order of events within a step:
//! match resting orders, post fills; tell fills; mark all, sample equity; `on_bar` for every series
//! that closed, then `on_step`; check what was asked for and let it rest.

mod build;
mod context;
mod decision;
mod finish;
mod halves;
mod setup;
mod single;
mod slice;

pub use context::{AccountView, Context, PositionView, Quiet};
pub use halves::{Answer, ExecutionHalf, Question, StrategyHalf};
pub use setup::{Declarations, SeriesDecl, Setup, Subscriptions, ValueDecl, complete};
pub use slice::Progress;

use std::sync::Arc;

use crate::{
    data::BarColumns,
    execution::Execution,
    frame::{Frame, Order, RowRef},
    instrument::Instrument,
    portfolio::LedgerError,
    record::Recorder,
    set::{ContainerSpec, MarketFill},
};
use context::Command;
use decision::Decisions;

/// No market: the series does not price its instrument.
const NO_MARKET: u32 = u32::MAX;

/// Why a container cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// A number left the range of the ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It holds more memory than it may.
    #[error(
        "memory limit: the account holds {held_bytes} bytes of the {max_bytes} that it may; raise `memory_limit`, \
         or keep less (`retention`, `trace`)"
    )]
    Memory {
        /// What it holds.
        held_bytes: u64,
        /// What it may hold.
        max_bytes: u64,
    },
}

/// One account with its strategies, at work.
pub struct Container {
    spec: Arc<ContainerSpec>,
    instruments: Arc<[Instrument]>,
    execution: Execution,
    decisions: Decisions,
    /// The group of the pass whose steps it takes.
    group: usize,
    /// Container series by the pass's series; `u32::MAX` for those it does not look at.
    slot_of: Vec<u32>,
    /// Market that each container series prices, or [`NO_MARKET`].
    market_of: Vec<u32>,
    /// Container series that prices each market.
    pricing: Vec<u32>,
    /// Whether markets are priced by series of different timeframes: the rows of a step then come in
    /// another order than their markets.
    prices_mixed: bool,
    recorder: Box<dyn Recorder>,
    fills_at_close: bool,
    steps: u64,
    /// The next step of the frame in hand; `None` between frames.
    next_step: Option<usize>,
    /// The first row of the run that is being taken.
    run_from: Option<usize>,
    last_ts_ns: i64,
    days_per_year: f64,
}

impl Container {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Steps taken so far; after a panic, the step that was being taken.
    pub fn steps(&self) -> u64 {
        // Within a run the steps are counted behind it; a panic left the row that was being taken.
        let in_run =
            self.run_from.map_or(0, |from| u64::from(self.decisions.window.rows[0]) + 1 - from as u64);
        self.steps + in_run
    }

    /// Close time of the newest step, UTC nanoseconds.
    pub fn last_ts_ns(&self) -> i64 {
        self.last_ts_ns
    }

    /// Close time of the step of `frame` that was being taken when the container failed.
    pub(crate) fn failed_ts_ns(&self, frame: &Frame) -> i64 {
        let Order::Single { series } = frame.groups[self.group].order else { return self.last_ts_ns };
        let row = self.decisions.window.rows[0] as usize;
        frame.series[series as usize].columns.ts_close_ns.get(row).copied().unwrap_or(self.last_ts_ns)
    }

    /// A step of a container that looks at several series; answers how many strategies were asked.
    fn step(
        &mut self,
        frame: &Frame,
        ts_ns: i64,
        rows: &[RowRef],
        starts_day: bool,
    ) -> Result<usize, ContainerError> {
        if !self.settle(frame, ts_ns, rows, starts_day)? {
            return Ok(0);
        }
        let Self { execution, decisions, slot_of, .. } = self;
        decisions.window.clock_slot = slot_of[rows[0].series as usize];
        if !execution.step_fills.is_empty() {
            decisions.fills(frame, &execution.view, &execution.step_fills);
        }
        let mut asked = decisions.on_step.len();
        for row in rows {
            let slot = slot_of[row.series as usize] as usize;
            asked += decisions.on_bar[slot].len();
            decisions.bar(frame, &execution.view, slot);
        }
        decisions.step(frame, &execution.view);
        self.carry_out(frame, ts_ns)?;
        Ok(asked)
    }

    /// The first half of a step: matches, posts fills, marks and samples. Answers whether the step lies
    /// in the container's span.
    fn settle(
        &mut self,
        frame: &Frame,
        ts_ns: i64,
        rows: &[RowRef],
        starts_day: bool,
    ) -> Result<bool, ContainerError> {
        if self.is_outside_span(ts_ns) {
            // What comes before the span is seen and priced; what comes after it, the account never sees.
            let seen = if self.is_behind_span(ts_ns) { &[] } else { rows };
            for row in seen {
                let slot = self.slot_of[row.series as usize] as usize;
                self.decisions.window.rows[slot] = row.row;
                self.price(frame, row, slot);
            }
            return Ok(false);
        }
        if starts_day || self.steps == 0 {
            self.execution.curve.start_day(ts_ns);
        }
        self.steps += 1;
        self.last_ts_ns = ts_ns;
        self.execution.begin_step();
        if self.prices_mixed && self.execution.has_resting() {
            self.match_by_market(frame, ts_ns, rows)?;
        }
        for row in rows {
            let slot = self.slot_of[row.series as usize] as usize;
            self.decisions.window.rows[slot] = row.row;
            let market = self.market_of[slot];
            if market != NO_MARKET
                && self.execution.has_resting()
                && self.execution.rests_on(market as usize)
                && !self.prices_mixed
            {
                let columns = &frame.series[row.series as usize].columns;
                let bar = self.execution.bar_prices(market as usize, columns, row.row as usize);
                self.execution.match_bar(market as usize, &bar, ts_ns)?;
            }
            self.price(frame, row, slot);
        }
        self.execution.sample(|| ts_ns)?;
        self.execution.tell_fills();
        Ok(true)
    }

    /// Matches what rests against the rows of a step, by instrument id whatever the timeframes.
    fn match_by_market(&mut self, frame: &Frame, ts_ns: i64, rows: &[RowRef]) -> Result<(), ContainerError> {
        for market in 0..self.pricing.len() {
            if !self.execution.rests_on(market) {
                continue;
            }
            let prices_it = |row: &&RowRef| self.slot_of[row.series as usize] == self.pricing[market];
            if let Some(row) = rows.iter().find(prices_it) {
                let columns = &frame.series[row.series as usize].columns;
                let bar = self.execution.bar_prices(market, columns, row.row as usize);
                self.execution.match_bar(market, &bar, ts_ns)?;
            }
        }
        Ok(())
    }

    /// The last part of a step: what the strategies asked for is checked, and rests.
    fn carry_out(&mut self, frame: &Frame, ts_ns: i64) -> Result<(), ContainerError> {
        let Self { execution, decisions, pricing, .. } = self;
        if decisions.window.commands.list.is_empty() {
            return Ok(());
        }
        let bar = |decisions: &Decisions, market: usize| {
            let slot = pricing[market] as usize;
            let row = decisions.window.rows[slot];
            let series = decisions.window.slots[slot].series as usize;
            (row != context::NO_ROW).then(|| (&frame.series[series].columns, row as usize))
        };
        carry_out(execution, decisions, ts_ns, self.fills_at_close, bar)
    }

    /// Marks the market that a row prices.
    #[inline]
    fn price(&mut self, frame: &Frame, row: &RowRef, slot: usize) {
        let market = self.market_of[slot];
        if market != NO_MARKET {
            let columns = &frame.series[row.series as usize].columns;
            self.execution.mark(market as usize, columns.close[row.row as usize]);
        }
    }

    /// Bytes that it holds and that may grow: records in memory, orders that rest, and what its
    /// strategies say of theirs. Counted, not measured, and so the same on every machine.
    pub fn memory_bytes(&self) -> u64 {
        self.recorder.memory_bytes() + self.execution.memory_bytes() + self.decisions.memory_bytes()
    }

    fn end_frame(&mut self, frame: &Frame) -> Result<(), ContainerError> {
        self.decisions.end_frame();
        for (market, slot) in self.pricing.iter().enumerate() {
            let series = self.decisions.window.slots[*slot as usize].series as usize;
            let columns = &frame.series[series].columns;
            let row = self.decisions.window.rows[*slot as usize] as usize;
            if columns.ts_close_ns.get(row).is_some_and(|ts_ns| !self.is_behind_span(*ts_ns)) {
                self.execution.remember_open(market, columns.open[row]);
            }
        }
        self.execution.hand_over(&mut *self.recorder);
        let (held_bytes, max_bytes) = (self.memory_bytes(), self.spec.memory_max_bytes);
        if held_bytes > max_bytes { Err(ContainerError::Memory { held_bytes, max_bytes }) } else { Ok(()) }
    }

    fn is_outside_span(&self, ts_ns: i64) -> bool {
        self.spec.from_ns.is_some_and(|from| ts_ns < from) || self.is_behind_span(ts_ns)
    }

    fn is_behind_span(&self, ts_ns: i64) -> bool {
        self.spec.to_ns.is_some_and(|to| ts_ns > to)
    }
}

/// Hands what strategies asked for to execution, in the order in which they asked.
fn carry_out<'a>(
    execution: &mut Execution,
    decisions: &mut Decisions,
    ts_ns: i64,
    fills_at_close: bool,
    bar_of: impl Fn(&Decisions, usize) -> Option<(&'a BarColumns, usize)>,
) -> Result<(), ContainerError> {
    // Taken out so that the list can be read while execution works; put back to keep its memory.
    let mut commands = std::mem::take(&mut decisions.window.commands.list);
    for command in &commands {
        match command {
            Command::Submit { order, strategy, request } => {
                let binding = &decisions.cells[*strategy as usize].binding;
                let position = binding.positions_base + usize::from(request.instrument.0);
                let market = execution.market_of(position);
                let bar = if fills_at_close { bar_of(decisions, market) } else { None };
                let bar = bar.map(|(columns, row)| execution.bar_prices(market, columns, row));
                execution.submit(*order, position, request, ts_ns, bar)?;
            }
            Command::Cancel { order, strategy } => execution.cancel(*order, *strategy, ts_ns),
            Command::CancelAll { strategy, instrument } => {
                let binding = &decisions.cells[*strategy as usize].binding;
                execution.cancel_all(binding.positions_base + usize::from(instrument.0), ts_ns);
            }
        }
    }
    commands.clear();
    decisions.window.commands.list = commands;
    Ok(())
}

impl ContainerSpec {
    /// Whether market orders take the close that decided them.
    fn fills_at_close(&self) -> bool {
        self.fill.market == MarketFill::DecidingClose
    }
}

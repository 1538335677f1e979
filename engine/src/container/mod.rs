//! Containers: one account with the strategies that trade on it, isolated from every other.
//!
//! [`Container::run_frame`] is the order of events within a step:
//! match resting orders, post fills; tell fills; mark all, sample equity; `on_bar` for every series
//! that closed, then `on_step`; check what was asked for and let it rest.

mod build;
mod context;
mod decision;
mod finish;
mod setup;

pub use context::{AccountView, Context, PositionView};
pub use setup::{Declarations, SeriesDecl, Setup, Subscriptions, ValueDecl, complete};

use std::sync::Arc;

use crate::{
    data::BarColumns,
    execution::{Execution, ScaledBar},
    frame::{Frame, Order, RowRef, SeriesRows},
    instrument::Instrument,
    portfolio::LedgerError,
    record::Recorder,
    set::{ContainerSpec, MarketFill},
};
use context::Command;
use decision::{Asked, Decisions};

/// No market: the series does not price its instrument.
const NO_MARKET: u32 = u32::MAX;

/// Why a container cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// A number left the range of the ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
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
    recorder: Box<dyn Recorder>,
    fills_at_close: bool,
    steps: u64,
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
        self.steps
    }

    /// Close time of the newest step, UTC nanoseconds.
    pub fn last_ts_ns(&self) -> i64 {
        self.last_ts_ns
    }

    /// Takes every step of a frame.
    ///
    /// # Errors
    /// When a number leaves the ledger's range; the container is then not to be used any more.
    pub fn run_frame(&mut self, frame: &Frame) -> Result<(), ContainerError> {
        self.decisions.begin_frame(frame);
        let group = &frame.groups[self.group];
        match &group.order {
            Order::Single { series } => self.run_single(frame, *series as usize, &group.day_starts)?,
            Order::Merged { steps, rows } => {
                let mut day_starts = group.day_starts.iter().copied().peekable();
                let mut from = 0;
                for (index, step) in steps.iter().enumerate() {
                    let rows = &rows[from..step.rows_end as usize];
                    from = step.rows_end as usize;
                    let starts_day = day_starts.next_if_eq(&(index as u32)).is_some();
                    self.step(frame, step.ts_ns, rows, starts_day)?;
                }
            }
        }
        self.end_frame(frame);
        Ok(())
    }

    /// The steps of a container that looks at one series: a row each.
    fn run_single(&mut self, frame: &Frame, series: usize, day_starts: &[u32]) -> Result<(), ContainerError> {
        let SeriesRows { columns, lead } = &frame.series[series];
        let ts = &columns.ts_close_ns[..];
        let (first, end) = self.span_of(&ts[*lead..]);
        let start = lead + first;
        let end = lead + end;
        let mut row = start;
        // A span that begins within a day starts that day with its first step.
        let mut starts_day = self.steps == 0 && row < end;
        let mut day_starts =
            day_starts.iter().map(|start| lead + *start as usize).filter(|day| *day >= start).peekable();
        while row < end {
            if day_starts.next_if_eq(&row).is_some() || starts_day {
                self.execution.curve.start_day(ts[row]);
                starts_day = false;
            }
            let until = day_starts.peek().copied().unwrap_or(end).min(end);
            self.run_rows(frame, columns, row, until)?;
            row = until;
        }
        if end > start {
            self.last_ts_ns = ts[end - 1];
        }
        Ok(())
    }

    /// Rows of one day of the only series.
    fn run_rows(
        &mut self,
        frame: &Frame,
        columns: &BarColumns,
        from: usize,
        until: usize,
    ) -> Result<(), ContainerError> {
        let Self { execution, decisions, .. } = self;
        let ts = &columns.ts_close_ns[..];
        let closes = &columns.close[..until];
        for row in from..until {
            self.steps += 1;
            let mut filled = false;
            if execution.has_resting() {
                execution.step_fills.clear();
                let bar = scaled(execution, 0, columns, row)?;
                execution.match_bar(0, &bar, columns.ts_open_ns[row], ts[row])?;
                filled = !execution.step_fills.is_empty();
            }
            decisions.rows[0] = row as u32;
            execution.mark(0, closes[row]);
            execution.sample(|| ts[row])?;
            let asked =
                Asked { frame, view: &execution.view, equity_before: execution.equity_before, clock_slot: 0 };
            if filled {
                decisions.fills(&asked, &execution.step_fills);
            }
            decisions.bar(&asked, 0);
            if !decisions.on_step.is_empty() {
                decisions.step(&asked);
            }
            if !decisions.commands.list.is_empty() {
                let bar_of =
                    |execution: &Execution, market: usize| scaled(execution, market, columns, row).map(Some);
                carry_out(execution, decisions, ts[row], self.fills_at_close, bar_of)?;
            }
        }
        Ok(())
    }

    /// A step of a container that looks at several series.
    fn step(
        &mut self,
        frame: &Frame,
        ts_ns: i64,
        rows: &[RowRef],
        starts_day: bool,
    ) -> Result<(), ContainerError> {
        if self.is_outside_span(ts_ns) {
            for row in rows {
                let slot = self.slot_of[row.series as usize] as usize;
                self.decisions.rows[slot] = row.row;
                self.price(frame, row, slot);
            }
            return Ok(());
        }
        if starts_day || self.steps == 0 {
            self.execution.curve.start_day(ts_ns);
        }
        self.steps += 1;
        self.last_ts_ns = ts_ns;
        self.execution.step_fills.clear();
        for row in rows {
            let slot = self.slot_of[row.series as usize] as usize;
            self.decisions.rows[slot] = row.row;
            let market = self.market_of[slot];
            if market != NO_MARKET && self.execution.has_resting() && self.execution.rests_on(market as usize)
            {
                let columns = &frame.series[row.series as usize].columns;
                let bar = scaled(&self.execution, market as usize, columns, row.row as usize)?;
                let opened_ns = columns.ts_open_ns[row.row as usize];
                self.execution.match_bar(market as usize, &bar, opened_ns, ts_ns)?;
            }
            self.price(frame, row, slot);
        }
        self.execution.sample(|| ts_ns)?;
        let clock_slot = self.slot_of[rows[0].series as usize];
        let asked = Asked {
            frame,
            view: &self.execution.view,
            equity_before: self.execution.equity_before,
            clock_slot,
        };
        self.decisions.fills(&asked, &self.execution.step_fills);
        for row in rows {
            self.decisions.bar(&asked, self.slot_of[row.series as usize] as usize);
        }
        self.decisions.step(&asked);
        if !self.decisions.commands.list.is_empty() {
            let Self { execution, decisions, pricing, .. } = self;
            let (slots, current) = (decisions.slots.clone(), decisions.rows.clone());
            let bar_of = |execution: &Execution, market: usize| {
                let slot = pricing[market] as usize;
                let row = current[slot];
                let columns = &frame.series[slots[slot].series as usize].columns;
                if row == context::NO_ROW {
                    Ok(None)
                } else {
                    scaled(execution, market, columns, row as usize).map(Some)
                }
            };
            carry_out(execution, decisions, ts_ns, self.fills_at_close, bar_of)?;
        }
        Ok(())
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

    fn end_frame(&mut self, frame: &Frame) {
        for (market, slot) in self.pricing.iter().enumerate() {
            let series = &frame.series[self.decisions.slots[*slot as usize].series as usize];
            if series.rows() > 0
                && let Some(open) = series.columns.open.last()
            {
                self.execution.remember_open(market, *open);
            }
        }
        if !self.execution.records.is_empty() {
            self.recorder.record(&self.execution.records);
            self.execution.records.clear();
        }
    }

    fn is_outside_span(&self, ts_ns: i64) -> bool {
        self.spec.from_ns.is_some_and(|from| ts_ns < from) || self.spec.to_ns.is_some_and(|to| ts_ns > to)
    }

    /// The rows of ascending close times that lie in the container's span.
    fn span_of(&self, ts: &[i64]) -> (usize, usize) {
        let first = self.spec.from_ns.map_or(0, |from| ts.partition_point(|ts_ns| *ts_ns < from));
        let end = self.spec.to_ns.map_or(ts.len(), |to| ts.partition_point(|ts_ns| *ts_ns <= to));
        (first, end.max(first))
    }
}

fn scaled(
    execution: &Execution,
    market: usize,
    columns: &BarColumns,
    row: usize,
) -> Result<ScaledBar, LedgerError> {
    execution.scale_bar(market, columns.open[row], columns.high[row], columns.low[row], columns.close[row])
}

/// Hands what strategies asked for to execution, in the order in which they asked.
fn carry_out(
    execution: &mut Execution,
    decisions: &mut Decisions,
    ts_ns: i64,
    fills_at_close: bool,
    bar_of: impl Fn(&Execution, usize) -> Result<Option<ScaledBar>, LedgerError>,
) -> Result<(), ContainerError> {
    // Taken out so that the list can be read while execution works; put back to keep its memory.
    let mut commands = std::mem::take(&mut decisions.commands.list);
    for command in &commands {
        match command {
            Command::Submit { order, strategy, request } => {
                let binding = &decisions.cells[*strategy as usize].binding;
                let instrument = usize::from(request.instrument.0);
                let position = binding.positions_base + instrument;
                let bar =
                    if fills_at_close { bar_of(execution, execution.market_of(position))? } else { None };
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
    decisions.commands.list = commands;
    Ok(())
}

impl ContainerSpec {
    /// Whether market orders take the close that decided them.
    fn fills_at_close(&self) -> bool {
        self.fill.market == MarketFill::DecidingClose
    }
}

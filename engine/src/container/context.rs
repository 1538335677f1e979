//! What a strategy sees and asks for while it runs.

use crate::{
    data::{Bar, BarColumns},
    frame::{Column, Frame},
    instrument::{InstrumentId, Scales},
    money::Money,
    order::{OrderId, OrderKind, OrderRequest, Quantity, Side},
    strategy::{Bars, Inst, Sizing, Value},
};

/// The row index that says "no row yet".
pub(crate) const NO_ROW: u32 = u32::MAX;

/// A position as strategies and reports see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionView {
    /// Lots held, signed.
    pub lots: i64,
    /// What they cost, without fees, signed like `lots`.
    pub cost: Money,
}

/// The account as strategies see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountView {
    /// Equity at the step.
    pub equity: f64,
    /// Equity at the step before.
    pub equity_before: f64,
    /// Cash.
    pub cash: Money,
    /// Positions by strategy and its instruments, flat.
    pub positions: Vec<PositionView>,
    /// Whether the account has stopped trading.
    pub halted: bool,
}

/// What strategies decided in a step, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Command {
    Submit { order: OrderId, strategy: u32, request: OrderRequest },
    Cancel { order: OrderId, strategy: u32 },
    CancelAll { strategy: u32, instrument: Inst },
}

/// Commands of a step and the container's order counter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commands {
    pub(crate) list: Vec<Command>,
    pub(crate) orders: u32,
}

/// An indicator output bound to a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueBinding {
    /// Index into the frame's columns.
    pub(crate) column: u32,
}

/// A container's series bound to a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotBinding {
    /// Index into the frame's series.
    pub(crate) series: u32,
}

/// One of a strategy's instruments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InstBinding {
    pub(crate) id: InstrumentId,
    /// Container series that prices it (the finest).
    pub(crate) slot: u32,
    pub(crate) scales: Scales,
}

/// The fixed part of one strategy.
#[derive(Clone, Debug)]
pub(crate) struct StrategyBinding {
    pub(crate) index: u32,
    /// Where its positions start in [`AccountView::positions`].
    pub(crate) positions_base: usize,
    pub(crate) instruments: Vec<InstBinding>,
    pub(crate) sizing: Sizing,
    /// Earlier rows that it asked for, by container series: other strategies' longer windows are not its own.
    pub(crate) lookbacks: Vec<u32>,
    /// Earlier values that it asked for, by container value.
    pub(crate) lags: Vec<u32>,
}

/// What equity is made of while nothing fills on the only market: it is worked out when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Quiet {
    /// Cash.
    pub cash: f64,
    /// What a price is multiplied by.
    pub exposure: f64,
}

impl Quiet {
    /// Equity at a close.
    #[inline(always)]
    pub fn equity(self, close: f64) -> f64 {
        self.cash + self.exposure * close
    }
}

/// What all strategies of a container look through.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Current row of each container series, leading rows counted; [`NO_ROW`] before the first.
    pub(crate) rows: Vec<u32>,
    pub(crate) slots: Vec<SlotBinding>,
    pub(crate) values: Vec<ValueBinding>,
    /// The frame's columns by value, held while the frame runs.
    pub(crate) columns: Vec<Column>,
    /// Container series of a row of this step.
    pub(crate) clock_slot: u32,
    /// Whether fills are being told: equity is then that of the step before.
    pub(crate) tells_fills: bool,
    /// Set while steps are taken in a run and sampled behind it.
    pub(crate) quiet: Option<Quiet>,
    pub(crate) commands: Commands,
}

/// A strategy's window on the market and its account at one step.
pub struct Context<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) window: &'a mut Window,
    pub(crate) strategy: &'a StrategyBinding,
    pub(crate) view: &'a AccountView,
}

impl Context<'_> {
    /// The close time of this step, UTC nanoseconds.
    pub fn now_ns(&self) -> i64 {
        let (columns, row) = self.at(self.window.clock_slot);
        columns.ts_close_ns[row]
    }

    /// The last closed bar.
    ///
    /// # Panics
    /// Before the first bar of the series ([`Self::has_bar`]).
    pub fn bar(&self, bars: Bars) -> Bar {
        let (columns, row) = self.at(bars.slot);
        columns.bar(row)
    }

    /// Whether a bar of the series has closed yet.
    pub fn has_bar(&self, bars: Bars) -> bool {
        self.window.rows[bars.slot as usize] != NO_ROW
    }

    /// The last close; NaN before the first bar.
    #[inline]
    pub fn close(&self, bars: Bars) -> f64 {
        self.price_at(bars.slot)
    }

    /// The closes of the last bars, the current one last: as many as the declared look-back plus one,
    /// or as there are.
    pub fn closes(&self, bars: Bars) -> &[f64] {
        self.window(bars, |columns| &columns.close)
    }

    /// The highs of the last bars, as [`Self::closes`].
    pub fn highs(&self, bars: Bars) -> &[f64] {
        self.window(bars, |columns| &columns.high)
    }

    /// The lows of the last bars, as [`Self::closes`].
    pub fn lows(&self, bars: Bars) -> &[f64] {
        self.window(bars, |columns| &columns.low)
    }

    /// The opens of the last bars, as [`Self::closes`].
    pub fn opens(&self, bars: Bars) -> &[f64] {
        self.window(bars, |columns| &columns.open)
    }

    /// The quantities of the last bars, as [`Self::closes`].
    pub fn volumes(&self, bars: Bars) -> &[f64] {
        self.window(bars, |columns| &columns.volume)
    }

    /// An indicator's value at the last closed bar of its series; NaN before it is warm.
    #[inline]
    pub fn value(&self, value: Value) -> f64 {
        let row = self.window.rows[value.slot as usize];
        // [`NO_ROW`] lies behind the end of every column.
        match self.window.columns[value.index as usize].get(row as usize) {
            Some(value) => *value,
            None => f64::NAN,
        }
    }

    /// The last values of an indicator, the current one last: as many as the declared lag plus one,
    /// or as there are.
    pub fn values(&self, value: Value) -> &[f64] {
        let row = self.window.rows[value.slot as usize];
        if row == NO_ROW {
            return &[];
        }
        let lag = self.strategy.lags.get(value.index as usize).map_or(0, |lag| *lag as usize);
        let row = row as usize;
        &self.window.columns[value.index as usize][row.saturating_sub(lag)..=row]
    }

    /// Lots of an instrument that this strategy holds, signed.
    #[inline]
    pub fn position(&self, instrument: Inst) -> i64 {
        self.view.positions[self.strategy.positions_base + usize::from(instrument.0)].lots
    }

    /// The average price at which this strategy's position was opened; `None` when it is flat.
    pub fn entry_price(&self, instrument: Inst) -> Option<f64> {
        let position = self.view.positions[self.strategy.positions_base + usize::from(instrument.0)];
        let exposure = self.binding(instrument).scales.exposure(position.lots);
        (position.lots != 0).then(|| position.cost.to_f64() / exposure)
    }

    /// The account's equity at this step (in `on_fill`: at the step before).
    pub fn equity(&self) -> f64 {
        match self.window.quiet {
            Some(quiet) => quiet.equity(self.price_at(0)),
            None if self.window.tells_fills => self.view.equity_before,
            None => self.view.equity,
        }
    }

    /// The account's cash.
    pub fn cash(&self) -> Money {
        self.view.cash
    }

    /// Whether the account has stopped trading; orders are rejected from then on.
    pub fn is_halted(&self) -> bool {
        self.view.halted
    }

    /// An instrument's id in the run.
    pub fn instrument_id(&self, instrument: Inst) -> InstrumentId {
        self.binding(instrument).id
    }

    /// Submits an order. It is checked when all strategies have decided, and meets only bars that
    /// open at or after this step.
    pub fn submit(&mut self, request: OrderRequest) -> OrderId {
        self.window.commands.orders += 1;
        let order = OrderId(self.window.commands.orders);
        self.window.commands.list.push(Command::Submit { order, strategy: self.strategy.index, request });
        order
    }

    /// Takes an order back, unless it is done.
    pub fn cancel(&mut self, order: OrderId) {
        self.window.commands.list.push(Command::Cancel { order, strategy: self.strategy.index });
    }

    /// Takes back all of this strategy's resting orders on an instrument, attached ones excepted.
    pub fn cancel_all(&mut self, instrument: Inst) {
        self.window.commands.list.push(Command::CancelAll { strategy: self.strategy.index, instrument });
    }

    /// Brings the position to `lots` at the market.
    pub fn target(&mut self, instrument: Inst, lots: i64) -> OrderId {
        self.submit(OrderRequest::new(instrument, Quantity::Target(lots), OrderKind::Market))
    }

    /// Brings the position to the configured size on `side`, at the market.
    pub fn enter(&mut self, instrument: Inst, side: Side) -> OrderId {
        let request = self.entry(instrument, side);
        self.submit(request)
    }

    /// An order that [`Self::enter`] would submit, to attach a stop-loss or take-profit to.
    pub fn entry(&self, instrument: Inst, side: Side) -> OrderRequest {
        let quantity = match self.strategy.sizing {
            Sizing::AllIn => Quantity::AllIn(side),
            _ => Quantity::Target(side.sign() * self.size(instrument)),
        };
        OrderRequest::new(instrument, quantity, OrderKind::Market)
    }

    /// Closes the position at the market.
    pub fn exit(&mut self, instrument: Inst) -> OrderId {
        self.target(instrument, 0)
    }

    /// Lots that the configured sizing asks for at the last close; 0 for all-in, which is sized when
    /// it fills.
    pub fn size(&self, instrument: Inst) -> i64 {
        let binding = self.binding(instrument);
        self.strategy.sizing.lots(&binding.scales, || self.equity(), self.price_at(binding.slot))
    }

    /// Whole lots that `money` buys at the last close, fees not counted.
    pub fn lots_for(&self, instrument: Inst, money: f64) -> i64 {
        let binding = self.binding(instrument);
        binding.scales.lots_for(money, self.price_at(binding.slot))
    }

    /// `price` moved to the next tick below (or above).
    pub fn to_tick(&self, instrument: Inst, price: f64, up: bool) -> f64 {
        let scales = &self.binding(instrument).scales;
        match scales.price_from_f64(price) {
            Some(scaled) => scales.price_to_f64(scales.to_tick(scaled, up)),
            None => price,
        }
    }

    fn binding(&self, instrument: Inst) -> &InstBinding {
        &self.strategy.instruments[usize::from(instrument.0)]
    }

    fn at(&self, slot: u32) -> (&BarColumns, usize) {
        let row = self.window.rows[slot as usize];
        assert!(row != NO_ROW, "no bar of this series has closed yet");
        let series = self.window.slots[slot as usize].series;
        (&self.frame.series[series as usize].columns, row as usize)
    }

    #[inline]
    fn price_at(&self, slot: u32) -> f64 {
        let row = self.window.rows[slot as usize];
        if row == NO_ROW {
            return f64::NAN;
        }
        let series = self.window.slots[slot as usize].series;
        self.frame.series[series as usize].columns.close[row as usize]
    }

    fn window<'s>(&'s self, bars: Bars, pick: impl Fn(&'s BarColumns) -> &'s [f64]) -> &'s [f64] {
        let row = self.window.rows[bars.slot as usize];
        if row == NO_ROW {
            return &[];
        }
        let binding = self.window.slots[bars.slot as usize];
        let columns = &self.frame.series[binding.series as usize].columns;
        let row = row as usize;
        let lookback = self.strategy.lookbacks.get(bars.slot as usize).map_or(0, |rows| *rows as usize);
        &pick(columns)[row.saturating_sub(lookback)..=row]
    }
}

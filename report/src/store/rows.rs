//! The columns of every file: one table per kind of record, read by all three formats.

use barhive_engine::{
    instrument::{Instrument, Scales},
    money::MONEY_SCALE,
    order::{OrderState, Side},
    record::{EquityPoint, Fill, OrderEvent, Trade},
    set::ContainerSpec,
};

/// What records refer to by index.
#[derive(Debug)]
pub(crate) struct Names {
    strategies: Vec<String>,
    instruments: Vec<(Instrument, Scales)>,
}

impl Names {
    pub(crate) fn new(spec: &ContainerSpec, instruments: &[Instrument]) -> Self {
        Self {
            strategies: spec.strategies.iter().map(|strategy| strategy.id.clone()).collect(),
            instruments: instruments.iter().map(|i| (i.clone(), i.scales())).collect(),
        }
    }

    fn strategy(&self, index: u32) -> Cell<'_> {
        Cell::Text(self.strategies.get(index as usize).map_or("", String::as_str))
    }

    fn instrument(&self, index: usize) -> Option<&(Instrument, Scales)> {
        self.instruments.get(index)
    }

    fn symbol(&self, index: usize) -> Cell<'_> {
        Cell::Text(self.instrument(index).map_or("", |(i, _)| i.symbol.as_str()))
    }

    fn price(&self, index: usize, price: i64) -> Cell<'_> {
        let scale = self.instrument(index).map_or(0, |(i, _)| i.price_scale);
        Cell::Decimal(i128::from(price), scale)
    }

    fn quantity(&self, index: usize, lots: i64) -> Cell<'_> {
        let (lot, scale) = self.instrument(index).map_or((1, 0), |(i, _)| (i.lot, i.lot_scale));
        Cell::Decimal(i128::from(lots) * i128::from(lot), scale)
    }

    fn average_price(&self, trade: &Trade, value: f64) -> Cell<'_> {
        let exposure = self.instrument(trade.instrument.index()).map(|(_, s)| s.exposure(trade.lots));
        exposure.filter(|e| *e != 0.0).map_or(Cell::Missing, |e| Cell::Real(value / e))
    }
}

/// One value of one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Missing,
    /// UTC nanoseconds.
    Time(i64),
    Real(f64),
    Whole(i64),
    Text(&'a str),
    /// `value / 10^scale`.
    Decimal(i128, u8),
}

/// What all values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Time,
    Real,
    Whole,
    Text,
    /// Decimals after the point.
    Decimal(u8),
}

/// One column.
pub(crate) struct Column<R> {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    pub(crate) nullable: bool,
    pub(crate) cell: for<'a> fn(&R, &'a Names) -> Cell<'a>,
}

const fn column<R>(name: &'static str, kind: Type, cell: for<'a> fn(&R, &'a Names) -> Cell<'a>) -> Column<R> {
    Column { name, kind, nullable: false, cell }
}

const fn nullable<R>(
    name: &'static str,
    kind: Type,
    cell: for<'a> fn(&R, &'a Names) -> Cell<'a>,
) -> Column<R> {
    Column { name, kind, nullable: true, cell }
}

/// A kind of record that has a file.
pub(crate) trait Row: Copy + Send + 'static {
    /// The file's name without its ending.
    const FILE: &'static str;
    /// Its columns.
    const COLUMNS: &'static [Column<Self>];
}

/// Prices and quantities have at most twelve decimals.
const EXACT: Type = Type::Decimal(barhive_engine::money::SCALE_MAX);
const MONEY: Type = Type::Decimal(MONEY_SCALE);

impl Row for EquityPoint {
    const FILE: &'static str = "equity";
    const COLUMNS: &'static [Column<Self>] = &[
        column("ts", Type::Time, |p, _| Cell::Time(p.ts_ns)),
        column("equity", Type::Real, |p, _| Cell::Real(p.equity)),
    ];
}

impl Row for Fill {
    const FILE: &'static str = "fills";
    const COLUMNS: &'static [Column<Self>] = &[
        column("ts", Type::Time, |f, _| Cell::Time(f.ts_ns)),
        column("order", Type::Whole, |f, _| Cell::Whole(i64::from(f.order.0))),
        column("strategy", Type::Text, |f, names| names.strategy(f.strategy)),
        column("symbol", Type::Text, |f, names| names.symbol(f.instrument.index())),
        column("side", Type::Text, |f, _| Cell::Text(if f.lots < 0 { "sell" } else { "buy" })),
        column("quantity", EXACT, |f, names| names.quantity(f.instrument.index(), f.lots.saturating_abs())),
        column("price", EXACT, |f, names| names.price(f.instrument.index(), f.price)),
        column("fee", MONEY, |f, _| Cell::Decimal(f.fee.0, MONEY_SCALE)),
    ];
}

impl Row for Trade {
    const FILE: &'static str = "trades";
    const COLUMNS: &'static [Column<Self>] = &[
        column("entry_ts", Type::Time, |t, _| Cell::Time(t.entry_ts_ns)),
        column("exit_ts", Type::Time, |t, _| Cell::Time(t.exit_ts_ns)),
        column("strategy", Type::Text, |t, names| names.strategy(t.strategy)),
        column("symbol", Type::Text, |t, names| names.symbol(t.instrument.index())),
        column("side", Type::Text, |t, _| Cell::Text(if t.side == Side::Sell { "short" } else { "long" })),
        column("quantity", EXACT, |t, names| names.quantity(t.instrument.index(), t.lots)),
        nullable("entry_price", Type::Real, |t, names| names.average_price(t, t.entry_value.to_f64())),
        nullable("exit_price", Type::Real, |t, names| names.average_price(t, t.exit_value.to_f64())),
        column("entry_value", MONEY, |t, _| Cell::Decimal(t.entry_value.0, MONEY_SCALE)),
        column("exit_value", MONEY, |t, _| Cell::Decimal(t.exit_value.0, MONEY_SCALE)),
        column("fees", MONEY, |t, _| Cell::Decimal(t.fees.0, MONEY_SCALE)),
        column("pnl", MONEY, |t, _| Cell::Decimal(t.pnl.0, MONEY_SCALE)),
    ];
}

impl Row for OrderEvent {
    const FILE: &'static str = "orders";
    const COLUMNS: &'static [Column<Self>] = &[
        column("ts", Type::Time, |o, _| Cell::Time(o.ts_ns)),
        column("order", Type::Whole, |o, _| Cell::Whole(i64::from(o.order.0))),
        nullable("parent", Type::Whole, |o, _| {
            o.parent.map_or(Cell::Missing, |parent| Cell::Whole(i64::from(parent.0)))
        }),
        column("strategy", Type::Text, |o, names| names.strategy(o.strategy)),
        column("symbol", Type::Text, |o, names| names.symbol(o.instrument.index())),
        column("state", Type::Text, |o, _| Cell::Text(state_text(o.state))),
        column("cause", Type::Text, |o, _| Cell::Text(o.cause.as_str())),
        column("open_quantity", EXACT, |o, names| names.quantity(o.instrument.index(), o.lots)),
        nullable("price", EXACT, |o, names| match o.price {
            0 => Cell::Missing,
            price => names.price(o.instrument.index(), price),
        }),
    ];
}

fn state_text(state: OrderState) -> &'static str {
    match state {
        OrderState::Submitted => "submitted",
        OrderState::Working => "working",
        OrderState::PartiallyFilled => "partially_filled",
        OrderState::Filled => "filled",
        OrderState::Cancelled => "cancelled",
        OrderState::Rejected => "rejected",
    }
}

//! The lanes of a pass, stepped through its frames.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fearless_simd::Level;

use super::{
    account::{LaneAccount, Terms},
    follower::{Direction, Wish, wish},
    quotes::{Quote, Quotes},
    signals::{Change, Signals},
};
use crate::{
    data::BarColumns,
    execution::{BarFills, BarPrices, FillModel},
    frame::{Frame, Order, SeriesRows},
    instrument::{FeeSchedule, Instrument},
    layout::{Declared, Layout},
    order::Side,
    portfolio::Turn,
    set::{ContainerSpec, Limits, MarketFill},
    simd::Simd,
    strategy::Sizing,
    sweep::Evaluation,
};

/// One variant.
struct LaneState {
    signals: Box<dyn Signals>,
    /// Indexes into the frame's columns.
    columns: Vec<u32>,
    direction: Direction,
    side: i8,
    entered: bool,
    /// Where the position is to stand after the next open.
    pending: Option<i64>,
    /// When that was decided, UTC nanoseconds.
    decided_ts_ns: i64,
    sizing: Sizing,
    slippage: BarFills,
    terms: Terms,
    /// The number of its slippage and terms: lanes that share it fill alike.
    terms_id: u32,
    level: Level,
    account: LaneAccount,
    group: usize,
    days_per_year: f64,
    last_ts_ns: i64,
    last_close: f64,
    steps: u64,
    /// It gave up: its variant is run as a container.
    gave_up: bool,
}

/// How a lane ended.
pub(crate) enum LaneEnd {
    /// With figures.
    Done(Box<Evaluation>),
    /// It gave up.
    GaveUp,
}

/// Whether a container's account leaves nothing that a lane cannot do.
fn can_run(spec: &ContainerSpec) -> bool {
    let [strategy] = &spec.strategies[..] else { return false };
    let plain_account = spec.drawdown_max.is_none()
        && spec.from_ns.is_none()
        && spec.to_ns.is_none()
        && !spec.fill.close_at_end
        && spec.fill.market == MarketFill::NextOpen
        && strategy.limits == Limits::default();
    let sized_when_it_decides =
        matches!(strategy.sizing, Sizing::Lots(1..) | Sizing::Notional(_) | Sizing::EquityFraction(_));
    plain_account && strategy.instruments.len() == 1 && sized_when_it_decides
}

/// Lanes of a pass, in the order in which they were added.
#[derive(Default)]
pub(crate) struct LaneGroup {
    lanes: Vec<LaneState>,
    room: Room,
}

/// Room that the lanes use one after the other.
#[derive(Default)]
struct Room {
    changes: Vec<Change>,
    turns: Vec<Turn>,
    quotes: Quotes,
}

impl LaneGroup {
    /// Adds the variant of `declared`, if it can run as a lane; `place` is its place in the layout.
    pub(crate) fn add(
        &mut self,
        spec: &ContainerSpec,
        instruments: &[Instrument],
        declared: &Declared,
        layout: &Layout,
        place: usize,
        simd: Simd,
    ) -> bool {
        match LaneState::new(spec, instruments, declared, layout, place, simd) {
            Some(mut lane) => {
                if let Some(last) = self.lanes.last() {
                    let is_alike = (last.slippage, last.terms) == (lane.slippage, lane.terms);
                    lane.terms_id = last.terms_id + u32::from(!is_alike);
                }
                self.lanes.push(lane);
                true
            }
            None => false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Takes lane `index` through a frame.
    pub(crate) fn run_frame(&mut self, index: usize, frame: &Frame) {
        let Self { lanes, room } = self;
        let lane = &mut lanes[index];
        if lane.gave_up {
            return;
        }
        // A rule that panics does so in the container, too, which tells it.
        let ran = catch_unwind(AssertUnwindSafe(|| lane.run_frame(frame, room)));
        lane.gave_up = !matches!(ran, Ok(Some(())));
    }

    /// How the lanes ended, in the order in which they were added.
    pub(crate) fn finish(self) -> impl Iterator<Item = LaneEnd> {
        self.lanes.into_iter().map(LaneState::finish)
    }
}

impl LaneState {
    fn new(
        spec: &ContainerSpec,
        instruments: &[Instrument],
        declared: &Declared,
        layout: &Layout,
        place: usize,
        simd: Simd,
    ) -> Option<Self> {
        let [strategy] = &spec.strategies[..] else { return None };
        let ([(built, subscribed)], [series]) = (&declared.strategies[..], &declared.declarations.series[..])
        else {
            return None;
        };
        if !can_run(spec) || subscribed.every_step || subscribed.bars.len() != 1 {
            return None;
        }
        let lane = built.lane()?;
        let instrument = &instruments[strategy.instruments[0].index()];
        let scales = instrument.scales();
        let series = layout.series_index(series.key);
        let columns = lane.values.iter().map(|value| {
            let declared = &declared.declarations.values[value.index as usize];
            layout.column(series, &declared.spec, declared.output)
        });
        let fees: FeeSchedule = spec.fees.unwrap_or(instrument.fees);
        Some(Self {
            columns: columns.collect(),
            signals: lane.signals,
            direction: lane.direction,
            side: 0,
            entered: false,
            pending: None,
            decided_ts_ns: 0,
            sizing: strategy.sizing,
            slippage: BarFills { slippage_bps: spec.fill.slippage_bps },
            terms: Terms {
                scales,
                fees,
                unit: scales.unit_i64()?,
                leverage_max: i64::from(spec.leverage_max.max(1)),
            },
            terms_id: 0,
            level: simd.level(),
            account: LaneAccount::new(spec.cash)?,
            group: layout.group_of[place] as usize,
            days_per_year: if instrument.calendar.is_some() { 252.0 } else { 365.0 },
            last_ts_ns: 0,
            last_close: f64::NAN,
            steps: 0,
            gave_up: false,
        })
    }

    fn run_frame(&mut self, frame: &Frame, room: &mut Room) -> Option<()> {
        let group = &frame.groups[self.group];
        let Order::Single { series } = group.order else { return None };
        let rows = &frame.series[series as usize];
        let (columns, lead) = (&rows.columns, rows.lead);
        let end = columns.len();
        if lead == end {
            return Some(());
        }
        room.changes.clear();
        room.turns.clear();
        room.quotes.open((frame.sequence, series, self.terms_id), end);
        let quiet = self.account.quiet();
        let values: [&[f64]; VALUES_MAX] =
            std::array::from_fn(|n| self.columns.get(n).map_or(&[][..], |c| &frame.columns[*c as usize]));
        let values = values.get(..self.columns.len())?;
        self.signals.changes(self.level, values, (lead, end), &mut self.side, &mut room.changes);
        let mut days = group.day_starts.iter().map(|start| lead + *start as usize).peekable();
        // The first step of all starts a day, whatever the group has seen before.
        let mut starts_day = self.steps == 0;
        let mut row = lead;
        let mut next = 0;
        while row < end {
            if days.next_if_eq(&row).is_some() || starts_day {
                self.account.curve.start_day(columns.ts_close_ns[row]);
                starts_day = false;
            }
            if let Some(target) = self.pending.take() {
                self.fill(rows, row, target, room)?;
            }
            // Up to the next day, or through the row of the next order: it fills at the open behind it.
            let day = days.peek().copied().unwrap_or(end).min(end);
            let order = room.changes[next..].first().map_or(end, |change| change.row as usize + 1);
            let until = day.min(order);
            self.account.pass_rows(until - row, columns.close[until - 1]);
            row = until;
            if order == until
                && let Some(change) = room.changes.get(next)
            {
                next += 1;
                self.decide(change.side, columns, row - 1);
            }
        }
        let (closes, ts_ns) = (&columns.close[lead..], &columns.ts_close_ns[lead..]);
        self.account.sample(self.level, quiet, closes, ts_ns, &room.turns);
        self.steps += (end - lead) as u64;
        self.last_ts_ns = columns.ts_close_ns[end - 1];
        self.last_close = columns.close[end - 1];
        Some(())
    }

    fn decide(&mut self, side: i8, columns: &BarColumns, row: usize) {
        let target = match wish(side, self.direction, &mut self.entered) {
            Some(Wish::Enter(side)) => {
                let close = columns.close[row];
                let equity = || self.account.quiet().equity(close);
                side.sign() * self.sizing.lots(&self.terms.scales, equity, close)
            }
            Some(Wish::Leave) => 0,
            None => return,
        };
        self.account.orders += 1;
        self.pending = Some(target);
        self.decided_ts_ns = columns.ts_close_ns[row];
    }

    fn fill(&mut self, rows: &SeriesRows, row: usize, target: i64, room: &mut Room) -> Option<()> {
        let columns = &rows.columns;
        // An order meets only bars that open when it was decided, or later.
        if columns.ts_open_ns[row] < self.decided_ts_ns {
            return None;
        }
        let (lots, closing) = self.account.trade_to(target);
        if lots == 0 {
            return None;
        }
        let quote = room.quotes.get(row, (lots, closing), || {
            let bar = BarPrices::new(columns, row, self.terms.scales);
            let side = if lots > 0 { Side::Buy } else { Side::Sell };
            let price = self.slippage.market(side, bar.open().ok()?, &bar).ok()?;
            Quote::new(&self.terms, price, lots, closing)
        })?;
        self.account.fill(&self.terms, target, quote, row - rows.lead, &mut room.turns).ok()
    }

    fn finish(self) -> LaneEnd {
        let Self { account, terms, last_close, last_ts_ns, days_per_year, gave_up, steps, .. } = self;
        if gave_up || steps == 0 {
            return LaneEnd::GaveUp;
        }
        match account.finish(&terms, last_close, last_ts_ns, days_per_year) {
            Ok(evaluation) => LaneEnd::Done(Box::new(evaluation)),
            Err(_) => LaneEnd::GaveUp,
        }
    }
}

/// Values that a rule may look at.
const VALUES_MAX: usize = 8;

//! Building a container: binding what its strategies declared to the layout of a pass.

use std::sync::Arc;

use super::{
    Container, NO_MARKET,
    context::{InstBinding, NO_ROW, SlotBinding, StrategyBinding, ValueBinding, Window},
    decision::{Cell, Decisions},
};
use crate::{
    data::SeriesKey,
    execution::{Desk, Execution},
    instrument::Instrument,
    layout::{Declared, Layout},
    record::Recorder,
    set::ContainerSpec,
};

impl Container {
    /// A container ready for its first frame. `index` is its place in the layout.
    pub fn new(
        spec: Arc<ContainerSpec>,
        instruments: Arc<[Instrument]>,
        declared: Declared,
        layout: &Layout,
        index: usize,
        recorder: Box<dyn Recorder>,
    ) -> Self {
        let desk = Desk::new(&spec);
        let series: Vec<SeriesKey> = declared.declarations.series.iter().map(|s| s.key).collect();
        let slots: Vec<SlotBinding> = declared
            .declarations
            .series
            .iter()
            .map(|s| SlotBinding { series: layout.series_index(s.key) })
            .collect();
        let values = declared
            .declarations
            .values
            .iter()
            .map(|value| ValueBinding {
                column: layout.column(slots[value.slot as usize].series, &value.spec, value.output),
            })
            .collect();
        // The finest series that the container looks at prices an instrument.
        let pricing: Vec<u32> = desk
            .markets
            .iter()
            .map(|id| {
                let finest = series
                    .iter()
                    .enumerate()
                    .filter(|(_, key)| key.instrument == *id)
                    .min_by_key(|(_, key)| **key);
                finest.map_or(0, |(slot, _)| slot as u32)
            })
            .collect();
        let mut market_of = vec![NO_MARKET; series.len()];
        for (market, slot) in pricing.iter().enumerate() {
            market_of[*slot as usize] = market as u32;
        }
        let mut slot_of = vec![u32::MAX; layout.series.len()];
        for (slot, binding) in slots.iter().enumerate() {
            slot_of[binding.series as usize] = slot as u32;
        }
        let mut on_bar = vec![Vec::new(); series.len()];
        let mut on_step = Vec::new();
        let mut cells = Vec::with_capacity(declared.strategies.len());
        let mut positions_base = 0;
        for (index, ((strategy, subscriptions), spec)) in
            declared.strategies.into_iter().zip(&spec.strategies).enumerate()
        {
            for bars in &subscriptions.bars {
                on_bar[bars.slot as usize].push((index as u32, *bars));
            }
            if subscriptions.every_step {
                on_step.push(index as u32);
            }
            let instruments = spec
                .instruments
                .iter()
                .map(|id| InstBinding {
                    id: *id,
                    slot: pricing[desk.markets.binary_search(id).unwrap_or(0)],
                    scales: instruments[id.index()].scales(),
                })
                .collect();
            let binding = StrategyBinding {
                index: index as u32,
                positions_base,
                instruments,
                sizing: spec.sizing,
                lookbacks: subscriptions.lookbacks,
                lags: subscriptions.lags,
            };
            positions_base += spec.instruments.len();
            cells.push(Cell { strategy, binding });
        }
        let has_calendar = desk.markets.iter().any(|id| instruments[id.index()].calendar.is_some());
        let execution = Execution::new(&spec, &instruments, &desk, recorder.wants());
        let rows = vec![NO_ROW; slots.len()];
        Self {
            execution,
            decisions: Decisions {
                cells,
                on_bar,
                on_step,
                window: Window { rows, slots, values, ..Window::default() },
            },
            group: layout.group_of[index] as usize,
            slot_of,
            market_of,
            prices_mixed: pricing
                .iter()
                .any(|slot| series[*slot as usize].timeframe != series[pricing[0] as usize].timeframe),
            pricing,
            recorder,
            fills_at_close: spec.fills_at_close(),
            steps: 0,
            next_step: None,
            run_from: None,
            last_ts_ns: 0,
            // Exchanges with sessions trade about 252 days a year, markets around the clock every day.
            days_per_year: if has_calendar { 252.0 } else { 365.0 },
            spec,
            instruments,
        }
    }

    /// Keeps no canonical records: its hash then covers its digest only, as sweeps want it.
    #[must_use]
    pub fn digest_only(mut self) -> Self {
        self.execution.digest_only();
        self
    }
}

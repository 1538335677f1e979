//! The strategies' half of a container: who is called when, and what they asked for.

use super::context::{Commands, Context, NO_ROW, SlotBinding, StrategyBinding, ValueBinding};
use crate::{
    container::AccountView,
    frame::Frame,
    record::Fill,
    strategy::{Bars, Strategy},
};

/// One strategy and its fixed surroundings.
pub(super) struct Cell {
    pub(super) strategy: Box<dyn Strategy>,
    pub(super) binding: StrategyBinding,
}

/// The strategies of a container.
pub(super) struct Decisions {
    pub(super) cells: Vec<Cell>,
    /// Who is called for the bars of each container series, in the set's order.
    pub(super) on_bar: Vec<Vec<(u32, Bars)>>,
    /// Who is called at every step, in the set's order.
    pub(super) on_step: Vec<u32>,
    pub(super) slots: Vec<SlotBinding>,
    pub(super) values: Vec<ValueBinding>,
    /// Current row of each container series, leading rows counted.
    pub(super) rows: Vec<u32>,
    pub(super) commands: Commands,
}

/// What the account looks like when strategies are asked.
pub(super) struct Asked<'a> {
    pub(super) frame: &'a Frame,
    pub(super) view: &'a AccountView,
    pub(super) equity_before: f64,
    /// Container series of a row of this step.
    pub(super) clock_slot: u32,
}

impl Decisions {
    /// Where each series stands when a frame begins: at the last of its leading rows.
    pub(super) fn begin_frame(&mut self, frame: &Frame) {
        for (row, slot) in self.rows.iter_mut().zip(&self.slots) {
            let lead = frame.series[slot.series as usize].lead;
            *row = if lead > 0 { lead as u32 - 1 } else { NO_ROW };
        }
    }

    pub(super) fn fills(&mut self, asked: &Asked<'_>, fills: &[Fill]) {
        for fill in fills {
            let index = fill.strategy as usize;
            let Self { cells, slots, values, rows, commands, .. } = self;
            let Cell { strategy, binding } = &mut cells[index];
            let mut context = Context {
                frame: asked.frame,
                rows,
                slots,
                values,
                strategy: binding,
                view: asked.view,
                equity: asked.equity_before,
                clock_slot: asked.clock_slot,
                commands,
            };
            strategy.on_fill(&mut context, fill);
        }
    }

    /// A bar of container series `slot` has closed.
    #[inline(always)]
    pub(super) fn bar(&mut self, asked: &Asked<'_>, slot: usize) {
        let Self { cells, on_bar, slots, values, rows, commands, .. } = self;
        for &(index, bars) in &on_bar[slot] {
            let Cell { strategy, binding } = &mut cells[index as usize];
            let mut context = Context {
                frame: asked.frame,
                rows,
                slots,
                values,
                strategy: binding,
                view: asked.view,
                equity: asked.view.equity,
                clock_slot: asked.clock_slot,
                commands,
            };
            strategy.on_bar(&mut context, bars);
        }
    }

    pub(super) fn step(&mut self, asked: &Asked<'_>) {
        let Self { cells, on_step, slots, values, rows, commands, .. } = self;
        for &index in on_step.iter() {
            let Cell { strategy, binding } = &mut cells[index as usize];
            let mut context = Context {
                frame: asked.frame,
                rows,
                slots,
                values,
                strategy: binding,
                view: asked.view,
                equity: asked.view.equity,
                clock_slot: asked.clock_slot,
                commands,
            };
            strategy.on_step(&mut context);
        }
    }
}

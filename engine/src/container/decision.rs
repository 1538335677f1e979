//! The strategies' half of a container: who is called when, and what they asked for.

use std::sync::Arc;

use super::context::{Context, NO_ROW, Quiet, StrategyBinding, Window};
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
    pub(super) window: Window,
}

impl Decisions {
    /// Where each series stands when a frame begins: at the last of its leading rows.
    pub(super) fn begin_frame(&mut self, frame: &Frame) {
        let Window { rows, slots, values, columns, .. } = &mut self.window;
        columns.clear();
        columns.extend(values.iter().map(|value| Arc::clone(&frame.columns[value.column as usize])));
        for (row, slot) in rows.iter_mut().zip(slots.iter()) {
            let lead = frame.series[slot.series as usize].lead;
            *row = if lead > 0 { lead as u32 - 1 } else { NO_ROW };
        }
    }

    /// What the strategies say that they hold.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.cells.iter().map(|cell| cell.strategy.memory_bytes()).sum()
    }

    /// Lets go of the frame's columns, which the hub writes again.
    pub(super) fn end_frame(&mut self) {
        self.window.columns.clear();
    }

    /// Tells the fills of a step to those who ordered them.
    pub(super) fn fills(&mut self, frame: &Frame, view: &AccountView, fills: &[Fill]) {
        self.window.tells_fills = true;
        for fill in fills {
            let Cell { strategy, binding } = &mut self.cells[fill.strategy as usize];
            let mut context = Context { frame, window: &mut self.window, strategy: binding, view };
            strategy.on_fill(&mut context, fill);
        }
        self.window.tells_fills = false;
    }

    /// A bar of container series `slot` has closed.
    #[inline(always)]
    pub(super) fn bar(&mut self, frame: &Frame, view: &AccountView, slot: usize) {
        let Self { cells, on_bar, window, .. } = self;
        for &(index, bars) in &on_bar[slot] {
            let Cell { strategy, binding } = &mut cells[index as usize];
            let mut context = Context { frame, window, strategy: binding, view };
            strategy.on_bar(&mut context, bars);
        }
    }

    /// Takes rows of the only series from `start` on until a strategy asks for something or `until`
    /// is reached; answers the row behind the last one taken.
    pub(super) fn bars_until_command(
        &mut self,
        frame: &Frame,
        view: &AccountView,
        quiet: Quiet,
        start: usize,
        until: usize,
    ) -> usize {
        self.window.quiet = Some(quiet);
        let mut row = start;
        if let ([(index, bars)], []) = (&self.on_bar[0][..], &self.on_step[..]) {
            // One strategy, as in most sweeps: everything but the row stays where it is.
            let Cell { strategy, binding } = &mut self.cells[*index as usize];
            let mut context = Context { frame, window: &mut self.window, strategy: binding, view };
            while row < until && context.window.commands.list.is_empty() {
                context.window.rows[0] = row as u32;
                strategy.on_bar(&mut context, *bars);
                row += 1;
            }
        } else {
            while row < until && self.window.commands.list.is_empty() {
                self.window.rows[0] = row as u32;
                self.bar(frame, view, 0);
                self.step(frame, view);
                row += 1;
            }
        }
        self.window.quiet = None;
        row
    }

    /// All bars of a step have been told.
    #[inline]
    pub(super) fn step(&mut self, frame: &Frame, view: &AccountView) {
        for &index in &self.on_step {
            let Cell { strategy, binding } = &mut self.cells[index as usize];
            let mut context = Context { frame, window: &mut self.window, strategy: binding, view };
            strategy.on_step(&mut context);
        }
    }
}

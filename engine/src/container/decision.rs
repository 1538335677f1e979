//! The strategies' half of a container: who is called when, and what they asked for.

use super::context::{Context, NO_ROW, StrategyBinding, Window};
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
        let Window { rows, slots, .. } = &mut self.window;
        for (row, slot) in rows.iter_mut().zip(slots.iter()) {
            let lead = frame.series[slot.series as usize].lead;
            *row = if lead > 0 { lead as u32 - 1 } else { NO_ROW };
        }
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
        for &(index, bars) in &self.on_bar[slot] {
            let Cell { strategy, binding } = &mut self.cells[index as usize];
            let mut context = Context { frame, window: &mut self.window, strategy: binding, view };
            strategy.on_bar(&mut context, bars);
        }
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

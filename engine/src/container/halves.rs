//! A container taken apart: execution and strategies as two halves that exchange one question and one
//! answer per step. Together they give what [`Container::run_frame`] gives, to the bit.

use super::{
    Command, Container, ContainerError,
    context::{AccountView, Context, Window},
    decision::{Cell, Decisions},
};
use crate::{
    frame::{Frame, Order, RowRef},
    record::Fill,
    strategy::{Bars, Strategy},
};

/// What execution asks at a step: the account and the fills as they stand. Both come back in the
/// answer, so that asking copies nothing.
#[derive(Debug)]
pub struct Question {
    step: usize,
    view: AccountView,
    fills: Vec<Fill>,
}

/// What the strategies decided at a step.
#[derive(Debug)]
pub struct Answer {
    view: AccountView,
    fills: Vec<Fill>,
    commands: Vec<Command>,
}

/// The half that matches orders and keeps the account.
pub struct ExecutionHalf {
    /// Its strategies are silent; their places and bindings stand.
    container: Container,
    /// The next step of the frame in hand.
    step: usize,
    /// The step that was asked about.
    asked_ts_ns: i64,
}

/// The half that decides.
pub struct StrategyHalf {
    decisions: Decisions,
    group: usize,
    slot_of: Vec<u32>,
    /// The next step of the frame in hand.
    step: usize,
}

/// Holds a strategy's place in the other half.
struct Silent;

impl Strategy for Silent {
    fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {}
}

impl Container {
    /// Takes the container apart.
    pub fn split(mut self) -> (ExecutionHalf, StrategyHalf) {
        let Decisions { cells, on_bar, window, .. } = &self.decisions;
        let silent = |cell: &Cell| Cell { strategy: Box::new(Silent), binding: cell.binding.clone() };
        let shadow = Decisions {
            cells: cells.iter().map(silent).collect(),
            on_bar: vec![Vec::new(); on_bar.len()],
            on_step: Vec::new(),
            window: Window { rows: window.rows.clone(), slots: window.slots.clone(), ..Window::default() },
        };
        let decisions = std::mem::replace(&mut self.decisions, shadow);
        let strategies =
            StrategyHalf { decisions, group: self.group, slot_of: self.slot_of.clone(), step: 0 };
        (ExecutionHalf { container: self, step: 0, asked_ts_ns: 0 }, strategies)
    }
}

impl ExecutionHalf {
    /// A frame begins.
    pub fn begin_frame(&mut self, frame: &Frame) {
        self.container.decisions.begin_frame(frame);
        self.step = 0;
    }

    /// Matches, marks and samples the next step of the frame and asks what to do; `None` at the
    /// frame's end.
    ///
    /// # Errors
    /// When a number leaves the ledger's range or the account holds too much memory; the container is then
    /// not to be used any more.
    pub fn ask(&mut self, frame: &Frame) -> Result<Option<Question>, ContainerError> {
        let container = &mut self.container;
        let group = container.group;
        let is_single = matches!(frame.groups[group].order, Order::Single { .. });
        let mut single = [RowRef { series: 0, row: 0 }];
        while let Some((ts_ns, rows)) = step_at(frame, group, self.step, &mut single) {
            let step = self.step;
            self.step += 1;
            if is_single && container.is_outside_span(ts_ns) {
                continue;
            }
            let starts_day = frame.groups[group].day_starts.binary_search(&(step as u32)).is_ok();
            if container.settle(frame, ts_ns, rows, starts_day)? {
                self.asked_ts_ns = ts_ns;
                let execution = &mut container.execution;
                let view = std::mem::take(&mut execution.view);
                let fills = std::mem::take(&mut execution.step_fills);
                return Ok(Some(Question { step, view, fills }));
            }
        }
        container.end_frame(frame)?;
        Ok(None)
    }

    /// Carries out what was decided at the step that was asked about.
    ///
    /// # Errors
    /// When a number leaves the ledger's range; the container is then not to be used any more.
    pub fn take(&mut self, frame: &Frame, answer: Answer) -> Result<(), ContainerError> {
        let Answer { view, fills, commands } = answer;
        let container = &mut self.container;
        container.execution.view = view;
        container.execution.step_fills = fills;
        container.decisions.window.commands.list = commands;
        container.carry_out(frame, self.asked_ts_ns)
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.container.steps()
    }

    /// Close time of the newest step, UTC nanoseconds.
    pub fn last_ts_ns(&self) -> i64 {
        self.container.last_ts_ns()
    }

    /// The container's name.
    pub fn name(&self) -> &str {
        self.container.name()
    }

    /// The container without its strategies, to be finished.
    pub fn into_container(self) -> Container {
        self.container
    }
}

impl StrategyHalf {
    /// A frame begins.
    pub fn begin_frame(&mut self, frame: &Frame) {
        self.decisions.begin_frame(frame);
        self.step = 0;
    }

    /// Tells the strategies what happened and answers what they decided.
    ///
    /// # Panics
    /// What the strategies do; the half is then not to be used any more.
    pub fn answer(&mut self, frame: &Frame, question: Question) -> Answer {
        let Question { step, view, fills } = question;
        let mut single = [RowRef { series: 0, row: 0 }];
        // Steps that nobody asked about (outside of the container's span) still move the rows.
        while self.step < step {
            self.see(frame, self.step, &mut single);
            self.step += 1;
        }
        self.step = step + 1;
        let rows = self.see(frame, step, &mut single);
        let slot_of = &self.slot_of;
        let decisions = &mut self.decisions;
        decisions.window.clock_slot = rows.first().map_or(0, |row| slot_of[row.series as usize]);
        if !fills.is_empty() {
            decisions.fills(frame, &view, &fills);
        }
        for row in rows {
            decisions.bar(frame, &view, slot_of[row.series as usize] as usize);
        }
        decisions.step(frame, &view);
        Answer { view, fills, commands: std::mem::take(&mut decisions.window.commands.list) }
    }

    /// Moves the rows to those of a step.
    fn see<'a>(&mut self, frame: &'a Frame, step: usize, single: &'a mut [RowRef; 1]) -> &'a [RowRef] {
        let rows = step_at(frame, self.group, step, single).map_or(&[][..], |(_, rows)| rows);
        for row in rows {
            self.decisions.window.rows[self.slot_of[row.series as usize] as usize] = row.row;
        }
        rows
    }
}

/// The close time and the rows of a group's step; `None` beyond the last.
fn step_at<'a>(
    frame: &'a Frame,
    group: usize,
    step: usize,
    single: &'a mut [RowRef; 1],
) -> Option<(i64, &'a [RowRef])> {
    match &frame.groups[group].order {
        Order::Single { series } => {
            let rows = &frame.series[*series as usize];
            let row = rows.lead + step;
            let ts_ns = *rows.columns.ts_close_ns.get(row)?;
            single[0] = RowRef { series: *series, row: row as u32 };
            Some((ts_ns, single))
        }
        Order::Merged { steps, rows } => {
            let span = steps.get(step)?;
            let from = step.checked_sub(1).map_or(0, |before| steps[before].rows_end as usize);
            Some((span.ts_ns, &rows[from..span.rows_end as usize]))
        }
    }
}

//! The steps of a container that looks at one series, the most frequent kind: in runs as long as
//! nothing can fill.

use super::{Container, ContainerError, carry_out, decision::Decisions, slice::Reached};
use crate::{
    data::BarColumns,
    frame::{Frame, SeriesRows},
};

impl Container {
    /// The steps of a container that looks at one series: a row each.
    pub(super) fn run_single(
        &mut self,
        frame: &Frame,
        series: usize,
        day_starts: &[u32],
        from: usize,
        work_max: usize,
    ) -> Result<Reached, ContainerError> {
        let SeriesRows { columns, lead } = &frame.series[series];
        let ts = &columns.ts_close_ns[..];
        let (first, end) = self.span_of(&ts[*lead..]);
        let end = lead + end;
        let mut row = lead + first.max(from);
        // All rows take the same work: where the slice ends is known before it begins.
        let work_of_row = 1 + self.decisions.on_bar[0].len() + self.decisions.on_step.len();
        let rows = work_max.div_ceil(work_of_row).max(1).min(end.saturating_sub(row));
        let (start, stop) = (row, row + rows);
        // A span that begins within a day starts that day with its first step.
        let mut starts_day = self.steps == 0 && row < stop;
        let days_begun = day_starts.partition_point(|day| lead + (*day as usize) < start);
        let mut day_starts = day_starts[days_begun..].iter().map(|day| lead + *day as usize).peekable();
        while row < stop {
            if day_starts.next_if_eq(&row).is_some() || starts_day {
                self.execution.curve.start_day(ts[row]);
                starts_day = false;
            }
            let until = day_starts.peek().copied().unwrap_or(stop).min(stop);
            self.run_rows(frame, columns, row, until)?;
            row = until;
        }
        if stop > start {
            self.last_ts_ns = ts[stop - 1];
        }
        Ok(Reached { next: (stop < end).then(|| stop - lead), work: rows * work_of_row })
    }

    /// Rows of one day of the only series.
    fn run_rows(
        &mut self,
        frame: &Frame,
        columns: &BarColumns,
        from: usize,
        until: usize,
    ) -> Result<(), ContainerError> {
        let ts = &columns.ts_close_ns[..until];
        let closes = &columns.close[..until];
        let mut row = from;
        while row < until {
            let execution = &self.execution;
            if execution.has_resting() || execution.is_bounded() || execution.has_untold_fills() {
                self.run_row(frame, columns, row)?;
                row += 1;
                continue;
            }
            // While nothing rests, nothing can fill: strategies are asked row by row, and equity is
            // sampled behind them in one go.
            let Self { execution, decisions, .. } = self;
            let start = row;
            self.run_from = Some(start);
            row = decisions.bars_until_command(frame, &execution.view, execution.quiet(), start, until);
            self.run_from = None;
            self.steps += (row - start) as u64;
            execution.sample_run(&closes[start..row], &ts[start..row]);
            if !decisions.window.commands.list.is_empty() {
                let bar = |_: &Decisions, _: usize| Some((columns, row - 1));
                carry_out(execution, decisions, ts[row - 1], self.fills_at_close, bar)?;
            }
        }
        Ok(())
    }

    /// One row of the only series, with orders to match or a limit to watch.
    fn run_row(&mut self, frame: &Frame, columns: &BarColumns, row: usize) -> Result<(), ContainerError> {
        let Self { execution, decisions, .. } = self;
        let ts_ns = columns.ts_close_ns[row];
        self.steps += 1;
        decisions.window.rows[0] = row as u32;
        execution.begin_step();
        if execution.has_resting() {
            execution.match_bar(0, &execution.bar_prices(0, columns, row), ts_ns)?;
        }
        execution.mark(0, columns.close[row]);
        execution.sample(|| ts_ns)?;
        execution.tell_fills();
        if !execution.step_fills.is_empty() {
            decisions.fills(frame, &execution.view, &execution.step_fills);
        }
        decisions.bar(frame, &execution.view, 0);
        decisions.step(frame, &execution.view);
        if !decisions.window.commands.list.is_empty() {
            let bar = |_: &Decisions, _: usize| Some((columns, row));
            carry_out(execution, decisions, ts_ns, self.fills_at_close, bar)?;
        }
        Ok(())
    }

    /// The rows of ascending close times that lie in the container's span.
    fn span_of(&self, ts: &[i64]) -> (usize, usize) {
        let first = self.spec.from_ns.map_or(0, |from| ts.partition_point(|ts_ns| *ts_ns < from));
        let end = self.spec.to_ns.map_or(ts.len(), |to| ts.partition_point(|ts_ns| *ts_ns <= to));
        (first, end.max(first))
    }
}

//! A container's way through a frame, in slices: whoever steps it may look up in between.

use super::{Container, ContainerError};
use crate::frame::{Frame, Order, RowRef, StepSpan};

/// What a slice did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a frame that is not done is to be gone on with"]
pub struct Progress {
    /// The work that was done: a unit for each row that was looked at, and one for each strategy that
    /// was asked about it.
    pub work: usize,
    /// Whether the frame is done with.
    pub is_done: bool,
}

/// Where a slice ended.
pub(super) struct Reached {
    /// The next step of the frame; `None` behind its last.
    pub(super) next: Option<usize>,
    pub(super) work: usize,
}

impl Container {
    /// Takes every step of a frame.
    ///
    /// # Errors
    /// When a number leaves the ledger's range or the container holds too much memory; it is then not to be
    /// used any more.
    pub fn run_frame(&mut self, frame: &Frame) -> Result<(), ContainerError> {
        while !self.run_slice(frame, usize::MAX)?.is_done {}
        Ok(())
    }

    /// Takes the next steps of a frame, until the frame is done with or at least `work_max` units of
    /// work are done; at least one step, which is never cut. A frame that was begun must be gone on
    /// with, until it is done. Where it is cut changes nothing of what comes out.
    ///
    /// # Errors
    /// As [`Self::run_frame`].
    pub fn run_slice(&mut self, frame: &Frame, work_max: usize) -> Result<Progress, ContainerError> {
        if self.next_step.is_none() {
            self.decisions.begin_frame(frame);
        }
        let from = self.next_step.unwrap_or(0);
        let group = &frame.groups[self.group];
        let days = &group.day_starts[..];
        let Reached { next, work } = match &group.order {
            Order::Single { series } => self.run_single(frame, *series as usize, days, from, work_max)?,
            Order::Merged { steps, rows } => self.run_merged(frame, steps, rows, days, from, work_max)?,
        };
        self.next_step = next;
        if next.is_none() {
            self.end_frame(frame)?;
        }
        Ok(Progress { work, is_done: next.is_none() })
    }

    /// The steps of a container that looks at several series.
    fn run_merged(
        &mut self,
        frame: &Frame,
        steps: &[StepSpan],
        rows: &[RowRef],
        day_starts: &[u32],
        from: usize,
        work_max: usize,
    ) -> Result<Reached, ContainerError> {
        let days_begun = day_starts.partition_point(|start| (*start as usize) < from);
        let mut day_starts = day_starts[days_begun..].iter().copied().peekable();
        let mut rows_from = from.checked_sub(1).map_or(0, |before| steps[before].rows_end as usize);
        let mut work = 0;
        for (index, step) in steps.iter().enumerate().skip(from) {
            if work >= work_max.max(1) {
                return Ok(Reached { next: Some(index), work });
            }
            let rows = &rows[rows_from..step.rows_end as usize];
            rows_from = step.rows_end as usize;
            let starts_day = day_starts.next_if_eq(&(index as u32)).is_some();
            work += rows.len() + self.step(frame, step.ts_ns, rows, starts_day)?;
        }
        Ok(Reached { next: None, work })
    }
}

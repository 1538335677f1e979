//! Frames: one span of steps for all subscribers, with the indicator columns they asked for and the
//! merged order of rows, worked out once.

use std::sync::Arc;

use crate::data::BarColumns;

/// The rows of one series in a frame.
#[derive(Clone, Debug)]
pub struct SeriesRows {
    /// `lead` rows of earlier frames, then the frame's own.
    pub columns: BarColumns,
    /// How many leading rows only serve looking back.
    pub lead: usize,
}

impl SeriesRows {
    /// No rows at all.
    pub fn empty() -> Self {
        Self { columns: BarColumns::empty(), lead: 0 }
    }

    /// The frame's own rows.
    pub fn rows(&self) -> usize {
        self.columns.len() - self.lead
    }
}

/// One output of one indicator: values for the leading and own rows of its series, at the same
/// indexes. May be longer than the series' rows; what lies beyond means nothing.
pub type Column = Arc<[f64]>;

/// One step: all rows that close at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepSpan {
    /// The close time.
    pub ts_ns: i64,
    /// Where its rows end in [`Order::Merged::rows`]; they start where those of the step before end.
    pub rows_end: u32,
}

/// One row of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef {
    /// Index into [`Frame::series`].
    pub series: u32,
    /// Index into the series' columns, leading rows counted.
    pub row: u32,
}

/// The order of rows for one group of containers that look at the same series.
#[derive(Clone, Debug)]
pub enum Order {
    /// The rows of one series, each a step of its own.
    Single {
        /// Index into [`Frame::series`].
        series: u32,
    },
    /// The rows of several series by close time, timeframe and instrument.
    Merged {
        /// The steps.
        steps: Vec<StepSpan>,
        /// Their rows.
        rows: Vec<RowRef>,
    },
}

/// The steps of a frame for one group of containers.
#[derive(Clone, Debug)]
pub struct Group {
    /// The order of rows.
    pub order: Order,
    /// Steps of this frame (0-based, ascending) that are the first of a UTC day. The group's very
    /// first step counts.
    pub day_starts: Vec<u32>,
}

/// One span of steps.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its number, counted from 0.
    pub sequence: u64,
    /// The rows, by series of the run.
    pub series: Vec<SeriesRows>,
    /// The order of rows, by group.
    pub groups: Vec<Group>,
    /// Indicator columns, by hub slot.
    pub columns: Vec<Column>,
}

impl Frame {
    /// A frame without rows.
    pub fn empty() -> Self {
        Self { sequence: 0, series: Vec::new(), groups: Vec::new(), columns: Vec::new() }
    }

    /// Own rows over all series.
    pub fn rows(&self) -> usize {
        self.series.iter().map(SeriesRows::rows).sum()
    }
}

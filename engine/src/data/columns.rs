//! Bars as column views: cloning or slicing one copies no price.

use arrow_buffer::ScalarBuffer;

/// One bar, by value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// When it opened, UTC nanoseconds.
    pub ts_open_ns: i64,
    /// When it closed, UTC nanoseconds; later than it opened.
    pub ts_close_ns: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Traded quantity; 0 where the source has none.
    pub volume: f64,
}

/// Consecutive bars of one series as seven columns of equal length.
///
/// Each column is a view of a buffer that may be heap memory or a mapped file.
#[derive(Clone, Debug, PartialEq)]
pub struct BarColumns {
    /// When each bar opened, UTC nanoseconds.
    pub ts_open_ns: ScalarBuffer<i64>,
    /// When each bar closed, UTC nanoseconds, strictly increasing.
    pub ts_close_ns: ScalarBuffer<i64>,
    /// First prices.
    pub open: ScalarBuffer<f64>,
    /// Highest prices.
    pub high: ScalarBuffer<f64>,
    /// Lowest prices.
    pub low: ScalarBuffer<f64>,
    /// Last prices.
    pub close: ScalarBuffer<f64>,
    /// Traded quantities.
    pub volume: ScalarBuffer<f64>,
}

impl BarColumns {
    /// No bars.
    pub fn empty() -> Self {
        BarColumnsBuilder::default().finish()
    }

    /// Copies bars into new columns.
    pub fn from_bars<'a>(bars: impl IntoIterator<Item = &'a Bar>) -> Self {
        let mut builder = BarColumnsBuilder::default();
        for bar in bars {
            builder.push(bar);
        }
        builder.finish()
    }

    /// How many bars.
    pub fn len(&self) -> usize {
        self.ts_close_ns.len()
    }

    /// Whether there is no bar.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bar `row` by value.
    ///
    /// # Panics
    /// When `row` is out of range.
    pub fn bar(&self, row: usize) -> Bar {
        Bar {
            ts_open_ns: self.ts_open_ns[row],
            ts_close_ns: self.ts_close_ns[row],
            open: self.open[row],
            high: self.high[row],
            low: self.low[row],
            close: self.close[row],
            volume: self.volume[row],
        }
    }

    /// All bars by value.
    pub fn bars(&self) -> impl Iterator<Item = Bar> + '_ {
        (0..self.len()).map(|row| self.bar(row))
    }

    /// A view of `len` bars from `offset`.
    ///
    /// # Panics
    /// When the span is out of range.
    pub fn slice(&self, offset: usize, len: usize) -> Self {
        Self {
            ts_open_ns: self.ts_open_ns.slice(offset, len),
            ts_close_ns: self.ts_close_ns.slice(offset, len),
            open: self.open.slice(offset, len),
            high: self.high.slice(offset, len),
            low: self.low.slice(offset, len),
            close: self.close.slice(offset, len),
            volume: self.volume.slice(offset, len),
        }
    }
}

/// Collects bars into columns.
#[derive(Clone, Debug, Default)]
pub struct BarColumnsBuilder {
    /// Open times so far.
    pub ts_open_ns: Vec<i64>,
    /// Close times so far.
    pub ts_close_ns: Vec<i64>,
    /// First prices so far.
    pub open: Vec<f64>,
    /// Highest prices so far.
    pub high: Vec<f64>,
    /// Lowest prices so far.
    pub low: Vec<f64>,
    /// Last prices so far.
    pub close: Vec<f64>,
    /// Quantities so far.
    pub volume: Vec<f64>,
}

impl BarColumnsBuilder {
    /// Room for `rows` bars.
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            ts_open_ns: Vec::with_capacity(rows),
            ts_close_ns: Vec::with_capacity(rows),
            open: Vec::with_capacity(rows),
            high: Vec::with_capacity(rows),
            low: Vec::with_capacity(rows),
            close: Vec::with_capacity(rows),
            volume: Vec::with_capacity(rows),
        }
    }

    /// Appends a bar.
    pub fn push(&mut self, bar: &Bar) {
        self.ts_open_ns.push(bar.ts_open_ns);
        self.ts_close_ns.push(bar.ts_close_ns);
        self.open.push(bar.open);
        self.high.push(bar.high);
        self.low.push(bar.low);
        self.close.push(bar.close);
        self.volume.push(bar.volume);
    }

    /// Appends a span of columns.
    pub fn extend(&mut self, columns: &BarColumns) {
        self.ts_open_ns.extend_from_slice(&columns.ts_open_ns);
        self.ts_close_ns.extend_from_slice(&columns.ts_close_ns);
        self.open.extend_from_slice(&columns.open);
        self.high.extend_from_slice(&columns.high);
        self.low.extend_from_slice(&columns.low);
        self.close.extend_from_slice(&columns.close);
        self.volume.extend_from_slice(&columns.volume);
    }

    /// How many bars so far.
    pub fn len(&self) -> usize {
        self.ts_close_ns.len()
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns; moves the vectors, copies nothing.
    pub fn finish(self) -> BarColumns {
        BarColumns {
            ts_open_ns: self.ts_open_ns.into(),
            ts_close_ns: self.ts_close_ns.into(),
            open: self.open.into(),
            high: self.high.into(),
            low: self.low.into(),
            close: self.close.into(),
            volume: self.volume.into(),
        }
    }
}

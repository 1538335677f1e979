//! CSV and JSON lines. Numbers are written as the shortest decimal that reads back as the same double.

use std::io::{self, BufWriter, Write};

use barhive_engine::data::{Bar, BarColumns, FeedError};

use super::{BarWriter, write_error};

const BUFFER_BYTES: usize = 1 << 16;

pub(super) struct CsvWriter {
    origin: String,
    out: BufWriter<Box<dyn Write + Send>>,
}

impl CsvWriter {
    pub(super) fn new(origin: String, out: Box<dyn Write + Send>) -> Result<Self, FeedError> {
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
        out.write_all(b"ts_open_ns,ts_close_ns,open,high,low,close,volume\n")
            .map_err(|fault| write_error(&origin, &fault))?;
        Ok(Self { origin, out })
    }
}

impl BarWriter for CsvWriter {
    fn rows(&mut self, rows: &BarColumns) -> Result<(), FeedError> {
        let write = |out: &mut BufWriter<_>, bar: Bar| -> io::Result<()> {
            let Bar { ts_open_ns, ts_close_ns, open, high, low, close, volume } = bar;
            writeln!(out, "{ts_open_ns},{ts_close_ns},{open},{high},{low},{close},{volume}")
        };
        let written = rows.bars().try_for_each(|bar| write(&mut self.out, bar));
        written.map_err(|fault| write_error(&self.origin, &fault))
    }

    fn finish(mut self: Box<Self>) -> Result<(), FeedError> {
        self.out.flush().map_err(|fault| write_error(&self.origin, &fault))
    }
}

pub(super) struct JsonWriter {
    origin: String,
    out: BufWriter<Box<dyn Write + Send>>,
}

impl JsonWriter {
    pub(super) fn new(origin: String, out: Box<dyn Write + Send>) -> Self {
        Self { origin, out: BufWriter::with_capacity(BUFFER_BYTES, out) }
    }
}

impl BarWriter for JsonWriter {
    fn rows(&mut self, rows: &BarColumns) -> Result<(), FeedError> {
        let write = |out: &mut BufWriter<_>, bar: Bar| -> io::Result<()> {
            let Bar { ts_open_ns, ts_close_ns, open, high, low, close, volume } = bar;
            writeln!(
                out,
                r#"{{"ts_open_ns":{ts_open_ns},"ts_close_ns":{ts_close_ns},"open":{open},"high":{high},"low":{low},"close":{close},"volume":{volume}}}"#
            )
        };
        let written = rows.bars().try_for_each(|bar| write(&mut self.out, bar));
        written.map_err(|fault| write_error(&self.origin, &fault))
    }

    fn finish(mut self: Box<Self>) -> Result<(), FeedError> {
        self.out.flush().map_err(|fault| write_error(&self.origin, &fault))
    }
}

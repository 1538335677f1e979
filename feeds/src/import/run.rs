//! Runs an import from a file or a stream into a sink.

use std::{io::Read, path::Path};

use barhive_engine::{
    data::{BarColumns, FeedError, SeriesInfo, SeriesKind},
    instrument::Instrument,
    timeframe::Timeframe,
};

use super::{Chunk, Format, ImportReport, ImportSpec, Pipeline, open_rows};
use crate::{csv, jsonl, rows::RowReader};

/// Rows handed to a sink at a time: columns of 64 KiB, which allocators reuse instead of mapping anew.
const CHUNK_ROWS: usize = 8_192;

/// Takes what an import lets through: one instrument after the other, sorted by symbol.
///
/// An import that fails ends without [`ImportSink::end`] for the instrument at hand: the sink throws away
/// what it took of it.
pub trait ImportSink {
    /// An instrument's series begin, each with rows of the same times. The price scale may still be
    /// unknown: only [`ImportSink::end`] has the instrument as it is.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking it; the import stops.
    fn begin(&mut self, symbol: &str, timeframe: Timeframe, kinds: &[SeriesKind]) -> Result<(), FeedError>;

    /// Further rows of one of the series, later than those before.
    ///
    /// # Errors
    /// As for [`ImportSink::begin`].
    fn rows(&mut self, kind: SeriesKind, rows: &BarColumns) -> Result<(), FeedError>;

    /// The instrument's series are complete: one info for each kind, in the order of `begin`.
    ///
    /// # Errors
    /// As for [`ImportSink::begin`].
    fn end(&mut self, instrument: &Instrument, series: &[SeriesInfo]) -> Result<(), FeedError>;
}

/// Imports a file.
///
/// A file of one instrument, in order of time, is read in one pass and bounded memory. A file of several
/// instruments, or one that runs backwards, is held in memory to be split or sorted.
///
/// # Errors
/// When the spec or the layout is at fault (all faults at once), the file cannot be read, a row has a fault
/// whose policy is to halt, or no row is let through. Rejected rows are no error: the report counts and
/// lists them.
pub fn import_file(
    path: &Path,
    spec: &ImportSpec,
    sink: &mut dyn ImportSink,
) -> Result<ImportReport, FeedError> {
    let reader = open_rows(path, spec.format, &spec.layout)?;
    import(reader, spec, &name_of(path), sink)
}

/// Imports a stream of CSV or JSON lines, such as a pipe; `origin` names it in messages.
///
/// # Errors
/// As for [`import_file`]; Parquet cannot be read from a stream.
pub fn import_stream(
    origin: &str,
    read: Box<dyn Read + Send>,
    spec: &ImportSpec,
    sink: &mut dyn ImportSink,
) -> Result<ImportReport, FeedError> {
    let reader = match spec.format {
        None | Some(Format::Csv) => csv::open(origin, read, &spec.layout)?,
        Some(Format::JsonLines) => jsonl::open(origin, read, &spec.layout)?,
        Some(Format::Parquet) => {
            let what = "Parquet is read from its end, so it has to be a file".to_owned();
            return Err(FeedError::Io { origin: origin.to_owned(), what });
        }
    };
    import(reader, spec, origin, sink)
}

/// The name of a file without folder and extension.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_stem().map_or_else(|| "data".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn import(
    reader: Box<dyn RowReader>,
    spec: &ImportSpec,
    name: &str,
    sink: &mut dyn ImportSink,
) -> Result<ImportReport, FeedError> {
    let mut pipeline = Pipeline::new(reader, spec, name)?;
    let (timeframe, kinds, streams) = (pipeline.timeframe(), pipeline.kinds(), pipeline.streams());
    if streams {
        sink.begin(spec.symbol.as_deref().unwrap_or(name), timeframe, kinds)?;
    }
    while pipeline.advance(CHUNK_ROWS)? {
        if streams {
            hand_over(sink, kinds, &pipeline.take_chunk())?;
        }
    }
    for (instrument, infos, chunk) in pipeline.finish()? {
        if !streams {
            sink.begin(&instrument.symbol, timeframe, kinds)?;
        }
        hand_over(sink, kinds, &chunk)?;
        sink.end(&instrument, &infos)?;
    }
    Ok(pipeline.report)
}

fn hand_over(sink: &mut dyn ImportSink, kinds: &[SeriesKind], chunk: &Chunk) -> Result<(), FeedError> {
    for kind in kinds {
        let columns = chunk.of(*kind);
        if !columns.is_empty() {
            sink.rows(*kind, columns)?;
        }
    }
    Ok(())
}

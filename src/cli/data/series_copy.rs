//! Reads a series of a source to its end.

use barhive_engine::data::{BarColumns, FeedError, Pull, SeriesInfo, SeriesRequest, Source};

/// Rows asked for at a time.
const ROWS: usize = 16_384;

/// Hands every row of a series to `take`.
///
/// # Errors
/// When the source cannot be read, or `take` fails.
pub(super) fn copy(
    source: &dyn Source,
    series: &SeriesInfo,
    take: &mut dyn FnMut(&BarColumns) -> Result<(), FeedError>,
) -> Result<u64, FeedError> {
    let request = SeriesRequest {
        symbol: series.symbol.clone(),
        kind: series.kind,
        timeframe: series.timeframe,
        from_ns: None,
        to_ns: None,
    };
    let mut feed = source.open(&request)?;
    let mut rows = 0;
    loop {
        match feed.pull(ROWS, 0)? {
            Pull::Rows(batch) => {
                rows += batch.len() as u64;
                take(&batch.columns.slice(batch.lead, batch.len()))?;
            }
            Pull::Watermark(_) => {}
            Pull::Pending => std::thread::yield_now(),
            Pull::End => return Ok(rows),
        }
    }
}

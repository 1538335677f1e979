//! Market data as the engine sees it: bars in columns, series, batches and the feeds they come from.

mod columns;
mod feed;
mod memory;
mod resample;
mod series;

pub use columns::{Bar, BarColumns, BarColumnsBuilder};
pub use feed::{Feed, FeedError, Pull, SeriesInfo, SeriesRequest, Source};
pub use memory::MemorySource;
pub use resample::Resampler;
pub use series::{Batch, PriceSide, SeriesKey, SeriesKind};

//! What a page draws: bounded, exact summaries of curves, prices and round trips.
//!
//! Each keeps a fixed amount of memory however long the run is, loses no extreme, and depends on the
//! points alone: never on how they were cut into batches.

mod buckets;
mod equity;
mod marks;
mod prices;
mod tap;

pub use equity::{Curve, CurveBucket};
pub use marks::{Marks, Sample};
pub use prices::{PriceBucket, PriceCurve};
pub use tap::{PriceTap, SymbolPrices};

/// What one account leaves for the page.
#[derive(Clone, Debug, Default)]
pub struct AccountCurves {
    /// Its name.
    pub account: String,
    /// Equity and drawdown.
    pub equity: Curve,
    /// A sample of its round trips.
    pub marks: Marks,
}

//! Import: rows of a foreign file, judged, into the series of a sink; and what there is to say about them.

mod disorder;
mod file;
mod line;
mod pipeline;
mod report;
mod run;
mod spec;

pub use file::Format;
pub(crate) use file::open_rows;
pub(crate) use line::Chunk;
pub(crate) use pipeline::Pipeline;
pub use report::{ImportReport, SeriesReport};
pub(crate) use run::name_of;
pub use run::{ImportSink, import_file, import_stream};
pub use spec::{ImportSpec, InstrumentSpec};

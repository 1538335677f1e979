//! The tail: rows of a source that cannot be read twice, kept as they come.
//!
//! A tail is a folder of segments (`00000000.tail`, ...). A segment is a sparse file: a header, then the
//! columns of a fixed number of rows, one after the other, then a checksum per row. The writer puts rows
//! into the columns and then advances the published count in the header; rows below it are never written
//! again, so that readers in any process see a growing prefix of the rows and nothing else. A crash
//! leaves what was published; after a power cut, the checksums tell how much of it reached the disk.
//!
//! Rows are written with ordinary writes, so that a full disk is an error and not a signal, and read
//! through the mapping.

mod feed;
mod seal;
mod segment;
mod writer;

pub use feed::TailFeed;
pub use seal::{Sealed, seal};
pub use writer::{TailOptions, TailWriter};

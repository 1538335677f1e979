//! Parquet: columns declared or known by name, read one batch of rows at a time.

mod column;
mod read;

pub(crate) use read::open;

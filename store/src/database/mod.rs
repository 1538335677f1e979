//! The results database: SQLite embedded, PostgreSQL by URL.
//!
//! The run folder of a sweep is the truth, the database a copy that can be asked with SQL. It is filled
//! from the folder, a pass per transaction, by a [`Follower`] beside the sweep or by [`catch_up`] at any
//! later time, and never holds the sweep up: one that is gone is tried again, and gets what it missed from
//! the folder when it is back. Every row is written once, however often it is sent.
//!
//! The tables are in `migrations.sql`; the SQL is written once, for both.

mod catch_up;
mod connection;
mod error;
mod follower;
mod insert;
#[cfg(feature = "postgres")]
mod postgres;
mod records;
mod results;
mod schema;
mod sqlite;

pub use catch_up::{CaughtUp, catch_up};
pub use error::DatabaseError;
pub use follower::{Connect, FollowReport, Follower};
pub use records::{SignalRow, TradeRow};
pub use results::{Database, LedgerEntry, ResultStore, StoredExecution};

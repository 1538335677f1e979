//! Containers: one account with the strategies that trade on it, isolated from every other.

mod context;
mod setup;

pub use context::{AccountView, Context, PositionView};
pub use setup::{Declarations, SeriesDecl, Setup, Subscriptions, ValueDecl, complete};

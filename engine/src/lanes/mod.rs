//! Lanes: variants of a sweep that decide by market data alone, worked out many rows at a time.
//!
//! A lane is a container in every respect but speed: the same orders, fills, ledger and samples, to the
//! bit. A strategy opts in by being a [`Follower`] of a [`SideRule`] (or holding one), and by handing
//! the follower's [`Lane`] on from [`Strategy::lane`](crate::strategy::Strategy::lane). Whatever a lane
//! does not do (a limit, a stop, all-in, an order that is refused) is left to the container: a
//! variant that needs it is run again as one.

mod account;
mod follower;
mod group;
mod quotes;
mod signals;

pub use follower::{Direction, Follower, SideRule};
pub use signals::Lane;

pub(crate) use group::{LaneEnd, LaneGroup};

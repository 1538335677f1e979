//! The best variants of a sweep, found while their results stream past.
//!
//! A [`Top`] keeps the best so many by one objective, a [`Front`] all that no other beats by several. Both
//! need memory for what they keep only, and answer the same whatever order the results come in.

mod front;
mod objective;
mod top;

pub use front::{Front, FrontMember};
pub use objective::{Objective, Score, parse_objectives};
pub use top::Top;

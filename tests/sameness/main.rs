//! Causality and sameness: a container's result is a function of its own configuration and the data.
//! Nothing else that a run could do differently may change it, and nothing that comes later either.

mod causality;
mod market;
mod neighbours;
mod panics;
mod parts;
mod pieces;
mod sets;
mod shards;

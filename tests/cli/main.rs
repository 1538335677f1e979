//! The program as its users meet it: spawned, with arguments, looked at from outside.

mod bench;
mod data;
mod manners;
mod program;
mod results;
mod runs;
mod sets;
mod sweep_runs;
mod sweeps;
mod workers;

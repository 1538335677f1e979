//! The program as its users meet it: spawned, with arguments, looked at from outside.

mod bench;
mod best;
mod data;
mod databases;
mod doctor;
mod full_disk;
mod governed;
mod http;
mod kills;
mod live;
mod manners;
mod program;
mod results;
mod runs;
mod serve;
mod server;
mod sets;
mod sweep_runs;
mod sweeps;
mod workers;

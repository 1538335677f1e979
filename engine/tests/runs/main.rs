//! Whole runs on bars in memory: what an order meets, what changes a result and what must not, and
//! what a failing account does to its neighbours.

mod causality;
mod closing;
mod containers;
mod exits;
mod fills;
mod goog;
mod halves;
mod hub;
mod kit;
mod lanes;
mod merge;
mod money;
mod orders;
mod random;
mod slices;
mod spans;
mod timetable;

//! What the built-in strategies do on prices that were made for them, against plain oracles.

mod across;
mod bigbar;
mod breakout;
mod causality;
mod docs;
mod goog;
mod kit;
mod parameters;
mod single;

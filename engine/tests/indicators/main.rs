//! What every indicator must keep, and what its numbers must be.

mod conformance;
mod docs;
mod exactness;
mod market;
mod oracles;
mod reference;
mod run;

//! The queue on a machine that is watched: a scripted monitor says how it is, real runs stand back and go on.

mod bench;
mod live;
mod load;
mod random;

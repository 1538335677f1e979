//! The results database as commands use it: which one, kept up to date beside a sweep, caught up with later.

mod keep;
mod pending;
mod records;
mod sync;
mod target;

pub(super) use self::{
    keep::{Copied, Finished, Keeper},
    pending::{mark, marked},
    records::Collector,
    sync::{Brought, SyncFault, bring},
    target::{DatabaseFlags, FILE, Target},
};

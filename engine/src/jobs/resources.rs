//! What a job asks of the machine.

use serde::{Deserialize, Serialize};

/// Memory and workers: what a job asks for, what is in use, or what is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Resources {
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Workers; each is a core.
    pub workers: u32,
}

impl Resources {
    /// Nothing at all.
    pub const NONE: Self = Self { memory_bytes: 0, workers: 0 };

    /// Memory and workers.
    pub const fn new(memory_bytes: u64, workers: u32) -> Self {
        Self { memory_bytes, workers }
    }

    /// Whether all of it is there in `free`.
    pub const fn fits(self, free: Self) -> bool {
        self.memory_bytes <= free.memory_bytes && self.workers <= free.workers
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
            workers: self.workers.saturating_add(other.workers),
        }
    }

    /// What is left without `other`; of what is short, nothing.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.saturating_sub(other.memory_bytes),
            workers: self.workers.saturating_sub(other.workers),
        }
    }
}

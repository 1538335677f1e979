//! The hub's cache of columns: least recently used first out, bounded in bytes and entries, never
//! taking a column that a frame still holds.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;

use crate::frame::Column;

/// Which piece of which column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColumnKey {
    /// The column's number in its pass: stands for instrument, timeframe, indicator, parameters,
    /// input, origin and output.
    pub column: u32,
    /// The frame's number: stands for the index of the last row.
    pub sequence: u64,
}

/// What the cache did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounters {
    /// Look-ups that found their column.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Columns evicted.
    pub evictions: u64,
    /// Bytes held at most.
    pub bytes_peak: u64,
}

impl CacheCounters {
    /// Hits over look-ups; `None` before the first.
    pub fn hit_rate(&self) -> Option<f64> {
        let lookups = self.hits + self.misses;
        (lookups > 0).then(|| self.hits as f64 / lookups as f64)
    }
}

/// Columns by key. All have the same length, so evicting one makes room for one, in its memory.
pub struct ColumnCache {
    /// Indexes into `columns`.
    entries: LruCache<ColumnKey, usize>,
    columns: Vec<Column>,
    /// What stands where a column is being written.
    absent: Column,
    rows: usize,
    counters: CacheCounters,
}

/// A column that is being written.
pub(super) struct OpenColumn {
    slot: usize,
    column: Column,
}

impl OpenColumn {
    /// Its values.
    pub(super) fn values(&mut self) -> &mut [f64] {
        Arc::get_mut(&mut self.column)
            .unwrap_or_else(|| unreachable!("an open column is held by nobody else"))
    }
}

impl ColumnCache {
    /// A cache of columns of `rows` values within `bytes_max` and `entries_max` (at least one entry).
    pub fn new(rows: usize, bytes_max: usize, entries_max: usize) -> Self {
        let fitting = (bytes_max / (rows * size_of::<f64>()).max(1)).min(entries_max).max(1);
        let capacity = NonZeroUsize::new(fitting).unwrap_or(NonZeroUsize::MIN);
        // An entry is made when it is needed: a large bound costs nothing up front.
        let mut entries = LruCache::unbounded();
        entries.resize(capacity);
        Self {
            entries,
            columns: Vec::new(),
            absent: Arc::default(),
            rows,
            counters: CacheCounters::default(),
        }
    }

    /// The column at `key`, if it is still held.
    pub fn get(&mut self, key: ColumnKey) -> Option<Column> {
        let found = self.entries.get(&key).map(|slot| Arc::clone(&self.columns[*slot]));
        match found {
            Some(_) => self.counters.hits += 1,
            None => self.counters.misses += 1,
        }
        found
    }

    /// The column at `key`; when it is not held, `calculate` writes it.
    pub fn get_or_calculate(&mut self, key: ColumnKey, calculate: impl FnOnce(&mut [f64])) -> Column {
        match self.get(key) {
            Some(column) => column,
            None => self.calculate(key, calculate),
        }
    }

    /// Writes the column at `key` and holds it.
    pub fn calculate(&mut self, key: ColumnKey, calculate: impl FnOnce(&mut [f64])) -> Column {
        let mut open = self.open(key);
        calculate(open.values());
        self.close(open)
    }

    /// The column at `key`, to be written; [`Self::close`] takes it back. Several may be open at a time.
    pub(super) fn open(&mut self, key: ColumnKey) -> OpenColumn {
        let slot = self.free_slot(key);
        let column = std::mem::replace(&mut self.columns[slot], Arc::clone(&self.absent));
        OpenColumn { slot, column }
    }

    /// Holds a column that is written.
    pub(super) fn close(&mut self, open: OpenColumn) -> Column {
        let OpenColumn { slot, column } = open;
        self.columns[slot] = Arc::clone(&column);
        column
    }

    fn free_slot(&mut self, key: ColumnKey) -> usize {
        if self.entries.len() == self.entries.cap().get() {
            let oldest = self.entries.peek_lru().map(|(_, slot)| *slot);
            match oldest {
                Some(slot) if Arc::get_mut(&mut self.columns[slot]).is_some() => {
                    // At capacity, pushing evicts the oldest entry and takes over its node.
                    self.entries.push(key, slot);
                    self.counters.evictions += 1;
                    return slot;
                }
                // In use: the bound yields rather than take it.
                _ => self.entries.resize(self.entries.cap().saturating_add(1)),
            }
        }
        self.columns.push(vec![f64::NAN; self.rows].into());
        let slot = self.columns.len() - 1;
        self.entries.push(key, slot);
        self.counters.bytes_peak = (self.columns.len() * self.rows * size_of::<f64>()) as u64;
        slot
    }

    /// What it did so far.
    pub fn counters(&self) -> CacheCounters {
        self.counters
    }

    /// Columns held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(column: u32, sequence: u64) -> ColumnKey {
        ColumnKey { column, sequence }
    }

    #[test]
    fn the_ten_thousand_and_first_entry_evicts_the_oldest() {
        let mut cache = ColumnCache::new(1, usize::MAX, 10_000);
        for sequence in 0..10_001 {
            cache.get_or_calculate(key(0, sequence), |values| values[0] = sequence as f64);
        }
        assert_eq!(cache.len(), 10_000);
        assert!(cache.get(key(0, 0)).is_none());
        assert_eq!(cache.get(key(0, 1)).map(|column| column[0]), Some(1.0));
        assert_eq!(cache.counters().evictions, 1);
    }

    #[test]
    fn a_hit_makes_an_entry_the_newest() {
        let mut cache = ColumnCache::new(1, usize::MAX, 2);
        cache.get_or_calculate(key(0, 0), |_| {});
        cache.get_or_calculate(key(1, 0), |_| {});
        cache.get_or_calculate(key(0, 0), |_| panic!("held"));
        cache.get_or_calculate(key(2, 0), |_| {});
        assert!(cache.get(key(0, 0)).is_some());
        assert!(cache.get(key(1, 0)).is_none());
        assert_eq!(cache.counters().hits, 2);
        assert_eq!(cache.counters().misses, 4);
        assert_eq!(cache.counters().hit_rate(), Some(2.0 / 6.0));
    }

    #[test]
    fn a_column_in_use_is_never_evicted() {
        let mut cache = ColumnCache::new(1, 8, 1);
        let held = cache.get_or_calculate(key(0, 0), |values| values[0] = 7.0);
        let other = cache.get_or_calculate(key(0, 1), |values| values[0] = 8.0);
        assert_eq!((held[0], other[0]), (7.0, 8.0));
        assert!(cache.get(key(0, 0)).is_some());
        assert_eq!(cache.counters().evictions, 0);
    }

    #[test]
    fn bytes_bound_the_entries() {
        let mut cache = ColumnCache::new(1024, 64 * 1024, 10_000);
        for sequence in 0..100 {
            cache.calculate(key(0, sequence), |_| {});
        }
        assert_eq!(cache.len(), 8);
        assert_eq!(cache.counters().bytes_peak, 64 * 1024);
    }
}

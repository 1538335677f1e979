//! A bounded sample of round trips per instrument: evenly thinned ones, and the newest whole.
//!
//! Thinning keeps neighbours in pairs: a strategy that is always in the market alternates between long
//! and short, and every other one of its round trips would show only one side.

use std::collections::{BTreeMap, VecDeque};

use barhive_engine::{instrument::InstrumentId, record::Trade};

/// Round trips of one instrument.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Two of every `2 x stride` round trips, in order of their closing.
    pub thinned: Vec<Trade>,
    /// How many round trips each of `thinned` stands for.
    pub stride: u64,
    /// How many there were.
    pub seen: u64,
    /// The newest ones, oldest first.
    pub newest: VecDeque<Trade>,
}

/// Round trips of one account, by instrument.
#[derive(Clone, Debug)]
pub struct Marks {
    samples: BTreeMap<InstrumentId, Sample>,
    limit: usize,
}

impl Default for Marks {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Marks {
    /// Room for 1,024 round trips of each of few instruments, for at least 32 of each of many.
    pub fn new(instruments: usize) -> Self {
        Self { samples: BTreeMap::new(), limit: (8192 / instruments.max(1)).clamp(32, 1024) }
    }

    /// Adds round trips in order of their closing. Amortised O(1) each.
    pub fn extend(&mut self, trades: &[Trade]) {
        for trade in trades {
            let sample = self.samples.entry(trade.instrument).or_insert_with(|| Sample {
                thinned: Vec::new(),
                stride: 1,
                seen: 0,
                newest: VecDeque::new(),
            });
            sample.push(trade, self.limit);
        }
    }

    /// Forgets every round trip.
    pub fn clear(&mut self) {
        self.samples.clear();
    }

    /// The samples by instrument.
    pub fn samples(&self) -> &BTreeMap<InstrumentId, Sample> {
        &self.samples
    }
}

impl Sample {
    /// Whether the next round trip is in a pair that is kept.
    fn keeps_next(&self) -> bool {
        (self.seen / 2).is_multiple_of(self.stride)
    }

    fn push(&mut self, trade: &Trade, limit: usize) {
        if self.keeps_next() && self.thinned.len() == limit {
            let mut place = 0usize;
            self.thinned.retain(|_| {
                place += 1;
                ((place - 1) / 2).is_multiple_of(2)
            });
            self.stride *= 2;
        }
        if self.keeps_next() {
            self.thinned.push(*trade);
        }
        self.seen += 1;
        if self.newest.len() == limit.min(256) {
            self.newest.pop_front();
        }
        self.newest.push_back(*trade);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use barhive_engine::{money::Money, order::Side};

    pub(crate) fn trade(number: i64) -> Trade {
        Trade {
            strategy: 0,
            instrument: InstrumentId(0),
            side: Side::Buy,
            lots: 1,
            entry_ts_ns: number,
            exit_ts_ns: number + 1,
            entry_value: Money::from_units(100),
            exit_value: Money::from_units(101),
            fees: Money::ZERO,
            pnl: Money::from_units(1),
        }
    }

    #[test]
    fn round_trips_are_thinned_evenly_and_the_newest_stay() {
        let mut marks = Marks::new(256);
        for number in 0..1000 {
            marks.extend(&[trade(number)]);
        }
        let sample = &marks.samples()[&InstrumentId(0)];
        assert!(sample.thinned.len() <= 32);
        assert_eq!(sample.stride, 32);
        for (place, kept) in sample.thinned.iter().enumerate() {
            assert_eq!(kept.entry_ts_ns, place as i64 / 2 * 64 + place as i64 % 2);
        }
        assert_eq!(sample.seen, 1000);
        assert_eq!((sample.newest.len(), sample.newest[31].entry_ts_ns), (32, 999));
    }
}

//! A recorder that keeps what it is given in memory, for those who embed the engine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    record::{Recorder, Records, Wants},
    set::{Retention, Trace},
};

/// Keeps records in memory, as much of them as a [`Retention`] says.
///
/// Clones share what they keep: one goes into the run, another stays with the caller.
#[derive(Clone, Debug)]
pub struct MemoryRecorder {
    kept: Arc<Mutex<Records>>,
    wants: Wants,
    window: Option<usize>,
}

impl MemoryRecorder {
    /// A recorder for `trace` and `retention`.
    ///
    /// Memory is O(records) for [`Retention::Full`], O(trades) for [`Retention::TradeComplete`] and
    /// O(window) for [`Retention::SlidingWindow`].
    pub fn new(trace: Trace, retention: Retention) -> Self {
        let (wants, window) = match retention {
            Retention::Minimal | Retention::SlidingWindow(0) => (Wants::default(), None),
            Retention::TradeComplete => (Wants { trades: true, ..Wants::default() }, None),
            Retention::SlidingWindow(newest) => (Wants::ALL, Some(newest)),
            Retention::Full => (Wants::ALL, None),
        };
        Self { kept: Arc::default(), wants: wants.within(trace), window }
    }

    /// A recorder that keeps everything.
    pub fn full() -> Self {
        Self::new(Trace::Full, Retention::Full)
    }

    /// A copy of what is kept.
    pub fn records(&self) -> Records {
        let mut kept = self.lock();
        self.trim(&mut kept, 0);
        kept.clone()
    }

    /// Takes what is kept and leaves nothing.
    pub fn take(&self) -> Records {
        let mut kept = self.lock();
        self.trim(&mut kept, 0);
        std::mem::take(&mut *kept)
    }

    /// A container that panics while it records leaves whole records behind: the lists only grow.
    fn lock(&self) -> MutexGuard<'_, Records> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts lists to the window once they exceed it by `slack`, so that cutting costs O(1) per record.
    fn trim(&self, kept: &mut Records, slack: usize) {
        let Some(window) = self.window else { return };
        fn cut<T>(list: &mut Vec<T>, window: usize, slack: usize) {
            if list.len() > window.saturating_add(slack) {
                list.drain(..list.len() - window);
            }
        }
        cut(&mut kept.equity, window, slack);
        cut(&mut kept.orders, window, slack);
        cut(&mut kept.fills, window, slack);
        cut(&mut kept.trades, window, slack);
    }
}

impl Recorder for MemoryRecorder {
    fn wants(&self) -> Wants {
        self.wants
    }

    fn record(&mut self, records: &Records) {
        let mut kept = self.lock();
        if self.wants.equity {
            kept.equity.extend_from_slice(&records.equity);
        }
        if self.wants.orders {
            kept.orders.extend_from_slice(&records.orders);
        }
        if self.wants.fills {
            kept.fills.extend_from_slice(&records.fills);
        }
        if self.wants.trades {
            kept.trades.extend_from_slice(&records.trades);
        }
        self.trim(&mut kept, self.window.unwrap_or(0));
    }

    fn restart(&mut self) {
        self.lock().clear();
    }

    fn memory_bytes(&self) -> u64 {
        self.lock().memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        instrument::InstrumentId,
        money::Money,
        order::Side,
        record::{EquityPoint, Trade},
    };

    fn frame(first: i64, rows: i64) -> Records {
        let trade = Trade {
            strategy: 0,
            instrument: InstrumentId(0),
            side: Side::Buy,
            lots: 1,
            entry_ts_ns: 0,
            exit_ts_ns: 1,
            entry_value: Money::ZERO,
            exit_value: Money::ZERO,
            fees: Money::ZERO,
            pnl: Money::ZERO,
        };
        Records {
            equity: (first..first + rows).map(|ts_ns| EquityPoint { ts_ns, equity: ts_ns as f64 }).collect(),
            trades: vec![trade],
            ..Records::default()
        }
    }

    #[test]
    fn a_window_keeps_the_newest_of_each_kind() {
        let recorder = MemoryRecorder::new(Trace::Full, Retention::SlidingWindow(5));
        let mut inside = recorder.clone();
        for first in [0, 3, 6, 9] {
            inside.record(&frame(first, 3));
        }
        let kept = recorder.records();
        assert_eq!(kept.equity.iter().map(|p| p.ts_ns).collect::<Vec<_>>(), [7, 8, 9, 10, 11]);
        assert_eq!(kept.trades.len(), 4);
    }

    #[test]
    fn retention_decides_what_is_kept() {
        for (retention, equity, trades) in [
            (Retention::Minimal, 0, 0),
            (Retention::TradeComplete, 0, 1),
            (Retention::SlidingWindow(0), 0, 0),
            (Retention::Full, 3, 1),
        ] {
            let mut recorder = MemoryRecorder::new(Trace::Normal, retention);
            recorder.record(&frame(0, 3));
            let kept = recorder.take();
            assert_eq!((kept.equity.len(), kept.trades.len()), (equity, trades), "{retention:?}");
            assert!(recorder.records().is_empty());
        }
    }

    #[test]
    fn a_restart_forgets_everything() {
        let mut recorder = MemoryRecorder::full();
        recorder.record(&frame(0, 3));
        recorder.restart();
        assert!(recorder.records().is_empty());
    }
}

//! Judges the rows of one series in their order, and lets through what a run may see: finite bars whose
//! close times strictly increase.

use barhive_engine::{
    data::{Bar, FeedError, PriceSide},
    time::{NS_PER_DAY, NS_PER_MS, NS_PER_SECOND, NS_PER_US, format_utc},
};

use super::{
    Policy, Tally,
    fault::{Fault, FaultSet},
    rules::{Place, Rows, Rules, Standing, halt, whole_row},
    values,
};
use crate::{
    rows::{RawRow, Side},
    scale::Middle,
    timing::Timing,
};

/// Flat bars that a repaired gap may get.
const GAP_BARS_MAX: i64 = 10_000;
/// A stamp this far from its neighbours may be a slip of the unit.
const FAR_NS: i64 = 366 * NS_PER_DAY;
/// 1971-01-01: an epoch count read before it may be a slip of the unit.
const YEAR_1971_NS: i64 = 365 * NS_PER_DAY;
/// 1990-01-01 and 2100-01-01: between them a first stamp is believed.
const BELIEVED_NS: std::ops::Range<i64> = 631_152_000 * NS_PER_SECOND..4_102_444_800 * NS_PER_SECOND;

/// Judges one series.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    rules: Rules,
    timing: Timing,
    last: Option<Last>,
    /// The last stamp that was believed: what lies far from it may be a slip of the unit.
    near_ns: Option<i64>,
    /// Close of the latest row in order, let through or not: gaps are measured from it.
    seen_close_ns: Option<i64>,
    middle: Middle,
    /// Rows whose bid closed above their ask.
    pub crossed: u64,
    /// Flat bars put in for gaps.
    pub filled: u64,
}

/// The last row let through.
#[derive(Clone, Copy, Debug)]
struct Last {
    stamp_ns: i64,
    close_ns: i64,
    /// As read, to know it again.
    read: (Side, Side),
    first: Side,
    ask: Side,
}

impl Judge {
    pub(crate) fn new(rules: Rules, timing: Timing) -> Self {
        Self {
            rules,
            timing,
            last: None,
            near_ns: None,
            seen_close_ns: None,
            middle: Middle::default(),
            crossed: 0,
            filled: 0,
        }
    }

    pub(crate) fn timing(&self) -> &Timing {
        &self.timing
    }

    /// When a row is stamped, judged by the rows before it in the file. `None` when no unit makes a time
    /// of its stamp.
    #[inline]
    pub(crate) fn locate(&mut self, raw: &RawRow) -> Option<Place> {
        match self.stamp(raw.stamp) {
            Some(stamp_ns) => {
                self.near_ns = Some(stamp_ns).filter(|ns| *ns != 0).or(self.near_ns);
                Some(Place { stamp_ns, confused: false })
            }
            None => self.other_unit(raw.stamp).map(|stamp_ns| Place { stamp_ns, confused: true }),
        }
    }

    /// Judges a located row, which comes after those judged before; what is let through is appended to
    /// `out`.
    ///
    /// # Errors
    /// When a fault's policy is to halt.
    #[inline]
    pub(crate) fn judge_at(
        &mut self,
        raw: &RawRow,
        place: Place,
        tally: &mut Tally,
        out: &mut Rows,
    ) -> Result<Standing, FeedError> {
        let mut faults = FaultSet::default();
        let stamp_ns = place.stamp_ns;
        if place.confused {
            faults.add(Fault::UnitConfusion);
        }
        let span = match raw.close_stamp {
            None => self.timing.span(stamp_ns),
            Some(close) => close.checked_mul(self.rules.unit_ns).map(|close_ns| (stamp_ns, close_ns)),
        };
        let Some((open_ns, close_ns)) = span.filter(|(open, close)| open < close) else {
            return self.unlocated(raw, tally);
        };
        if !values::sound(&raw.first) {
            values::find(&raw.first, &mut faults);
        }
        if self.rules.quotes && !values::sound(&raw.ask) {
            values::find(&raw.ask, &mut faults);
        }
        self.find_time_faults(stamp_ns, open_ns, close_ns, &mut faults);
        if faults.is_empty() {
            self.seen_close_ns = Some(close_ns);
            let (first, ask) = (raw.first, raw.ask);
            self.last = Some(Last { stamp_ns, close_ns, read: (first, ask), first, ask });
            self.emit(open_ns, close_ns, &first, &ask, out);
            return Ok(Standing::Kept);
        }
        self.decide(raw, Times { stamp_ns, open_ns, close_ns }, faults, tally, out)
    }

    /// Counts a row whose stamp is no time.
    ///
    /// # Errors
    /// When the policy for unreadable rows is to halt.
    #[cold]
    pub(crate) fn unlocated(&self, raw: &RawRow, tally: &mut Tally) -> Result<Standing, FeedError> {
        whole_row(&self.rules, Fault::Unreadable, raw.number, &far_stamp(raw.stamp), tally)
    }

    /// The stamp in nanoseconds; `None` when it does not fit, or looks like a slip of the unit.
    #[inline]
    fn stamp(&self, stamp: i64) -> Option<i64> {
        let ns = stamp.checked_mul(self.rules.unit_ns)?;
        if !self.rules.epoch {
            return Some(ns);
        }
        let near = match self.near_ns {
            Some(near) => ns.abs_diff(near) < FAR_NS as u64,
            None => !(1..YEAR_1971_NS).contains(&ns),
        };
        if near || self.other_unit(stamp).is_none() { Some(ns) } else { None }
    }

    /// The stamp read in the unit, other than the declared, in which it fits its neighbours, or without
    /// neighbours lies in believable years.
    #[cold]
    fn other_unit(&self, stamp: i64) -> Option<i64> {
        if !self.rules.epoch {
            return None;
        }
        [NS_PER_SECOND, NS_PER_MS, NS_PER_US, 1]
            .into_iter()
            .filter(|unit| *unit != self.rules.unit_ns)
            .filter_map(|unit| stamp.checked_mul(unit))
            .find(|ns| match self.near_ns {
                Some(near) => ns.abs_diff(near) < FAR_NS as u64,
                None => BELIEVED_NS.contains(ns),
            })
    }

    #[inline]
    fn find_time_faults(&self, stamp_ns: i64, open_ns: i64, close_ns: i64, faults: &mut FaultSet) {
        if stamp_ns == 0 {
            faults.add(Fault::EpochZero);
            // A missing stamp that is not believed says nothing about order.
            if self.rules.policies.epoch_zero > Policy::Count {
                return;
            }
        }
        if self.rules.now_ns.is_some_and(|now_ns| close_ns > now_ns) {
            faults.add(Fault::Future);
        }
        if let Some(last) = &self.last {
            if stamp_ns == last.stamp_ns {
                faults.add(Fault::Duplicate);
            } else if stamp_ns < last.stamp_ns || close_ns <= last.close_ns {
                faults.add(Fault::OutOfOrder);
            } else if open_ns < last.close_ns {
                faults.add(Fault::Overlap);
            }
        }
        if self.seen_close_ns.is_some_and(|seen| open_ns > seen) && self.is_gap(open_ns, *faults) {
            faults.add(Fault::Gap);
        }
    }

    /// Whether a bar was to be expected between the latest row and one that opens at `open_ns`. A row whose
    /// stamp is refused anyway shows no gap.
    #[cold]
    fn is_gap(&self, open_ns: i64, faults: FaultSet) -> bool {
        let believed = [Fault::EpochZero, Fault::Future, Fault::UnitConfusion]
            .into_iter()
            .all(|fault| !faults.has(fault) || self.rules.policies.of(fault) <= Policy::Repair);
        let Some(seen) = self.seen_close_ns else { return false };
        believed
            && match &self.rules.calendar {
                None => true,
                Some(calendar) => {
                    calendar.next_session(seen).is_some_and(|session| session.open_ns.max(seen) < open_ns)
                }
            }
    }

    /// Decides about a row with faults.
    #[cold]
    fn decide(
        &mut self,
        raw: &RawRow,
        times: Times,
        faults: FaultSet,
        tally: &mut Tally,
        out: &mut Rows,
    ) -> Result<Standing, FeedError> {
        let copy = self.is_copy(raw);
        // What the policy of a class means for this row.
        let meant = |fault: Fault, policy: Policy| match (fault, policy) {
            (Fault::Duplicate, Policy::Drop) if !copy => Policy::Reject,
            // The first row stands.
            (Fault::Duplicate, Policy::Repair) => Policy::Drop,
            // What could be sorted has been sorted.
            (Fault::OutOfOrder, Policy::Repair) => Policy::Reject,
            (_, policy) => policy,
        };
        let mut worst = Policy::Count;
        for fault in faults.iter() {
            let policy = meant(fault, self.rules.policies.of(fault));
            if policy == Policy::Halt {
                return Err(halt(&self.rules, fault, raw.number, &shown(raw, times)));
            }
            worst = worst.max(policy);
        }
        let wanted = worst;
        let mut mended = (raw.first, raw.ask);
        let mut open_ns = times.open_ns;
        if worst == Policy::Repair && !self.mend(&mut mended, &mut open_ns, times.close_ns) {
            worst = Policy::Reject;
        }
        if worst == Policy::Repair || worst == Policy::Count {
            if faults.has(Fault::Gap) && self.rules.policies.gap == Policy::Repair {
                self.fill(raw, times, out)?;
            }
            let (first, ask) = mended;
            self.last = Some(Last {
                stamp_ns: times.stamp_ns,
                close_ns: times.close_ns,
                read: (raw.first, raw.ask),
                first,
                ask,
            });
            self.emit(open_ns, times.close_ns, &first, &ask, out);
        }
        let misplaced = [Fault::OutOfOrder, Fault::EpochZero, Fault::Future, Fault::UnitConfusion]
            .into_iter()
            .any(|fault| faults.has(fault));
        if !misplaced || worst <= Policy::Repair {
            self.seen_close_ns = self.seen_close_ns.max(Some(times.close_ns));
        }
        for fault in faults.iter() {
            let policy = self.rules.policies.of(fault);
            let meant = meant(fault, policy);
            // A row that is left out is not mended, and faults that it may have are not why.
            let done = match (meant, worst) {
                (Policy::Repair, Policy::Reject) if wanted == Policy::Repair => Policy::Reject,
                (Policy::Repair, Policy::Drop | Policy::Reject) => Policy::Count,
                _ => meant,
            };
            tally.add(fault, policy, done, raw.number);
        }
        Ok(match worst {
            Policy::Count => Standing::Kept,
            Policy::Repair => Standing::Repaired,
            Policy::Drop => Standing::Dropped,
            Policy::Reject | Policy::Halt => Standing::Rejected,
        })
    }

    fn is_copy(&self, raw: &RawRow) -> bool {
        let bits = |side: &Side| side.prices().map(f64::to_bits);
        self.last.is_some_and(|last| {
            bits(&last.read.0) == bits(&raw.first)
                && last.read.0.volume.to_bits() == raw.first.volume.to_bits()
                && (!self.rules.quotes || bits(&last.read.1) == bits(&raw.ask))
        })
    }

    /// Mends values and an overlap; `false` where that cannot be done.
    fn mend(&self, sides: &mut (Side, Side), open_ns: &mut i64, close_ns: i64) -> bool {
        if let Some(last) = &self.last
            && *open_ns < last.close_ns
            && self.rules.policies.overlap == Policy::Repair
        {
            *open_ns = last.close_ns;
        }
        *open_ns < close_ns
            && values::mend(&mut sides.0, self.last.map(|last| last.first.close))
            && (!self.rules.quotes || values::mend(&mut sides.1, self.last.map(|last| last.ask.close)))
    }

    /// Puts flat bars where bars are missing before a row.
    fn fill(&mut self, raw: &RawRow, times: Times, out: &mut Rows) -> Result<(), FeedError> {
        let Some(last) = self.last else { return Ok(()) };
        let (first, ask) = (Side::flat(last.first.close), Side::flat(last.ask.close));
        let mut spans = Vec::new();
        let mut after_ns = last.close_ns;
        while let Some((open_ns, close_ns)) = self.missing_span(after_ns, times.open_ns) {
            if spans.len() as i64 == GAP_BARS_MAX {
                let what = format!("{}; the gap is longer than {GAP_BARS_MAX} bars", shown(raw, times));
                return Err(halt(&self.rules, Fault::Gap, raw.number, &what));
            }
            spans.push((open_ns, close_ns));
            after_ns = close_ns;
        }
        for (open_ns, close_ns) in &spans {
            self.emit(*open_ns, *close_ns, &first, &ask, out);
        }
        self.filled += spans.len() as u64;
        Ok(())
    }

    /// The first bar that is missing between two times: a session of a daily series with a calendar, else
    /// a bar on the grid that ends at `until_ns`, inside a session where there is a calendar.
    fn missing_span(&self, after_ns: i64, until_ns: i64) -> Option<(i64, i64)> {
        let length = self.timing.timeframe().ns();
        let calendar = self.rules.calendar.as_ref();
        if let Some(calendar) = calendar.filter(|_| self.timing.timeframe().is_daily()) {
            let session = calendar.next_session(after_ns)?;
            return (session.close_ns <= until_ns)
                .then_some((session.open_ns.max(after_ns), session.close_ns));
        }
        let mut open_ns = until_ns - until_ns.checked_sub(after_ns)? / length * length;
        while open_ns < until_ns {
            match calendar {
                Some(calendar) if calendar.session_at(open_ns).is_none() => open_ns += length,
                _ => return Some((open_ns, open_ns + length)),
            }
        }
        None
    }

    #[inline]
    fn emit(&mut self, open_ns: i64, close_ns: i64, first: &Side, ask: &Side, out: &mut Rows) {
        if !self.rules.quotes {
            out.bar.push(&bar(open_ns, close_ns, first));
            return;
        }
        self.crossed += u64::from(first.close > ask.close);
        out.bid.push(&bar(open_ns, close_ns, first));
        out.ask.push(&bar(open_ns, close_ns, ask));
        let shown = match self.rules.side {
            PriceSide::Bid => Side { volume: 0.0, ..*first },
            PriceSide::Ask => Side { volume: 0.0, ..*ask },
            PriceSide::Mid => Side {
                open: self.middle.of(first.open, ask.open),
                high: self.middle.of(first.high, ask.high),
                low: self.middle.of(first.low, ask.low),
                close: self.middle.of(first.close, ask.close),
                volume: 0.0,
            },
        };
        out.bar.push(&bar(open_ns, close_ns, &shown));
    }
}

#[derive(Clone, Copy)]
struct Times {
    stamp_ns: i64,
    open_ns: i64,
    close_ns: i64,
}

#[inline]
fn bar(open_ns: i64, close_ns: i64, side: &Side) -> Bar {
    Bar {
        ts_open_ns: open_ns,
        ts_close_ns: close_ns,
        open: side.open,
        high: side.high,
        low: side.low,
        close: side.close,
        volume: side.volume,
    }
}

fn far_stamp(stamp: i64) -> String {
    format!("the stamp {stamp}, whose bar is outside the years 1678 to 2261 or closes before it opens")
}

fn shown(raw: &RawRow, times: Times) -> String {
    let Side { open, high, low, close, volume } = raw.first;
    format!(
        "stamp {} ({}), open {open}, high {high}, low {low}, close {close}, volume {volume}",
        raw.stamp,
        format_utc(times.stamp_ns)
    )
}

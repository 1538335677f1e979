//! A pass as bytes: its work, then its variants as columns.
//!
//! Little-endian throughout: length of the work (u32), the work as JSON; one byte per variant (1 done,
//! 0 failed); the columns of those that are done; step (u64), time (i64) and length of the reason (u32) of
//! those that failed, then the reasons.

use barhive_engine::sweep::{Outcome, PassBlock, PassWork, Variant, VariantRange};

use super::record::{self, RECORD};

/// Fixed part of a failure.
const FAILURE: usize = 8 + 8 + 4;

/// The bytes of a pass, appended to `out`.
pub(super) fn encode(block: &PassBlock, out: &mut Vec<u8>) -> Result<(), String> {
    let work = serde_json::to_vec(&block.work).map_err(|error| error.to_string())?;
    out.extend_from_slice(&len32(work.len())?);
    out.extend_from_slice(&work);
    let (mut records, mut failures, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for variant in &block.variants {
        match &variant.outcome {
            Outcome::Done(evaluation) => {
                out.push(1);
                records.push(record::encode(evaluation));
            }
            Outcome::Failed { step, ts_ns, reason } => {
                out.push(0);
                failures.extend_from_slice(&step.to_le_bytes());
                failures.extend_from_slice(&ts_ns.to_le_bytes());
                failures.extend_from_slice(&len32(reason.len())?);
                reasons.extend_from_slice(reason.as_bytes());
            }
        }
    }
    record::write_columns(&records, out);
    out.extend_from_slice(&failures);
    out.extend_from_slice(&reasons);
    Ok(())
}

fn len32(len: usize) -> Result<[u8; 4], String> {
    u32::try_from(len).map(u32::to_le_bytes).map_err(|_| format!("a text of {len} bytes"))
}

/// A pass in memory, whose variants are made one by one.
#[derive(Debug)]
pub(super) struct Block {
    bytes: Vec<u8>,
    range: VariantRange,
    /// Where the outcomes' bytes start; the columns follow.
    tags: usize,
    done: usize,
    /// Where the failures start.
    failures: usize,
    /// Where the next reason starts, by failure.
    reasons: Vec<usize>,
}

impl Block {
    /// Reads what [`encode`] wrote for the variants of `range`.
    pub(super) fn decode(bytes: Vec<u8>, range: VariantRange) -> Result<(Self, PassWork), String> {
        let short = || format!("{} bytes", bytes.len());
        let work_end = 4usize.saturating_add(read_len(&bytes, 0).ok_or_else(short)?);
        let work = bytes.get(4..work_end).ok_or_else(short)?;
        let work =
            serde_json::from_slice(work).map_err(|error| format!("work that cannot be read: {error}"))?;
        let count = usize::try_from(range.len()).map_err(|_| short())?;
        let tags = work_end.checked_add(count).and_then(|end| bytes.get(work_end..end)).ok_or_else(short)?;
        let done = tags.iter().filter(|tag| **tag == 1).count();
        if tags.iter().any(|tag| *tag > 1) {
            return Err("an outcome that is neither done nor failed".to_owned());
        }
        let failures = work_end + count + done * RECORD;
        let mut reason = failures + (count - done) * FAILURE;
        let mut reasons = Vec::with_capacity(count - done);
        for failure in 0..count - done {
            let len = read_len(&bytes, failures + failure * FAILURE + 16).ok_or_else(short)?;
            reasons.push(reason);
            let text = bytes.get(reason..reason + len).ok_or_else(short)?;
            std::str::from_utf8(text).map_err(|_| "a reason that is no text".to_owned())?;
            reason += len;
        }
        if reason != bytes.len() {
            return Err(format!("{} bytes in place of {reason}", bytes.len()));
        }
        Ok((Self { range, tags: work_end, done, failures, reasons, bytes }, work))
    }

    /// Its variants, in grid order.
    pub(super) fn variants(self) -> impl Iterator<Item = Variant> + Send {
        let (mut done, mut failed) = (0, 0);
        self.range.iter().map(move |index| {
            let is_done = self.bytes[self.tags + (index - self.range.start) as usize] == 1;
            let outcome = if is_done { self.evaluation(done) } else { self.failure(failed) };
            done += usize::from(is_done);
            failed += usize::from(!is_done);
            Variant { index, outcome }
        })
    }

    fn evaluation(&self, place: usize) -> Outcome {
        let columns = &self.bytes[self.tags + self.range.len() as usize..self.failures];
        Outcome::Done(Box::new(record::decode(&record::read_columns(columns, self.done, place))))
    }

    fn failure(&self, place: usize) -> Outcome {
        let at = self.failures + place * FAILURE;
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&self.bytes[at..at + 8]);
            word
        };
        let len = read_len(&self.bytes, at + 16).unwrap_or(0);
        let reason = &self.bytes[self.reasons[place]..self.reasons[place] + len];
        Outcome::Failed {
            step: u64::from_le_bytes(word(at)),
            ts_ns: i64::from_le_bytes(word(at + 8)),
            reason: String::from_utf8_lossy(reason).into_owned(),
        }
    }
}

fn read_len(bytes: &[u8], at: usize) -> Option<usize> {
    let mut len = [0; 4];
    len.copy_from_slice(bytes.get(at..at + 4)?);
    usize::try_from(u32::from_le_bytes(len)).ok()
}

#[cfg(test)]
mod tests {
    use barhive_engine::{money::Money, result::Statistics, sweep::Evaluation};
    use proptest::prelude::*;

    use super::*;

    fn statistics() -> impl Strategy<Value = Statistics> {
        let figure = || proptest::option::of(any::<f64>());
        let plain =
            (any::<u64>(), proptest::option::of(any::<(i64, i64)>()), any::<[f64; 5]>(), any::<i64>());
        (plain, proptest::collection::vec(figure(), 11)).prop_map(
            |((steps, span_ns, plain, longest), maybe)| Statistics {
                steps,
                span_ns,
                total_return: plain[0],
                annual_return: maybe[0],
                annual_volatility: maybe[1],
                sharpe: maybe[2],
                sortino: maybe[3],
                calmar: maybe[4],
                max_drawdown: plain[1],
                max_drawdown_duration_ns: longest,
                equity_peak: plain[2],
                exposure: plain[3],
                win_rate: maybe[5],
                profit_factor: maybe[6],
                average_trade: maybe[7],
                best_trade: maybe[8],
                worst_trade: maybe[9],
                sqn: maybe[10],
                days_per_year: plain[4],
                monthly_equity: Vec::new(),
            },
        )
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        let done = (any::<[u8; 16]>(), any::<[i128; 2]>(), any::<[u64; 3]>(), statistics()).prop_map(
            |(digest, money, counts, statistics)| {
                Outcome::Done(Box::new(Evaluation {
                    digest,
                    final_equity: Money(money[0]),
                    fees: Money(money[1]),
                    orders: counts[0],
                    fills: counts[1],
                    trades: counts[2],
                    statistics,
                }))
            },
        );
        let failed = (any::<u64>(), any::<i64>(), ".{0,40}")
            .prop_map(|(step, ts_ns, reason)| Outcome::Failed { step, ts_ns, reason });
        prop_oneof![3 => done, 1 => failed]
    }

    proptest! {
        #[test]
        fn what_went_into_a_block_comes_out(
            start in 0u64..1 << 40,
            outcomes in proptest::collection::vec(outcome(), 1..20),
            rows in any::<u64>(),
        ) {
            let range = VariantRange { start, end: start + outcomes.len() as u64 };
            let variants: Vec<_> =
                range.iter().zip(outcomes).map(|(index, outcome)| Variant { index, outcome }).collect();
            let work = PassWork { rows, ..PassWork::default() };
            let pass = PassBlock { range, variants, work };
            let mut bytes = Vec::new();
            encode(&pass, &mut bytes).unwrap();
            let (block, read) = Block::decode(bytes.clone(), range).unwrap();
            prop_assert_eq!(read, work);
            // Compared as bytes: what is not a number is not equal to itself.
            let again = PassBlock { range, variants: block.variants().collect(), work };
            let mut twice = Vec::new();
            encode(&again, &mut twice).unwrap();
            prop_assert_eq!(&twice, &bytes);
            for len in 0..bytes.len() {
                prop_assert!(Block::decode(bytes[..len].to_vec(), range).is_err());
            }
        }
    }
}

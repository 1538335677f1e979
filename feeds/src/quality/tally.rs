//! Counts of faults by class, with the rows that had them.

use serde::Serialize;

use super::{Fault, Policy};

/// How often a class of faults was found, and what became of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultCount {
    /// The class.
    pub fault: Fault,
    /// The policy for it.
    pub policy: Policy,
    /// Rows that have the fault.
    pub found: u64,
    /// Of these, rows that were refused for it.
    pub rejected: u64,
    /// Of these, rows that were left out for it, as expected.
    pub dropped: u64,
    /// Of these, rows that were mended for it.
    pub repaired: u64,
    /// Numbers of the first rows that have it, counted from 1 among the rows of data.
    pub rows: Vec<u64>,
}

/// Counts of all classes, exact whatever their number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Tally {
    counts: Vec<FaultCount>,
    #[serde(skip)]
    rows_listed: usize,
}

impl Tally {
    /// Counts that list the first `rows_listed` rows of each class.
    pub fn new(rows_listed: usize) -> Self {
        Self { counts: Vec::new(), rows_listed }
    }

    /// The classes that were found, in a fixed order.
    pub fn counts(&self) -> &[FaultCount] {
        &self.counts
    }

    /// The count of a class; `None` where it was not found.
    pub fn of(&self, fault: Fault) -> Option<&FaultCount> {
        self.counts.iter().find(|count| count.fault == fault)
    }

    /// How many rows have a fault of a class.
    pub fn found(&self, fault: Fault) -> u64 {
        self.of(fault).map_or(0, |count| count.found)
    }

    /// Counts a row. `policy` is what its class asks for, `done` what became of the row.
    pub(crate) fn add(&mut self, fault: Fault, policy: Policy, done: Policy, row: u64) {
        let at = match self.counts.binary_search_by_key(&fault, |count| count.fault) {
            Ok(at) => at,
            Err(at) => {
                let count = FaultCount {
                    fault,
                    policy,
                    found: 0,
                    rejected: 0,
                    dropped: 0,
                    repaired: 0,
                    rows: vec![],
                };
                self.counts.insert(at, count);
                at
            }
        };
        let count = &mut self.counts[at];
        count.found += 1;
        match done {
            Policy::Reject => count.rejected += 1,
            Policy::Drop => count.dropped += 1,
            Policy::Repair => count.repaired += 1,
            Policy::Count | Policy::Halt => {}
        }
        if count.rows.len() < self.rows_listed {
            count.rows.push(row);
        }
    }
}

impl FaultCount {
    /// One sentence for a report.
    pub fn sentence(&self) -> String {
        let mut done = Vec::new();
        for (count, what) in
            [(self.rejected, "rejected"), (self.dropped, "dropped"), (self.repaired, "repaired")]
        {
            if count > 0 {
                done.push(format!("{count} {what}"));
            }
        }
        if done.is_empty() {
            done.push("counted".to_owned());
        }
        let rows: Vec<String> = self.rows.iter().take(5).map(u64::to_string).collect();
        let more = if self.found as usize > rows.len() { ", ..." } else { "" };
        let (times, what) = (self.found, self.fault.what());
        format!("{}: {times} x {what} ({}; rows {}{more})", self.fault, done.join(", "), rows.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stay_exact_when_the_list_of_rows_is_full() {
        let mut tally = Tally::new(2);
        for row in 1..=5 {
            tally.add(Fault::Gap, Policy::Count, Policy::Count, row);
        }
        tally.add(Fault::Nan, Policy::Reject, Policy::Reject, 3);
        let gap = tally.of(Fault::Gap).unwrap();
        assert_eq!((gap.found, &gap.rows[..]), (5, &[1, 2][..]));
        assert_eq!(tally.counts()[0].fault, Fault::Nan, "in the order of the classes");
        assert!(gap.sentence().ends_with("(counted; rows 1, 2, ...)"), "{}", gap.sentence());
        assert!(tally.counts()[0].sentence().contains("1 rejected"));
    }
}

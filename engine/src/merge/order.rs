//! The order of rows within a frame, for every group of containers that look at the same series.

use crate::{
    frame::{Frame, Group, Order, RowRef, SeriesRows, StepSpan},
    time::utc_day,
};

/// The groups of a pass and where each stands.
pub(super) struct Groups {
    members: Vec<Vec<u32>>,
    /// The UTC day of each group's last step.
    days: Vec<Option<i64>>,
    /// Room for sorting.
    keyed: Vec<(i64, RowRef)>,
}

/// The day that a close time belongs to: a bar that closes at midnight closes the day before.
fn day_of(ts_close_ns: i64) -> i64 {
    utc_day(ts_close_ns - 1)
}

impl Groups {
    pub(super) fn new(members: &[Vec<u32>]) -> Self {
        Self { members: members.to_vec(), days: vec![None; members.len()], keyed: Vec::new() }
    }

    /// Orders the rows of `frame` for every group, in the memory of the groups it had.
    pub(super) fn order(&mut self, frame: &mut Frame) {
        let series = &frame.series;
        frame.groups.resize_with(self.members.len(), || Group {
            order: Order::Merged { steps: Vec::new(), rows: Vec::new() },
            day_starts: Vec::new(),
        });
        for ((members, day), group) in self.members.iter().zip(&mut self.days).zip(&mut frame.groups) {
            group.day_starts.clear();
            if let [only] = members[..] {
                group.order = Order::Single { series: only };
                let rows = &series[only as usize];
                single_day_starts(&rows.columns.ts_close_ns[rows.lead..], day, &mut group.day_starts);
                continue;
            }
            let Order::Merged { steps, rows } = &mut group.order else {
                unreachable!("a group keeps its kind of order")
            };
            steps.clear();
            rows.clear();
            if !merge_aligned(members, series, steps, rows) {
                self.keyed.clear();
                merge_any(members, series, &mut self.keyed, steps, rows);
            }
            for (index, step) in steps.iter().enumerate() {
                let today = Some(day_of(step.ts_ns));
                if *day != today {
                    *day = today;
                    group.day_starts.push(index as u32);
                }
            }
        }
    }
}

/// Finds the first step of every day by halving, so that a day's rows are not read one by one.
fn single_day_starts(ts: &[i64], day: &mut Option<i64>, starts: &mut Vec<u32>) {
    let mut from = 0;
    while from < ts.len() {
        let today = day_of(ts[from]);
        if *day != Some(today) {
            *day = Some(today);
            starts.push(from as u32);
        }
        if day_of(ts[ts.len() - 1]) == today {
            break;
        }
        from += ts[from..].partition_point(|ts_ns| day_of(*ts_ns) <= today);
    }
}

/// Merges series whose rows all close at the same times; answers whether they do.
fn merge_aligned(
    members: &[u32],
    series: &[SeriesRows],
    steps: &mut Vec<StepSpan>,
    rows: &mut Vec<RowRef>,
) -> bool {
    let times = |member: u32| {
        let rows = &series[member as usize];
        &rows.columns.ts_close_ns[rows.lead..]
    };
    let Some((first, others)) = members.split_first() else { return true };
    let ts = times(*first);
    if !others.iter().all(|member| times(*member) == ts) {
        return false;
    }
    steps.reserve(ts.len());
    rows.reserve(ts.len() * members.len());
    for (index, ts_ns) in ts.iter().enumerate() {
        rows.extend(
            members
                .iter()
                .map(|&member| RowRef { series: member, row: (series[member as usize].lead + index) as u32 }),
        );
        steps.push(StepSpan { ts_ns: *ts_ns, rows_end: rows.len() as u32 });
    }
    true
}

fn merge_any(
    members: &[u32],
    series: &[SeriesRows],
    keyed: &mut Vec<(i64, RowRef)>,
    steps: &mut Vec<StepSpan>,
    rows: &mut Vec<RowRef>,
) {
    for &member in members {
        let SeriesRows { columns, lead } = &series[member as usize];
        let own = columns.ts_close_ns.iter().enumerate().skip(*lead);
        keyed.extend(own.map(|(row, ts_ns)| (*ts_ns, RowRef { series: member, row: row as u32 })));
    }
    // Series stand in the order of their keys, and one series has one row per close time.
    keyed.sort_unstable_by_key(|(ts_ns, row)| (*ts_ns, row.series));
    for (ts_ns, row) in keyed.iter() {
        rows.push(*row);
        match steps.last_mut() {
            Some(step) if step.ts_ns == *ts_ns => step.rows_end = rows.len() as u32,
            _ => steps.push(StepSpan { ts_ns: *ts_ns, rows_end: rows.len() as u32 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::NS_PER_DAY;

    #[test]
    fn a_bar_that_closes_at_midnight_closes_the_day_before() {
        let ts: Vec<i64> = [10, NS_PER_DAY - 1, NS_PER_DAY, NS_PER_DAY + 1, 3 * NS_PER_DAY].to_vec();
        let (mut day, mut starts) = (None, Vec::new());
        single_day_starts(&ts, &mut day, &mut starts);
        assert_eq!(starts, [0, 3, 4]);
        assert_eq!(day, Some(2));
    }

    #[test]
    fn days_are_the_same_however_rows_are_cut() {
        let ts: Vec<i64> = (1..200).map(|i| i * NS_PER_DAY / 7).collect();
        let (mut day, mut whole) = (None, Vec::new());
        single_day_starts(&ts, &mut day, &mut whole);
        let (mut day, mut pieces) = (None, Vec::new());
        for (index, piece) in ts.chunks(5).enumerate() {
            let mut starts = Vec::new();
            single_day_starts(piece, &mut day, &mut starts);
            pieces.extend(starts.iter().map(|start| start + 5 * index as u32));
        }
        assert_eq!(whole, pieces);
    }
}

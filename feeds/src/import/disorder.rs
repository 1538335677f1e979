//! Which rows of a series stand where they should not.

/// For each key, whether it is left out of a longest non-decreasing subsequence: the fewest rows that have
/// to be moved to put all in order (C. Schensted, 1961).
pub(super) fn misplaced(keys: &[i64]) -> Vec<bool> {
    // The last row of the best subsequence of each length, and the row before each row in its own.
    let (mut ends, mut before): (Vec<usize>, Vec<usize>) = (Vec::new(), vec![usize::MAX; keys.len()]);
    for (row, key) in keys.iter().enumerate() {
        let length = ends.partition_point(|end| keys[*end] <= *key);
        if length > 0 {
            before[row] = ends[length - 1];
        }
        if length == ends.len() {
            ends.push(row);
        } else {
            ends[length] = row;
        }
    }
    let mut misplaced = vec![true; keys.len()];
    let mut row = ends.last().copied().unwrap_or(usize::MAX);
    while let Some(mark) = misplaced.get_mut(row) {
        *mark = false;
        row = before[row];
    }
    misplaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stray_stamp_is_misplaced_and_its_neighbours_are_not() {
        assert_eq!(misplaced(&[1, 2, 99, 3, 4, 4, 5]), [false, false, true, false, false, false, false]);
        assert_eq!(misplaced(&[1, 5, 3, 4, 2, 6]), [false, true, false, false, true, false]);
        assert!(misplaced(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn what_stays_is_in_order_and_nothing_could_stay_beside_it(keys in prop::collection::vec(0i64..20, 0..40)) {
            let marks = misplaced(&keys);
            let stays: Vec<i64> = keys.iter().zip(&marks).filter(|(_, out)| !**out).map(|(key, _)| *key).collect();
            prop_assert!(stays.windows(2).all(|w| w[0] <= w[1]));
            for (at, _) in marks.iter().enumerate().filter(|(_, out)| **out) {
                let with: Vec<i64> = (0..keys.len()).filter(|i| !marks[*i] || *i == at).map(|i| keys[i]).collect();
                prop_assert!(with.windows(2).any(|w| w[0] > w[1]), "{} could stay", at);
            }
        }
    }
}

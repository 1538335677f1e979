//! "Did you mean": the nearest of the names that are allowed.

/// How many allowed names a hint lists.
const LISTED_MAX: usize = 24;

/// The candidate that `found` was most likely meant to be.
pub(crate) fn nearest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Beyond this length a name is not a slip of the finger, and comparing it costs its square.
    if found.len() > 64 {
        return None;
    }
    let folded = found.to_lowercase();
    let allowance = (found.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 80)
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A hint that names the nearest candidate and all that is allowed.
pub(crate) fn hint(found: &str, candidates: &[&str]) -> String {
    let list = list(candidates);
    match nearest(found, candidates.iter().copied()) {
        Some(candidate) => format!("did you mean {candidate}? allowed: {list}"),
        None => format!("allowed: {list}"),
    }
}

/// Names in one line, the first of many only.
pub(crate) fn list(names: &[&str]) -> String {
    match names.len() {
        0 => "none".to_owned(),
        n if n <= LISTED_MAX => names.join(", "),
        n => format!("{} and {} more", names[..LISTED_MAX].join(", "), n - LISTED_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let names = ["fast", "slow", "sma_cross"];
        assert_eq!(nearest("fsat", names), Some("fast"));
        assert_eq!(nearest("SMA-cross", names), Some("sma_cross"));
        assert_eq!(nearest("quantity", names), None);
        assert_eq!(hint("slwo", &names), "did you mean slow? allowed: fast, slow, sma_cross");
    }

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let names: Vec<String> = (0..30).map(|i| format!("n{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(list(&names).ends_with("n23 and 6 more"));
    }
}

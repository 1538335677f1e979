//! Lengths of time as people read them.

/// `45s`, `3m 05s`, `2h 05m`, `3d 04h`.
pub(in crate::cli) fn span(ns: i64) -> String {
    let seconds = ns.max(0) / 1_000_000_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m {:02}s", seconds % 60),
        3_600..86_400 => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        let of = |seconds: i64| span(seconds * 1_000_000_000);
        assert_eq!(
            ["45s", "3m 05s", "2h 05m", "3d 04h"],
            [of(45), of(185), of(7_500), of(273_600)].map(|s| s)
        );
        assert_eq!(span(-5), "0s");
    }
}

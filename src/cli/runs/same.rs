//! Whether a combination that was run again is what the sweep keeps of it.

use barhive_engine::{
    result::AccountResult,
    sweep::{Outcome, Variant},
};

/// A digest as people read it.
pub(in crate::cli) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an account has in common with what the sweep keeps: the digest over equity, cash and positions of
/// every step, and every figure. No account: it failed.
///
/// # Errors
/// The first thing that differs, in words.
pub(in crate::cli) fn compare(stored: &Variant, account: Option<&AccountResult>) -> Result<String, String> {
    match (&stored.outcome, account) {
        (Outcome::Failed { reason, .. }, None) => Ok(format!("it failed: {reason}")),
        (Outcome::Failed { reason, .. }, Some(_)) => Err(format!("it failed ({reason}), now it ran")),
        (Outcome::Done(_), None) => Err("it ran, now it failed".to_owned()),
        (Outcome::Done(then), Some(now)) => {
            if then.digest != now.digest_bytes {
                return Err(format!("its digest was {}, now {}", hex(&then.digest), hex(&now.digest_bytes)));
            }
            let money =
                [("final equity", then.final_equity, now.final_equity), ("fees", then.fees, now.fees)];
            if let Some((name, then, now)) = money.into_iter().find(|(_, then, now)| then != now) {
                return Err(format!("its {name} was {then}, now {now}"));
            }
            let counts = [
                ("orders", then.orders, now.orders),
                ("fills", then.fills, now.fills),
                ("trades", then.trades, now.trades),
            ];
            if let Some((name, then, now)) = counts.into_iter().find(|(_, then, now)| then != now) {
                return Err(format!("it had {then} {name}, now {now}"));
            }
            let bits = |value: Option<f64>| value.map(f64::to_bits);
            let (figures_then, figures_now) = (then.statistics.figures(), now.statistics.figures());
            for ((name, then), (_, now)) in figures_then.into_iter().zip(figures_now) {
                if bits(then) != bits(now) {
                    return Err(format!("its {name} was {then:?}, now {now:?}"));
                }
            }
            Ok(format!("digest {}, every figure", hex(&then.digest)))
        }
    }
}

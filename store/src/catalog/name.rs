//! Where a series lies: names that cannot leave the catalog's folder.

use std::path::{Path, PathBuf};

use barhive_engine::{
    data::{PriceSide, SeriesKind},
    timeframe::Timeframe,
};

use crate::StoreError;

/// Longest folder name that is written; file systems allow 255 bytes.
const NAME_BYTES_MAX: usize = 200;

/// All kinds that a catalog stores.
pub(crate) const KINDS: [SeriesKind; 3] =
    [SeriesKind::Bar(PriceSide::Mid), SeriesKind::Bar(PriceSide::Bid), SeriesKind::Bar(PriceSide::Ask)];

/// The series kind of a stored name.
pub(crate) fn parse_kind(text: &str) -> Option<SeriesKind> {
    KINDS.into_iter().find(|kind| kind.to_string() == text)
}

/// The folder name of a symbol: letters, digits, `-`, `_` and inner dots as they are, every other byte
/// as `%XX`. Different symbols have different names.
pub(crate) fn folder_name(symbol: &str) -> Result<String, StoreError> {
    use std::fmt::Write;
    let refused = |what: String| StoreError::Refused { subject: format!("symbol `{symbol}`"), what };
    if symbol.is_empty() {
        return Err(refused("an empty symbol cannot be stored; give the instrument a name".to_owned()));
    }
    let last = symbol.len() - 1;
    let mut name = String::with_capacity(symbol.len());
    for (at, byte) in symbol.bytes().enumerate() {
        let inner_dot = byte == b'.' && at != 0 && at != last;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || inner_dot {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(refused(format!("its folder name would exceed {NAME_BYTES_MAX} bytes; shorten it")));
    }
    Ok(name)
}

/// The file of a series below the catalog's `root`.
pub(crate) fn series_path(
    root: &Path,
    symbol: &str,
    kind: SeriesKind,
    timeframe: Timeframe,
) -> Result<PathBuf, StoreError> {
    Ok(root.join(folder_name(symbol)?).join(format!("{kind}_{timeframe}.arrow")))
}

/// A series as messages name it: `BTCUSDT bar 1m`.
pub(crate) fn series_label(symbol: &str, kind: SeriesKind, timeframe: Timeframe) -> String {
    format!("{symbol} {kind} {timeframe}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Component;

    #[test]
    fn common_symbols_keep_their_name() {
        for symbol in ["BTCUSDT", "BRK.B", "ES-2026_Z"] {
            assert_eq!(folder_name(symbol).unwrap(), symbol);
        }
        assert_eq!(folder_name("BTC/USDT:USDT").unwrap(), "BTC%2FUSDT%3AUSDT");
        assert_eq!(folder_name("..").unwrap(), "%2E%2E");
        assert!(folder_name("").unwrap_err().to_string().contains("empty symbol"));
        assert!(folder_name(&"/".repeat(70)).unwrap_err().to_string().contains("shorten"));
    }

    proptest! {
        #[test]
        fn no_symbol_leaves_the_folder_and_no_two_share_a_name(a in ".{1,20}", b in "[./%A2F:\\\\]{1,6}") {
            let root = Path::new("catalog");
            for symbol in [&a, &b] {
                let Ok(path) = series_path(root, symbol, SeriesKind::BAR, Timeframe::M1) else { continue };
                let below: Vec<_> = path.strip_prefix(root).unwrap().components().collect();
                prop_assert_eq!(below.len(), 2);
                prop_assert!(below.iter().all(|part| matches!(part, Component::Normal(_))));
            }
            if a != b {
                prop_assert_ne!(folder_name(&a).ok(), folder_name(&b).ok().or(Some(String::new())));
            }
        }
    }
}

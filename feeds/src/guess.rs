//! What a file's head tells about its layout: names of columns, spelling of stamps, timeframe, order.

use barhive_engine::{
    data::FeedError,
    time::{NS_PER_MS, NS_PER_SECOND, NS_PER_US},
    timeframe::Timeframe,
};
use std::collections::BTreeMap;

use crate::{
    layout::{Column, Columns, Part, RowOrder},
    rows::{RawRow, RowReader, Step},
    stamp::TimeFormat,
};

/// Rows of a file's head that are looked at.
pub(crate) const ROWS_SURVEYED: usize = 2_000;

/// Names of columns as they are met in the wild, in lower case and without anything but letters and
/// digits.
const NAMES: [(Part, &[&str]); 18] = [
    (
        Part::Time,
        &[
            "tsopenns",
            "tsopen",
            "tsms",
            "tsns",
            "tsus",
            "ts",
            "timestamp",
            "time",
            "datetime",
            "date",
            "opentime",
            "opentimems",
            "unix",
            "unixtimestamp",
            "gmttime",
            "localtime",
            "dt",
            "t",
            "index",
        ],
    ),
    (Part::CloseTime, &["tsclosens", "closetime", "tsclose"]),
    (Part::Symbol, &["symbol", "ticker", "instrument", "pair", "sym"]),
    (Part::Open, &["open", "o", "openprice", "first"]),
    (Part::High, &["high", "h", "highprice", "max"]),
    (Part::Low, &["low", "l", "lowprice", "min"]),
    (Part::Close, &["close", "c", "closeprice", "last", "closelast"]),
    (Part::Volume, &["volume", "vol", "v", "volumebase", "basevolume", "tickvol", "tickvolume"]),
    (Part::BidOpen, &["bidopen"]),
    (Part::BidHigh, &["bidhigh"]),
    (Part::BidLow, &["bidlow"]),
    (Part::BidClose, &["bidclose"]),
    (Part::BidSize, &["bidsize", "bidvolume", "bidqty"]),
    (Part::AskOpen, &["askopen"]),
    (Part::AskHigh, &["askhigh"]),
    (Part::AskLow, &["asklow"]),
    (Part::AskClose, &["askclose"]),
    (Part::AskSize, &["asksize", "askvolume", "askqty"]),
];
/// Names of the only price of a row.
const PRICE_NAMES: [&str; 5] = ["price", "mid", "rate", "value", "close"];

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The columns that the names of a header stand for. A name that no list holds is left out.
pub(crate) fn columns_of_names(names: &[String]) -> Columns {
    let plain_names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    let place = |known: &[&str]| known.iter().find_map(|k| plain_names.iter().position(|name| name == k));
    let mut columns = Columns::default();
    for (part, known) in NAMES {
        if let Some(at) = place(known) {
            columns.set(part, Column::At(at + 1));
        }
    }
    // `Date` beside `Time`: the time of day stands in a column of its own.
    if let (Some(date), Some(time)) = (place(&["date"]), place(&["time"])) {
        columns.time = Some(Column::At(date + 1));
        columns.time_of_day = Some(Column::At(time + 1));
    }
    let has_bar = columns.open.is_some() && columns.high.is_some() && columns.low.is_some();
    let has_quotes = columns.bid_close.is_some() && columns.ask_close.is_some();
    let has_part_of_bar = columns.open.is_some() || columns.high.is_some() || columns.low.is_some();
    // A close beside half of a bar is no price of its own: what the other columns are has to be declared.
    let is_half = has_part_of_bar && columns.close.is_some();
    if !has_bar && !has_quotes && !is_half {
        let price = place(&PRICE_NAMES);
        columns.price = price.map(|at| Column::At(at + 1));
        (columns.open, columns.high, columns.low, columns.close) = (None, None, None, None);
    }
    columns
}

/// The time format that reads every sampled stamp, and whether it had to be guessed from magnitudes.
///
/// # Errors
/// When none does, or two do and disagree.
pub(crate) fn time_format(name: Option<&str>, stamps: &[String]) -> Result<TimeFormat, String> {
    let Some(first) = stamps.first() else {
        return Ok(TimeFormat::Iso);
    };
    if stamps.iter().all(|stamp| is_integer(stamp)) {
        let dates = match first.len() {
            8 => Some("%Y%m%d"),
            12 => Some("%Y%m%d%H%M"),
            14 => Some("%Y%m%d%H%M%S"),
            _ => None,
        };
        if let Some(format) = dates.and_then(|text| text.parse::<TimeFormat>().ok())
            && reads_all(&format, stamps)
            && stamps.iter().all(|stamp| stamp.starts_with("19") || stamp.starts_with("20"))
        {
            return Ok(format);
        }
        return Ok(TimeFormat::Epoch { unit_ns: epoch_unit(name.unwrap_or_default(), first) });
    }
    const PATTERNS: [&str; 22] = [
        "iso",
        "%Y%m%d %H%M%S",
        "%Y%m%d %H%M",
        "%Y%m%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d",
        "%Y.%m.%d %H:%M",
        "%Y.%m.%d %H:%M:%S%.f",
        "%Y.%m.%d",
        "%Y/%m/%d %H:%M",
        "%Y/%m/%d %H:%M:%S%.f",
        "%Y/%m/%d",
        "%d.%m.%Y %H:%M:%S%.f",
        "%d.%m.%Y %H:%M",
        "%d.%m.%Y",
        "%d-%b-%y",
        "%d-%b-%Y",
        "%m/%d/%Y %H:%M",
        "%m/%d/%Y %H:%M:%S%.f",
        "%m/%d/%Y",
        "%b %d, %Y",
    ];
    let fitting = PATTERNS
        .iter()
        .filter_map(|text| text.parse::<TimeFormat>().ok())
        .find(|format| reads_all(format, stamps));
    let day_first = ["%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S%.f", "%d/%m/%Y"]
        .iter()
        .filter_map(|text| text.parse::<TimeFormat>().ok())
        .find(|format| reads_all(format, stamps));
    match (fitting, day_first) {
        (Some(us), Some(other)) => Err(format!(
            "stamps such as `{first}` may be `{us}` or `{other}`; declare which: time_format: \"{us}\""
        )),
        (Some(format), None) | (None, Some(format)) => Ok(format),
        (None, None) => Err(format!(
            "stamps such as `{first}` are in no format that is known by sight; declare time_format, such as \
             epoch_ms, iso or `%d.%m.%Y %H:%M`"
        )),
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.len() <= 19 && digits.bytes().all(|b| b.is_ascii_digit())
}

fn reads_all(format: &TimeFormat, stamps: &[String]) -> bool {
    stamps.iter().all(|stamp| format.wall(stamp.as_bytes()).is_some())
}

/// The unit of an epoch count: by the name of its column, else by the size of the number.
pub(crate) fn epoch_unit(name: &str, stamp: &str) -> i64 {
    let name = name.to_ascii_lowercase();
    for (suffix, unit_ns) in [("_ns", 1), ("_us", NS_PER_US), ("_ms", NS_PER_MS), ("_s", NS_PER_SECOND)] {
        if name.ends_with(suffix) {
            return unit_ns;
        }
    }
    match stamp.trim_start_matches('-').len() {
        ..=11 => NS_PER_SECOND,
        12..=14 => NS_PER_MS,
        15..=17 => NS_PER_US,
        _ => 1,
    }
}

/// What the head of a file shows once its stamps can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    /// The step that most rows are apart.
    pub timeframe_ns: Option<i64>,
    /// Newest first where every step goes back in time.
    pub order: RowOrder,
}

/// Looks at the steps between the stamps of a file's head, per symbol.
pub(crate) fn survey(rows: &mut dyn RowReader) -> Result<Survey, FeedError> {
    let unit_ns = rows.shape().unit_ns;
    let (mut before, mut steps) = (BTreeMap::new(), BTreeMap::<i64, u64>::new());
    let (mut forwards, mut backwards) = (0u64, 0u64);
    let mut row = RawRow::EMPTY;
    for _ in 0..ROWS_SURVEYED {
        match rows.next(&mut row)? {
            Step::End => break,
            Step::Unreadable(_) => continue,
            Step::Row => {}
        }
        if let Some(last) = before.insert(row.symbol, row.stamp) {
            let step = row.stamp.saturating_sub(last);
            forwards += u64::from(step > 0);
            backwards += u64::from(step < 0);
            if step != 0 {
                *steps.entry(step.saturating_abs()).or_default() += 1;
            }
        }
    }
    // The most frequent step; the shorter of two that are as frequent.
    let mode = steps.iter().max_by_key(|(step, count)| (**count, -**step)).map(|(step, _)| *step);
    let timeframe = mode.and_then(|step| step.checked_mul(unit_ns)).and_then(Timeframe::from_ns);
    let order = if backwards > 0 && forwards == 0 { RowOrder::NewestFirst } else { RowOrder::OldestFirst };
    Ok(Survey { timeframe_ns: timeframe.map(Timeframe::ns), order })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn names_in_the_wild_are_recognised() {
        let columns = columns_of_names(&names("Date,Open,Close,High,Low,Volume"));
        assert_eq!(columns.close, Some(Column::At(3)));
        assert_eq!(columns.time, Some(Column::At(1)));
        let columns = columns_of_names(&names("date,price"));
        assert_eq!((columns.price, columns.close), (Some(Column::At(2)), None));
        let columns = columns_of_names(&names("<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>"));
        assert_eq!((columns.time, columns.time_of_day), (Some(Column::At(1)), Some(Column::At(2))));
        assert_eq!(columns.volume, Some(Column::At(7)));
        let columns = columns_of_names(&names("ts,symbol,open,high,low,close,volume"));
        assert_eq!(columns.symbol, Some(Column::At(2)));
    }

    #[test]
    fn a_close_beside_half_of_a_bar_is_not_taken_for_the_only_price() {
        let columns = columns_of_names(&names("ts_ms,oeffnung,high,low,close"));
        assert_eq!((columns.price, columns.open), (None, None));
        assert!(columns.high.is_some() && columns.close.is_some());
    }

    #[test]
    fn stamps_are_known_by_sight_or_refused() {
        let format = |stamps: &[&str]| time_format(None, &strings(stamps)).map(|f| f.to_string());
        assert_eq!(format(&["1577836800"]).unwrap(), "epoch_s");
        assert_eq!(format(&["1577836800000"]).unwrap(), "epoch_ms");
        assert_eq!(format(&["-252374400000"]).unwrap(), "epoch_ms");
        assert_eq!(format(&["1577836800000000"]).unwrap(), "epoch_us");
        assert_eq!(format(&["20200131"]).unwrap(), "%Y%m%d");
        assert_eq!(format(&["2020-01-31"]).unwrap(), "iso");
        assert_eq!(format(&["11/5/2019 9:30", "11/13/2019 9:30"]).unwrap(), "%m/%d/%Y %H:%M");
        assert_eq!(format(&["5/11/2019", "13/11/2019"]).unwrap(), "%d/%m/%Y");
        assert!(format(&["11/5/2019"]).unwrap_err().contains("declare which"));
        assert!(format(&["noon"]).unwrap_err().contains("`noon`"));
        assert_eq!(time_format(Some("ts_ms"), &strings(&["1600"])).unwrap().to_string(), "epoch_ms");
    }
}

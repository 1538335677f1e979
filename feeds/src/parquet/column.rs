//! Columns of the types that files of bars come in, as numbers, stamps and symbols.

use arrow_array::{
    Array, ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int32Array,
    Int64Array, LargeStringArray, StringArray, StringViewArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt32Array, UInt64Array,
    types::{ArrowDictionaryKeyType, Int8Type, Int16Type, Int32Type, Int64Type},
};
use arrow_schema::{DataType, TimeUnit};
use barhive_engine::{
    money::pow10,
    time::{NS_PER_MS, NS_PER_SECOND, NS_PER_US},
};

/// Appends a column of numbers; a null is NaN: a missing value. `Err` names the type where it is none of
/// numbers.
pub(super) fn numbers(column: &ArrayRef, out: &mut Vec<f64>) -> Result<(), String> {
    macro_rules! take {
        ($array:ty, $convert:expr) => {{
            let array = column.as_any().downcast_ref::<$array>().ok_or("a mislabelled column")?;
            let convert = $convert;
            if array.null_count() == 0 {
                out.extend(array.values().iter().map(|value| convert(*value)));
            } else {
                out.extend(array.iter().map(|value| value.map_or(f64::NAN, convert)));
            }
        }};
    }
    match column.data_type() {
        DataType::Float64 => take!(Float64Array, |value: f64| value),
        // The shortest decimal of the narrow float is what was meant, not its binary expansion.
        DataType::Float32 => {
            take!(Float32Array, |value: f32| { value.to_string().parse().unwrap_or(f64::from(value)) })
        }
        DataType::Int64 => take!(Int64Array, |value: i64| value as f64),
        DataType::Int32 => take!(Int32Array, f64::from),
        DataType::UInt64 => take!(UInt64Array, |value: u64| value as f64),
        DataType::UInt32 => take!(UInt32Array, f64::from),
        DataType::Decimal128(_, scale) => {
            let scale = u8::try_from(*scale).ok().filter(|scale| *scale <= 22);
            let scale = scale.ok_or_else(|| column.data_type().to_string())?;
            // Below 2^53 the quotient of two exact doubles is the nearest double.
            take!(Decimal128Array, |value: i128| {
                if value.unsigned_abs() < 1 << 53 {
                    value as f64 / pow10(scale) as f64
                } else {
                    format!("{value}e-{scale}").parse().unwrap_or(f64::NAN)
                }
            });
        }
        other => return Err(other.to_string()),
    }
    Ok(())
}

/// How the stamps of a column are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StampKind {
    /// Counts of so many nanoseconds since the epoch, UTC.
    Instant(i64),
    /// Counts of so many nanoseconds on the clock of a zone that the file does not name.
    Wall(i64),
    /// Days since the epoch on such a clock.
    Date,
    /// Integers of unknown meaning.
    Count,
    /// Text.
    Text,
}

impl StampKind {
    /// How stamps of a type are meant; `None` for a type that holds none.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        let unit_ns = |unit: &TimeUnit| match unit {
            TimeUnit::Second => NS_PER_SECOND,
            TimeUnit::Millisecond => NS_PER_MS,
            TimeUnit::Microsecond => NS_PER_US,
            TimeUnit::Nanosecond => 1,
        };
        match data_type {
            DataType::Timestamp(unit, Some(_)) => Some(Self::Instant(unit_ns(unit))),
            DataType::Timestamp(unit, None) => Some(Self::Wall(unit_ns(unit))),
            DataType::Date32 => Some(Self::Date),
            DataType::Int64 | DataType::Int32 | DataType::UInt64 => Some(Self::Count),
            _ if texts_of(data_type) => Some(Self::Text),
            _ => None,
        }
    }
}

/// Whether a type holds text.
pub(super) fn texts_of(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => texts_of(values),
        _ => false,
    }
}

/// Appends a column of integer stamps; `None` for a null.
pub(super) fn counts(column: &ArrayRef, out: &mut Vec<Option<i64>>) -> Result<(), String> {
    macro_rules! take {
        ($array:ty, $convert:expr) => {{
            let array = column.as_any().downcast_ref::<$array>().ok_or("a mislabelled column")?;
            out.extend(array.iter().map(|value| value.and_then($convert)));
        }};
    }
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => take!(TimestampSecondArray, Some),
        DataType::Timestamp(TimeUnit::Millisecond, _) => take!(TimestampMillisecondArray, Some),
        DataType::Timestamp(TimeUnit::Microsecond, _) => take!(TimestampMicrosecondArray, Some),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => take!(TimestampNanosecondArray, Some),
        DataType::Date32 => take!(Date32Array, |days: i32| Some(i64::from(days))),
        DataType::Int64 => take!(Int64Array, Some),
        DataType::Int32 => take!(Int32Array, |value: i32| Some(i64::from(value))),
        DataType::UInt64 => take!(UInt64Array, |value: u64| i64::try_from(value).ok()),
        other => return Err(other.to_string()),
    }
    Ok(())
}

/// Calls `each` with every text of a column, `None` for a null.
pub(super) fn texts(column: &ArrayRef, each: &mut dyn FnMut(Option<&str>)) -> Result<(), String> {
    macro_rules! take {
        ($array:ty) => {{
            let array = column.as_any().downcast_ref::<$array>().ok_or("a mislabelled column")?;
            array.iter().for_each(each);
        }};
    }
    match column.data_type() {
        DataType::Utf8 => take!(StringArray),
        DataType::LargeUtf8 => take!(LargeStringArray),
        DataType::Utf8View => take!(StringViewArray),
        DataType::Dictionary(keys, _) => match keys.as_ref() {
            DataType::Int8 => dictionary::<Int8Type>(column, each)?,
            DataType::Int16 => dictionary::<Int16Type>(column, each)?,
            DataType::Int32 => dictionary::<Int32Type>(column, each)?,
            DataType::Int64 => dictionary::<Int64Type>(column, each)?,
            other => return Err(format!("a dictionary by {other}")),
        },
        other => return Err(other.to_string()),
    }
    Ok(())
}

fn dictionary<K: ArrowDictionaryKeyType>(
    column: &ArrayRef,
    each: &mut dyn FnMut(Option<&str>),
) -> Result<(), String> {
    let array = column.as_any().downcast_ref::<DictionaryArray<K>>().ok_or("a mislabelled column")?;
    let mut values = Vec::new();
    texts(array.values(), &mut |text| values.push(text.map(str::to_owned)))?;
    for key in array.keys_iter() {
        each(key.and_then(|key| values.get(key)).and_then(Option::as_deref));
    }
    Ok(())
}

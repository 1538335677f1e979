//! Values with a unit or an exact reading: amounts, rates, spans of time, sizes of memory.

mod amount;
mod cores;
mod database;
mod measure;
mod range;
mod stamp;

pub(crate) use amount::{Cash, Decimal, Fraction, Rate};
pub use cores::Cores;
pub(crate) use database::plain_password;
pub use database::{DatabaseUrl, database_url};
pub(crate) use measure::{ByteSize, Span};
pub use measure::{byte_size, time_span};
pub(crate) use range::{is_range, range_values};
pub(crate) use stamp::Stamp;

/// Implements serde's and schemars' traits for a type that is read from text.
macro_rules! read_from_text {
    ($type:ident, $pattern:expr, $description:expr, $kinds:expr) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": $kinds,
                    "pattern": $pattern,
                    "description": $description
                })
            }
        }
    };
}
use read_from_text;

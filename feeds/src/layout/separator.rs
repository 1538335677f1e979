//! What stands between two cells.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What stands between two cells: one ASCII character that is no letter, digit, sign, point or quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separator(u8);

impl Separator {
    /// A comma.
    pub const COMMA: Self = Self(b',');

    /// A separator from its byte.
    ///
    /// # Errors
    /// When cells could hold the byte themselves.
    pub fn new(byte: u8) -> Result<Self, String> {
        let fits =
            byte == b'\t' || (byte == b' ' || byte.is_ascii_punctuation()) && !b"+-.\"".contains(&byte);
        if fits {
            Ok(Self(byte))
        } else {
            Err(format!(
                "expected a separator: one character such as `,`, `;` or `|`, or `tab`; found `{}`",
                byte.escape_ascii()
            ))
        }
    }

    /// The byte.
    pub fn byte(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\t' => f.write_str("tab"),
            byte => write!(f, "{}", char::from(byte)),
        }
    }
}

impl Serialize for Separator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Separator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let separator = match text.as_bytes() {
            _ if text == "tab" => Self::new(b'\t'),
            [byte] => Self::new(*byte),
            _ => Err(format!("expected a separator of one character, or `tab`; found `{text}`")),
        };
        separator.map_err(de::Error::custom)
    }
}

impl JsonSchema for Separator {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Separator".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "One character such as , or ; or |, or the word tab"
        })
    }
}

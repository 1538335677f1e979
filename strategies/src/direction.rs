//! Which sides a strategy may take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which sides a strategy may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Long and short.
    #[default]
    Both,
    /// Long or flat.
    Long,
}

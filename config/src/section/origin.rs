//! Where a set came from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The combination of a sweep that a set was made from. Changes nothing; `barhive runs rerun FILE` runs the
/// set and says whether data and result are what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Origin {
    /// The run of the sweep, as the ledger of the results database names it.
    pub run: String,
    /// The number of the combination, counted from 1.
    pub variant: u64,
    /// Version of the program that ran it.
    pub program: String,
    /// Hash of the sweep's configuration.
    pub config_hash: String,
    /// Hash over the series that the combination reads.
    pub data_hash: String,
    /// The digest over equity, cash and positions of every step. Nothing: it failed.
    pub digest: Option<String>,
}

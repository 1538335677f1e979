//! Sizes of the machinery and options of the report.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    read::{Captured, Located},
    value::{ByteSize, Span},
};

/// Sizes of the machinery; none of them changes a result.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Engine")]
pub(crate) struct EngineSection {
    /// Rows per batch. Default: 1024.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub(crate) batch_rows: Option<Located<u64>>,
    /// Frames that may wait in a subscriber's queue. Default: 4.
    #[schemars(range(min = 1, max = 64))]
    pub(crate) queue_frames: Option<Located<u64>>,
    /// Whether frames that everybody has let go of are used again. Default: true.
    pub(crate) frame_pool: Option<bool>,
    /// Shards; 0 takes as many as cores are allowed. Default: 0.
    #[schemars(range(min = 0, max = 256))]
    pub(crate) shards: Option<Located<u64>>,
    /// Where strategy and execution run. Default: `fused`.
    pub(crate) placement: Option<PlacementSection>,
    /// What the indicator hub keeps beyond the columns in use.
    pub(crate) hub: Option<Captured<HubSection>>,
    /// How often what a run uses is sampled, 10ms to 1h. Default: 250ms.
    pub(crate) monitor_interval: Option<Located<Span>>,
}

/// Where strategy and execution run.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Placement")]
pub(crate) enum PlacementSection {
    /// Containers step inline on their shard.
    Fused,
    /// Strategy and execution are actors of their own.
    Actors,
}

/// What the indicator hub keeps beyond the columns in use.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Hub")]
pub(crate) struct HubSection {
    /// Bytes of columns: `16MiB`. Default: 1MiB.
    pub(crate) cache_bytes: Option<Located<ByteSize>>,
    /// Entries. Default: 10000.
    pub(crate) cache_entries: Option<Located<u64>>,
}

/// The event bus.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Bus")]
pub(crate) struct BusSection {
    /// Rows per batch: another name for `engine.batch_rows`.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub(crate) batch: Option<Located<u64>>,
}

/// What the report holds and where it goes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Report")]
pub(crate) struct ReportSection {
    /// The page's title. Default: the set's name.
    pub(crate) title: Option<String>,
    /// The folder of results, beneath the folder of the configuration. Default: chosen by the program.
    pub(crate) dir: Option<Located<String>>,
    /// Whether an HTML page is written. Default: true.
    pub(crate) html: Option<bool>,
    /// Whether trades, orders and equity are written as Parquet. Default: true.
    pub(crate) parquet: Option<bool>,
    /// Whether trades, orders and equity are written as CSV. Default: false.
    pub(crate) csv: Option<bool>,
}

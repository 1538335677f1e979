//! What the file of a server may say about live work. The comments here are the reference that users read.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    read::{Captured, Located},
    value::{ByteSize, Span},
};

/// What is kept for live work, and which live processes the server looks after.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ServerLive")]
pub(crate) struct LiveSection {
    /// Cores on which neither the server nor its jobs run: the first of those that are allowed. Default: 0.
    #[schemars(range(max = 1023))]
    pub(crate) cores: Option<Located<u64>>,
    /// Memory that jobs do not get. Default: 0.
    pub(crate) memory: Option<Located<ByteSize>>,
    /// Niceness of live processes, -20 to 19. Where a negative one is refused, jobs stand back as far instead.
    /// Default: 0.
    #[schemars(range(min = -20, max = 19))]
    pub(crate) nice: Option<Located<i64>>,
    /// Live processes, started with the server. Default: none.
    pub(crate) run: Option<Captured<Vec<Captured<LiveProcessSection>>>>,
}

/// A live process. It is started again when it fails, at most 3 times in 60 s; then it is left out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LiveProcess")]
pub(crate) struct LiveProcessSection {
    /// What it is called: letters, digits, `-` and `_`.
    pub(crate) name: Located<String>,
    /// The program and its arguments. It works in the folder of this file.
    pub(crate) command: Captured<Vec<Located<String>>>,
    /// It is killed and counts as failed when it says nothing on standard output for so long. Default: it may be
    /// silent.
    pub(crate) silence_max: Option<Located<Span>>,
}

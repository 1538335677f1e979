//! Accounts and risk settings.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{FeesEntry, LimitsSection};
use crate::{
    read::Located,
    value::{ByteSize, Cash, Decimal, Fraction},
};

/// An account, or one account for each of its strategies.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Account", extend("required" = ["cash"]))]
pub(crate) struct AccountSection {
    /// Its name. Default: `shared`; required where there are several.
    pub(crate) name: Option<Located<String>>,
    /// Whether its strategies share one account. Default: `shared`.
    pub(crate) kind: Option<AccountKind>,
    /// What it starts with, and its currency: `100000 USDT`.
    pub(crate) cash: Option<Located<Cash>>,
    /// The book value of all positions may be up to so many times the account's book equity. Default: 1.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) leverage: Option<Located<u32>>,
    /// Stops trading and closes everything when drawdown reaches this: `20%`. Default: never.
    pub(crate) max_drawdown: Option<Located<Fraction>>,
    /// The most memory that it may hold: records, resting orders, and what its strategies count of theirs.
    /// An account that needs more ends with an error, the others go on. Default: `1GB`.
    pub(crate) memory_limit: Option<Located<ByteSize>>,
    /// What its fills cost, in place of everything else said about fees.
    pub(crate) fees: Option<FeesEntry>,
    /// The strategies that trade on it, by id or wildcard. Default: all.
    pub(crate) strategies: Option<Vec<Located<String>>>,
}

/// Whether strategies share an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountKind {
    /// One account for all its strategies.
    #[default]
    Shared,
    /// One account for each strategy, named after it.
    PerStrategy,
}

/// A risk setting. What is left out stays as the account and its strategies have it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Risk", extend("required" = ["name"]))]
pub(crate) struct RiskSection {
    /// Its name, appended to the name of the account.
    pub(crate) name: Option<Located<String>>,
    /// Multiplies the size of every position: `0.5`.
    pub(crate) size: Option<Located<Decimal>>,
    /// In place of the account's `leverage`.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) leverage: Option<Located<u32>>,
    /// In place of the account's `max_drawdown`.
    pub(crate) max_drawdown: Option<Located<Fraction>>,
    /// In place of the strategies' `limits`, limit by limit.
    pub(crate) limits: Option<LimitsSection>,
}

//! The registry that users start from: everything built in, and whatever they add.

use barhive_engine::{
    data::{FeedError, Source},
    indicator::{self, IndicatorDef},
    registry::{self, FeedContext},
    strategy::{Setup, SetupError, Strategy},
};
use barhive_store::CatalogSource;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// Strategies, indicators and feeds by name: a value that is passed in, never a global.
///
/// ```
/// let registry = barhive::Registry::builtin();
/// assert!(registry.as_engine().find_strategy("sma_cross").is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Registry(registry::Registry);

impl Registry {
    /// All built-in strategies, indicators and feeds.
    pub fn builtin() -> Self {
        let parts =
            indicator::builtin().into_iter().fold(registry::Registry::empty(), registry::Registry::indicator);
        let parts = barhive_strategies::register(parts);
        let parts = barhive_feeds::register(parts);
        Self(parts.feed("catalog", CatalogSource::open))
    }

    /// Nothing at all.
    pub fn empty() -> Self {
        Self(registry::Registry::empty())
    }

    /// Adds a strategy with one instance per instrument; a later one replaces an earlier one of the
    /// same name.
    ///
    /// `new` takes the parameters, declares what the strategy looks at and builds it.
    #[must_use]
    pub fn strategy<P, S, F>(self, name: &str, new: F) -> Self
    where
        P: DeserializeOwned + Serialize + JsonSchema + Clone + Send + Sync + 'static,
        S: Strategy + 'static,
        F: Fn(P, &mut Setup<'_>) -> Result<S, SetupError> + Send + Sync + 'static,
    {
        Self(self.0.strategy(name, new))
    }

    /// Adds a strategy of which one instance sees all the instruments that a set assigns to it.
    #[must_use]
    pub fn strategy_across<P, S, F>(self, name: &str, new: F) -> Self
    where
        P: DeserializeOwned + Serialize + JsonSchema + Clone + Send + Sync + 'static,
        S: Strategy + 'static,
        F: Fn(P, &mut Setup<'_>) -> Result<S, SetupError> + Send + Sync + 'static,
    {
        Self(self.0.strategy_across(name, new))
    }

    /// Adds an indicator; a later one replaces an earlier one of the same name.
    #[must_use]
    pub fn indicator(self, def: IndicatorDef) -> Self {
        Self(self.0.indicator(def))
    }

    /// Adds a feed kind; `new` takes the parameters and opens the source.
    #[must_use]
    pub fn feed<P, S, F>(self, name: &str, new: F) -> Self
    where
        P: DeserializeOwned + JsonSchema + Send + 'static,
        S: Source + 'static,
        F: Fn(P, &FeedContext) -> Result<S, FeedError> + Send + Sync + 'static,
    {
        Self(self.0.feed(name, new))
    }

    /// The engine's own registry, as the crates below take it.
    pub fn as_engine(&self) -> &registry::Registry {
        &self.0
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::builtin()
    }
}

impl From<Registry> for registry::Registry {
    fn from(registry: Registry) -> Self {
        registry.0
    }
}

impl AsRef<registry::Registry> for Registry {
    fn as_ref(&self) -> &registry::Registry {
        &self.0
    }
}

//! The registry: strategies, indicators and feeds by name. It is a value that is passed in; parts are
//! added to it without macros.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    data::{FeedError, Source},
    indicator::IndicatorDef,
    strategy::{Scope, Setup, SetupError, Strategy},
};

/// A strategy with its parameters: can be built any number of times.
pub trait StrategyFactory: Send + Sync {
    /// Declares what the strategy looks at and builds it.
    ///
    /// # Errors
    /// When its parameters contradict each other or what it asks for does not exist.
    fn build(&self, setup: &mut Setup<'_>) -> Result<Box<dyn Strategy>, SetupError>;

    /// Its parameters, completed with defaults, as they enter the report and the hash.
    fn params(&self) -> serde_json::Value;
}

/// A feed kind with its parameters, opened on demand.
pub type OpenedSource = Arc<dyn Source>;

/// What a feed is told about where it runs.
#[derive(Clone, Debug)]
pub struct FeedContext {
    /// Relative paths start here (the folder of the configuration file).
    pub base_dir: PathBuf,
}

impl FeedContext {
    /// `path` as the configuration meant it.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.base_dir.join(path)
    }
}

/// Reads parameters in place, so that faults keep the place where they stand.
type ReadStrategy = dyn Fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<Arc<dyn StrategyFactory>, erased_serde::Error>
    + Send
    + Sync;
type ReadFeed = dyn Fn(
        &mut dyn erased_serde::Deserializer<'_>,
    )
        -> Result<Box<dyn FnOnce(&FeedContext) -> Result<OpenedSource, FeedError> + Send>, erased_serde::Error>
    + Send
    + Sync;

/// A strategy as the registry knows it.
#[derive(Clone)]
pub struct StrategyDef {
    /// Its name.
    pub name: String,
    /// What it does, in one sentence.
    pub summary: String,
    /// How it spreads over instruments.
    pub scope: Scope,
    /// The JSON Schema of its parameters.
    pub schema: serde_json::Value,
    read: Arc<ReadStrategy>,
}

impl StrategyDef {
    /// Reads parameters of this strategy.
    ///
    /// # Errors
    /// What the deserializer says: unknown field, wrong type, out of range.
    pub fn read(
        &self,
        params: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<Arc<dyn StrategyFactory>, erased_serde::Error> {
        (self.read)(params)
    }
}

impl fmt::Debug for StrategyDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrategyDef").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A feed kind as the registry knows it.
#[derive(Clone)]
pub struct FeedDef {
    /// Its name.
    pub name: String,
    /// What it reads, in one sentence.
    pub summary: String,
    /// The JSON Schema of its parameters.
    pub schema: serde_json::Value,
    read: Arc<ReadFeed>,
}

impl FeedDef {
    /// Reads parameters of this feed; the answer opens it.
    ///
    /// # Errors
    /// What the deserializer says: unknown field, wrong type, out of range.
    #[allow(clippy::type_complexity, reason = "one closure, named where it is made")]
    pub fn read(
        &self,
        params: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<Box<dyn FnOnce(&FeedContext) -> Result<OpenedSource, FeedError> + Send>, erased_serde::Error>
    {
        (self.read)(params)
    }
}

impl fmt::Debug for FeedDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedDef").field("name", &self.name).finish_non_exhaustive()
    }
}

/// All parts that a configuration may name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    strategies: BTreeMap<String, StrategyDef>,
    indicators: BTreeMap<String, IndicatorDef>,
    feeds: BTreeMap<String, FeedDef>,
}

struct Factory<P, F> {
    params: P,
    new: Arc<F>,
}

impl<P, S, F> StrategyFactory for Factory<P, F>
where
    P: Clone + Serialize + Send + Sync,
    S: Strategy + 'static,
    F: Fn(P, &mut Setup<'_>) -> Result<S, SetupError> + Send + Sync,
{
    fn build(&self, setup: &mut Setup<'_>) -> Result<Box<dyn Strategy>, SetupError> {
        Ok(Box::new((self.new)(self.params.clone(), setup)?))
    }

    fn params(&self) -> serde_json::Value {
        serde_json::to_value(&self.params).unwrap_or(serde_json::Value::Null)
    }
}

/// A strategy's factory from parameters in hand, without a registry.
pub fn factory<P, S, F>(params: P, new: F) -> Arc<dyn StrategyFactory>
where
    P: Clone + Serialize + Send + Sync + 'static,
    S: Strategy + 'static,
    F: Fn(P, &mut Setup<'_>) -> Result<S, SetupError> + Send + Sync + 'static,
{
    Arc::new(Factory { params, new: Arc::new(new) })
}

impl Registry {
    /// A registry without any part.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a strategy with one instance per instrument; a later one replaces an earlier one of the same name.
    ///
    /// `new` declares what the strategy looks at and builds it; `P` are its parameters
    /// (`#[serde(deny_unknown_fields)]` is what users expect of them). The first sentence of `P`'s
    /// documentation becomes the summary.
    #[must_use]
    pub fn strategy<P, S, F>(self, name: &str, new: F) -> Self
    where
        P: DeserializeOwned + Serialize + JsonSchema + Clone + Send + Sync + 'static,
        S: Strategy + 'static,
        F: Fn(P, &mut Setup<'_>) -> Result<S, SetupError> + Send + Sync + 'static,
    {
        self.strategy_with_scope(name, Scope::PerInstrument, new)
    }

    /// Adds a strategy of which one instance sees all its instruments.
    #[must_use]
    pub fn strategy_across<P, S, F>(self, name: &str, new: F) -> Self
    where
        P: DeserializeOwned + Serialize + JsonSchema + Clone + Send + Sync + 'static,
        S: Strategy + 'static,
        F: Fn(P, &mut Setup<'_>) -> Result<S, SetupError> + Send + Sync + 'static,
    {
        self.strategy_with_scope(name, Scope::Across, new)
    }

    fn strategy_with_scope<P, S, F>(mut self, name: &str, scope: Scope, new: F) -> Self
    where
        P: DeserializeOwned + Serialize + JsonSchema + Clone + Send + Sync + 'static,
        S: Strategy + 'static,
        F: Fn(P, &mut Setup<'_>) -> Result<S, SetupError> + Send + Sync + 'static,
    {
        let new = Arc::new(new);
        let schema = schema_of::<P>();
        let def = StrategyDef {
            name: name.to_owned(),
            summary: summary_of(&schema),
            scope,
            schema,
            read: Arc::new(move |deserializer| {
                let params: P = erased_serde::deserialize(deserializer)?;
                Ok(Arc::new(Factory { params, new: Arc::clone(&new) }) as Arc<dyn StrategyFactory>)
            }),
        };
        self.strategies.insert(name.to_owned(), def);
        self
    }

    /// Adds an indicator; a later one replaces an earlier one of the same name.
    #[must_use]
    pub fn indicator(mut self, def: IndicatorDef) -> Self {
        self.indicators.insert(def.name.to_owned(), def);
        self
    }

    /// Adds a feed kind; `new` opens the source.
    #[must_use]
    pub fn feed<P, S, F>(mut self, name: &str, new: F) -> Self
    where
        P: DeserializeOwned + JsonSchema + Send + 'static,
        S: Source + 'static,
        F: Fn(P, &FeedContext) -> Result<S, FeedError> + Send + Sync + 'static,
    {
        let new = Arc::new(new);
        let schema = schema_of::<P>();
        let def = FeedDef {
            name: name.to_owned(),
            summary: summary_of(&schema),
            schema,
            read: Arc::new(move |deserializer| {
                let params: P = erased_serde::deserialize(deserializer)?;
                let new = Arc::clone(&new);
                Ok(Box::new(move |context: &FeedContext| {
                    new(params, context).map(|source| Arc::new(source) as OpenedSource)
                }))
            }),
        };
        self.feeds.insert(name.to_owned(), def);
        self
    }

    /// The strategy `name`.
    pub fn find_strategy(&self, name: &str) -> Option<&StrategyDef> {
        self.strategies.get(name)
    }

    /// The indicator `name`.
    pub fn find_indicator(&self, name: &str) -> Option<&IndicatorDef> {
        self.indicators.get(name)
    }

    /// The feed kind `name`.
    pub fn find_feed(&self, name: &str) -> Option<&FeedDef> {
        self.feeds.get(name)
    }

    /// All strategies, by name.
    pub fn strategies(&self) -> impl Iterator<Item = &StrategyDef> {
        self.strategies.values()
    }

    /// All indicators, by name.
    pub fn indicators(&self) -> impl Iterator<Item = &IndicatorDef> {
        self.indicators.values()
    }

    /// All feed kinds, by name.
    pub fn feeds(&self) -> impl Iterator<Item = &FeedDef> {
        self.feeds.values()
    }
}

fn schema_of<P: JsonSchema>() -> serde_json::Value {
    schemars::schema_for!(P).to_value()
}

fn summary_of(schema: &serde_json::Value) -> String {
    let text = schema.get("description").and_then(|d| d.as_str()).unwrap_or_default();
    text.split("\n\n").next().unwrap_or_default().replace('\n', " ")
}

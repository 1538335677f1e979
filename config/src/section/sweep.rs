//! What a sweep may say where it differs from a set: parameters with several values, and how it is run.

use barhive_engine::{calendar::Calendar, governor::Preset, secret::Secret, timeframe::Timeframe};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    AccountSection, BusSection, EngineSection, FeedSection, FeesEntry, FillSection, InstrumentEntry,
    LimitsSection, Params, ReportSection, RetentionSection, SetSection, SizingSection, TraceSection,
};
use crate::{
    read::{Captured, Located},
    value::{ByteSize, Cores, Stamp},
};

/// A sweep: strategies whose parameters take several values, each combination on an account of its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "SweepFile", extend("required" = ["feed", "strategies"]))]
pub(crate) struct SweepFileSection {
    /// The sweep's name in reports and of its results. Default: the name of the file.
    pub(crate) name: Option<Located<String>>,
    /// Where the data come from.
    pub(crate) feed: Option<Captured<FeedSection>>,
    /// What is traded: symbols, wildcards (`"BTC*"`), or mappings that say more about one or several of
    /// them. Default: everything that the feed offers.
    pub(crate) instruments: Option<Captured<Vec<InstrumentEntry>>>,
    /// The account that every combination starts with.
    pub(crate) account: Option<Captured<AccountSection>>,
    /// The strategies and the values of their parameters.
    pub(crate) strategies: Option<Captured<Vec<SweepStrategySection>>>,
    /// How the sweep is run and ranked. Flags of the command line come first.
    pub(crate) sweep: Option<Captured<SweepSection>>,
    /// What fills cost, in place of what the feed says: the name of a schedule, or `rate`, `fixed` and
    /// `minimum`. An instrument's or the account's own `fees` come first.
    pub(crate) fees: Option<FeesEntry>,
    /// How orders meet prices.
    pub(crate) fill: Option<Captured<FillSection>>,
    /// Only steps from this time on (UTC).
    pub(crate) from: Option<Located<Stamp>>,
    /// Only steps up to this time (UTC).
    pub(crate) to: Option<Located<Stamp>>,
    /// Only so many of the first bars of every series.
    #[schemars(range(min = 1))]
    pub(crate) bars: Option<Located<u64>>,
    /// How much is recorded of a combination that is run again to be looked at. Default: `normal`.
    pub(crate) trace: Option<TraceSection>,
    /// How long its records are kept in memory. Default: `full`.
    pub(crate) retention: Option<Captured<RetentionSection>>,
    /// The root of all randomness. Default: 0.
    pub(crate) seed: Option<u64>,
    /// Calendars of your own, to be named by instruments.
    pub(crate) calendars: Option<Captured<Vec<Calendar>>>,
    /// Sizes of the machinery; none of them changes a result.
    pub(crate) engine: Option<Captured<EngineSection>>,
    /// The event bus: another place for `engine.batch_rows`.
    pub(crate) bus: Option<Captured<BusSection>>,
    /// What the report holds and where it goes.
    pub(crate) report: Option<Captured<ReportSection>>,
}

/// The strategies of a sweep.
pub(crate) type SweepStrategies = Captured<Vec<SweepStrategySection>>;

impl SweepFileSection {
    /// What a set says as well, the strategies that are varied, and how the sweep is run.
    pub(crate) fn into_parts(self) -> (SetSection, Option<SweepStrategies>, Option<Captured<SweepSection>>) {
        let set = SetSection {
            name: self.name,
            feed: self.feed,
            instruments: self.instruments,
            account: self.account,
            accounts: None,
            risk: None,
            strategies: None,
            fees: self.fees,
            fill: self.fill,
            from: self.from,
            to: self.to,
            bars: self.bars,
            trace: self.trace,
            retention: self.retention,
            seed: self.seed,
            calendars: self.calendars,
            engine: self.engine,
            bus: self.bus,
            report: self.report,
            origin: None,
        };
        (set, self.strategies, self.sweep)
    }
}

/// A registered strategy whose parameters take several values.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "SweepStrategy", extend("required" = ["id", "kind", "sizing"]))]
pub(crate) struct SweepStrategySection {
    /// Its name in results, unique in the sweep.
    pub(crate) id: Option<Located<String>>,
    /// The registered kind of strategy, such as `sma_cross`, or a wildcard that stands for several
    /// (`"*_cross"`), each of which becomes a strategy `id/kind` with the same parameters.
    pub(crate) kind: Option<Located<String>>,
    /// The strategy's parameters: a value that all combinations share, a list `[5, 10, 20]`, a range
    /// `range(5, 50, 5)`, or a mapping that says when a parameter applies.
    pub(crate) params: Option<Captured<Params>>,
    /// Conditions that every combination satisfies: `["fast < slow"]`. They know numbers, texts in
    /// quotation marks, `true`, `false`, parameters, `+ - * / %`, comparisons, `not`, `and`, `or` and
    /// parentheses.
    #[serde(rename = "where")]
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) constraints: Option<Captured<Vec<String>>>,
    /// Combinations one by one, in place of parameters with several values: a list of mappings
    /// (`[{fast: 5, slow: 53}]`), or a JSON, YAML or CSV file of them beneath the folder of the
    /// configuration. In a CSV file the first line names the parameters.
    #[schemars(with = "Option<PointsSchema>")]
    pub(crate) points: Option<Captured<Params>>,
    /// What it trades, by symbol or wildcard. A strategy that looks at one instrument at a time is varied
    /// over them, each on an account of its own; one that looks across takes the list whole. Default: all
    /// instruments of the sweep.
    pub(crate) instruments: Option<Vec<Located<String>>>,
    /// How long its bars last: `1m`. Bars coarser than the data are aggregated. Either this or `timeframes`.
    pub(crate) timeframe: Option<Located<Timeframe>>,
    /// Several lengths of bars, all of which are tried: `[1m, 5m]`.
    pub(crate) timeframes: Option<Vec<Located<Timeframe>>>,
    /// How large its positions are.
    pub(crate) sizing: Option<Located<SizingSection>>,
    /// What bounds its orders and positions.
    pub(crate) limits: Option<LimitsSection>,
}

/// Points as the schema shows them.
#[derive(JsonSchema)]
#[schemars(inline, untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum PointsSchema {
    File(String),
    List(Vec<Params>),
}

/// A parameter with several values that does not always apply.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Swept", extend("required" = ["values"]))]
pub(crate) struct SweptSection {
    /// Its values: a list, or `range(5, 50, 5)`.
    #[schemars(with = "Option<ValuesSchema>")]
    pub(crate) values: Option<Captured<Params>>,
    /// A condition on the parameters above this one. Where it does not hold, the parameter stays at its
    /// default and makes no combinations.
    #[schemars(with = "Option<String>")]
    pub(crate) when: Option<Captured<String>>,
    /// What it is where `when` does not hold, or where one of the `points` leaves it out. Default: the
    /// strategy's own default.
    #[schemars(with = "Option<serde_json::Value>")]
    pub(crate) default: Option<Captured<Params>>,
}

/// Values as the schema shows them.
#[derive(JsonSchema)]
#[schemars(inline, untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum ValuesSchema {
    Range(String),
    List(Vec<serde_json::Value>),
}

/// How a sweep is run and ranked. Flags of the command line come first.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Sweep")]
pub(crate) struct SweepSection {
    /// The figures that combinations are ranked by, the largest first; with a minus in front, the smallest:
    /// `sharpe`, or `[sharpe, -max_drawdown]` for the Pareto front of several. Default: `sharpe`.
    #[schemars(with = "Option<RankSchema>")]
    pub(crate) rank: Option<Captured<Params>>,
    /// How many of the best are shown, and run again for their trades and curves. Default: 20.
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) top: Option<Located<u64>>,
    /// Combinations of a pass at most: what a checkpoint saves and what memory is bounded by.
    /// Default: 1024.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub(crate) batch: Option<Located<u64>>,
    /// Combinations that a worker takes at a time. Default: sized from what combinations take.
    #[schemars(range(min = 1))]
    pub(crate) chunk: Option<Located<u64>>,
    /// Workers; 0 takes as many as cores are allowed. Default: 0.
    #[schemars(range(min = 0, max = 256))]
    pub(crate) workers: Option<Located<u64>>,
    /// Where results are copied to beside the run's folder: `none`, `sqlite:FILE` (beneath the folder of the
    /// configuration) or `postgres://USER@HOST/DATABASE`. A password comes from the environment. Default:
    /// `results.sqlite` in the folder of results.
    pub(crate) database: Option<Located<Secret>>,
    /// What keeps workers apart. Default: `thread`.
    pub(crate) isolation: Option<IsolationSection>,
    /// How much of the machine the sweep takes. Default: all of it.
    pub(crate) throttle: Option<Captured<ThrottleSection>>,
    /// What worker processes may take, where `isolation` is `process`.
    pub(crate) process: Option<Captured<ProcessSection>>,
}

/// How much of the machine a sweep takes. The figures after "preset vm" are those of that preset.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Throttle")]
pub(crate) struct ThrottleSection {
    /// Settings for a kind of machine, which the other keys change: `vm`, `local` or `shared`.
    pub(crate) preset: Option<Preset>,
    /// Workers where none are asked for. Default: one per core; preset vm: 4.
    #[schemars(range(min = 1, max = 1024))]
    pub(crate) default_workers: Option<Located<u64>>,
    /// Workers that may be asked for at most. Default: 16, or one per core if those are more.
    #[schemars(range(min = 1, max = 1024))]
    pub(crate) max_workers: Option<Located<u64>>,
    /// Use of all cores, by whatever runs, that is not to be exceeded, percent. Default: none; preset vm: 80.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) cpu_limit: Option<f64>,
    /// Seconds between passes in which no worker works. Default: 0; preset vm: 5.
    #[schemars(range(min = 0, max = 86_400))]
    pub(crate) cooldown_seconds: Option<f64>,
    /// Whether workers stand back behind other programs. Default: false; preset vm: true.
    pub(crate) nice_priority: Option<bool>,
    /// Whether the number of workers follows the limit; otherwise exceeding it is only told. Default: true.
    pub(crate) adaptive_throttling: Option<bool>,
    /// Finished combinations between checks; a second is the longest time between two. Default: 5.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) cpu_check_interval: Option<Located<u64>>,
    /// Use of all cores from which on all workers rest, percent: 85. Default: none.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) cpu_threshold: Option<f64>,
    /// Seconds of that rest. Default: 120.
    #[schemars(range(min = 0, max = 86_400))]
    pub(crate) cooling_duration_seconds: Option<f64>,
    /// Whether a hot processor rests a part of the workers: 25 % from 80 degrees, all from 95. Default: false.
    pub(crate) thermal: Option<bool>,
}

/// What worker processes may take.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "WorkerProcess")]
pub(crate) struct ProcessSection {
    /// Memory that one may take beyond the sweep itself; files, which all share, are not counted.
    /// Default: 4GiB, and 1GiB for each combination of a pass.
    pub(crate) memory_max: Option<Located<ByteSize>>,
    /// On which cores they run: `any`, `auto` (each on one of those allowed), or a list: `0,2-3`.
    /// Default: `any`.
    pub(crate) cores: Option<Located<Cores>>,
    /// How far they stand back behind other programs, for processor and disk. Default: 0.
    #[schemars(range(min = 0, max = 19))]
    pub(crate) nice: Option<Located<u64>>,
}

/// A ranking as the schema shows it.
#[derive(JsonSchema)]
#[schemars(inline, untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum RankSchema {
    One(String),
    Several(Vec<String>),
}

/// What keeps workers apart.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Isolation")]
pub(crate) enum IsolationSection {
    /// Workers are threads: quick to start, one memory.
    Thread,
    /// Workers are processes: one that dies or hangs is replaced, and takes nothing with it.
    Process,
}

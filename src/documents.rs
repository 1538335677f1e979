//! The documents' Rust code, compiled and run by `cargo test` like the examples of any other item.

macro_rules! documents {
    ($($name:ident: $path:literal,)*) => { $(#[doc = include_str!($path)] struct $name;)* };
}

documents! {
    Readme: "../README.md",
    Architecture: "../ARCHITECTURE.md",
    Benchmarks: "../docs/benchmarks.md",
    CommandLine: "../docs/cli.md",
    Data: "../docs/data.md",
    Doctor: "../docs/doctor.md",
    Embedding: "../docs/embedding.md",
    GettingStarted: "../docs/getting-started.md",
    Governor: "../docs/governor.md",
    HowFillsWork: "../docs/how-fills-work.md",
    Indicators: "../docs/indicators.md",
    ReportJson: "../docs/report-json.md",
    Statistics: "../docs/statistics.md",
    Strategies: "../docs/strategies.md",
    Server: "../docs/server.md",
    Sweeps: "../docs/sweeps.md",
    WritingAStrategy: "../docs/writing-a-strategy.md",
    YamlReference: "../docs/yaml-reference.md",
}

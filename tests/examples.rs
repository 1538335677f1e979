//! The examples run, and each ends with the hash that it asserts.

#[path = "../examples/embed.rs"]
mod embed;
#[path = "../examples/indicator.rs"]
mod indicator;

#[test]
fn a_strategy_of_ones_own_runs_as_the_example_says() {
    embed::main();
}

#[test]
fn an_indicator_of_ones_own_runs_as_the_example_says() {
    indicator::main();
}

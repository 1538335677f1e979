//! Every figure that the project promises, one line each: `FIGURE name value unit`, beside the floor
//! of the same run (`FIGURE name_floor value unit`). The work behind each figure is asserted.
//!
//! `cargo bench --bench figures` prints all, `-- NAME` those whose name contains `NAME`. The bench
//! pins itself to one core: figures are for one core unless their name says otherwise.

mod bigbar;
mod breaker;
mod bus;
mod child;
mod counters;
mod data;
mod fixtures;
mod jobs;
mod live;
mod measure;
mod memory;
mod pools;
mod portfolios;
mod program;
mod queued;
mod scale;
mod server;
mod server_cost;
mod staged;
mod w1;
mod w2;
mod w3;

use measure::Figures;

#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(name) = arguments.iter().find_map(|argument| argument.strip_prefix("--child=")) {
        return child::run(name);
    }
    let filter = arguments.into_iter().find(|argument| !argument.starts_with('-'));
    let mut figures = Figures::new(filter);
    measure::pin_to_one_core();
    w1::figures(&mut figures);
    w2::figures(&mut figures);
    scale::figures(&mut figures);
    w3::figures(&mut figures);
    bigbar::figures(&mut figures);
    pools::figures(&mut figures);
    portfolios::figures(&mut figures);
    bus::figures(&mut figures);
    data::figures(&mut figures);
    memory::figures(&mut figures);
    program::figures(&mut figures);
    staged::figures(&mut figures);
    breaker::figures(&mut figures);
    live::figures(&mut figures);
    counters::figures(&mut figures);
    jobs::figures(&mut figures);
    server_cost::figures(&mut figures);
    queued::figures(&mut figures);
    figures.finish();
}

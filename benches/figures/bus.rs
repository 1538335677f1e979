//! What the bus and the actors cost: the same set with and without them.

use barhive::engine::{
    Registry, backtest,
    registry::{StrategyFactory, factory},
    set::RunSpec,
    strategy::{Bars, Context, Setup, SetupError, Strategy},
};
use std::sync::Arc;

use crate::{
    fixtures,
    measure::{Figures, paired_median_ns},
};

/// Reads every bar and does nothing about it.
struct Reader {
    sum: f64,
}

impl Strategy for Reader {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        self.sum += ctx.close(bars);
    }
}

fn reader() -> Arc<dyn StrategyFactory> {
    factory((), |(), setup: &mut Setup<'_>| -> Result<Reader, SetupError> {
        setup.bars(setup.instrument());
        Ok(Reader { sum: 0.0 })
    })
}

/// A set of readers on `bars` bars.
fn readers(containers: usize, bars: u64) -> RunSpec {
    let workload = fixtures::synthetic(&format!("bus_{bars}"), 1, bars);
    let accounts = (0..containers)
        .map(|i| fixtures::account(&format!("reader{i}"), vec![fixtures::strategy("reader", reader(), 0)]))
        .collect();
    RunSpec { containers: accounts, ..fixtures::set(&workload) }
}

pub fn figures(figures: &mut Figures) {
    if !figures.wants(&["bus_ns_per_event"]) {
        return;
    }
    let registry = fixtures::registry();
    // What threads and actors take to start and to end falls on a short run as on a long one: what a
    // further event costs is the slope between them. Fewer bars for many containers: the figure is per
    // event and receiving container.
    let [one, thousand] =
        [(1, 1_000_000, 4_000_000), (1_000, 10_000, 50_000)].map(|(containers, short, long)| {
            let over = |bars: u64| {
                let spec = readers(containers, bars);
                let (with, without) = paired_median_ns(
                    9,
                    || actors(&spec, &registry, containers),
                    || {
                        let result = backtest::run(&spec, &registry).expect("the set runs");
                        assert_eq!(result.accounts.len(), containers);
                    },
                );
                with - without
            };
            let (short_ns, long_ns) = (over(short), over(long));
            figures.print(&format!("run_overhead_us_{containers}_containers"), short_ns / 1e3, "us");
            (long_ns - short_ns) / ((long - short) as f64 * containers as f64)
        });
    figures.print("bus_ns_per_event_1_container", one, "ns");
    figures.print("bus_ns_per_event_1000_containers", thousand, "ns");
    figures.print("bus_ns_per_event", one.max(thousand), "ns");
}

fn actors(spec: &RunSpec, registry: &Registry, containers: usize) {
    let outcome = barhive::actors::run(spec.clone(), registry, Default::default()).expect("the set runs");
    assert_eq!(outcome.result.accounts.len(), containers);
    assert!(outcome.result.bus.iter().map(|topic| topic.events).sum::<u64>() > 0, "bars went over the bus");
}

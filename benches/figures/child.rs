//! Work that is measured in a process of its own, started by the bench itself.

use crate::fixtures;
use barhive::engine::set::RunSpec;

/// A thousand different crosses on one stream, an account each, nothing recorded.
fn containers() -> RunSpec {
    let workload = fixtures::synthetic("linear_1m", 1, 1_000_000);
    let accounts = (0..1_000u32)
        .map(|i| {
            let pair = fixtures::cross(5 + i % 40, 50 + i / 40 * 6);
            fixtures::account(&format!("a{i}"), vec![fixtures::strategy("cross", pair, 0)])
        })
        .collect();
    RunSpec { containers: accounts, bars_max: Some(20_000), ..fixtures::set(&workload) }
}

/// Runs the child's work; the parent watches its memory.
pub fn run(name: &str) {
    crate::measure::pin_to_one_core();
    match name {
        "containers_1000" => {
            let outcome = fixtures::run(containers(), &fixtures::registry(), None);
            assert_eq!(outcome.result.accounts.len(), 1_000);
        }
        "bigbar" => {
            crate::bigbar::run(crate::bigbar::spec());
        }
        "w2" => crate::w2::once(),
        other => panic!("no such child: {other}"),
    }
}

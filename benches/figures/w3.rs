//! W3: 500 strategies on a hundred instruments in one account.

use crate::{
    fixtures,
    measure::{Figures, median_ns},
};

pub fn figures(figures: &mut Figures) {
    if figures.wants(&["w3_mstrategybars_per_s", "w3_mstrategybars_per_s_floor"]) {
        let workload = fixtures::w3();
        let registry = fixtures::registry();
        let strategy_bars = 500.0 * workload.bars as f64;
        let ns = median_ns(9, || {
            let outcome = fixtures::run(fixtures::w3_set(&workload), &registry, workload.answer);
            assert_eq!(outcome.result.hub.subscriptions, 1_000);
        });
        figures.print("w3_mstrategybars_per_s", strategy_bars / ns * 1e3, "M/s");
        let closes: Vec<Vec<f64>> = (0..100)
            .map(|i| (0..workload.bars).map(|t| 100.0 + ((t * (i + 7)) % 97) as f64 * 0.01).collect())
            .collect();
        let floor = median_ns(5, || {
            let fills: u64 = (0..500).map(|k| super::w1::floor(&closes[k % 100], &closes[k % 100]).0).sum();
            assert!(fills > 0);
        });
        figures.print("w3_mstrategybars_per_s_floor", strategy_bars / floor * 1e3, "M/s");
    }
}

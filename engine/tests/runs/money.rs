//! No money is made or lost by booking it.

use barhive_engine::{money::Money, set::FillSpec};
use proptest::prelude::*;

use crate::{
    kit::{instrument, run, set},
    random::{Looks, markets, source, traded},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_cent_of_a_session_is_accounted_for(
        markets in markets(), seed in any::<u32>(), close_at_end in any::<bool>(), slippage in 0u8..20,
    ) {
        let mut account = traded("a", u64::from(seed), markets.len(), Looks::Everywhere);
        account.fill = FillSpec { close_at_end, slippage_bps: f64::from(slippage), ..FillSpec::default() };
        let start = account.cash;
        let ran = run(&set(source(&markets), vec![account]));
        let (result, records) = (&ran.result.accounts[0], &ran.records[0]);
        let scales = instrument("A").scales();

        let fees: Money = records.fills.iter().map(|fill| fill.fee).sum();
        let paid: Money = records.fills.iter().map(|f| scales.notional(f.price, f.lots).unwrap()).sum();
        prop_assert_eq!(result.fees, fees);
        prop_assert_eq!(result.cash, start - paid - fees);

        let held: Money = result.open_positions.iter().map(|open| open.value).sum();
        prop_assert_eq!(result.final_equity, result.cash + held);
        let earned: Money = result.strategies.iter().map(|s| s.realized_pnl + s.open_pnl).sum();
        prop_assert_eq!(result.final_equity, start + earned);
        let closed: Money = records.trades.iter().map(|trade| trade.pnl).sum();
        prop_assert_eq!(closed, result.strategies.iter().map(|s| s.realized_pnl).sum::<Money>());

        prop_assert_eq!(result.fills, records.fills.len() as u64);
        prop_assert_eq!(result.trades, records.trades.len() as u64);
        prop_assert!(!close_at_end || result.open_positions.is_empty());

        // The samples are doubles; the ledger is exact.
        let sampled = records.equity.last().unwrap().equity;
        prop_assert!((sampled - result.final_equity.to_f64()).abs() < 1e-6, "{sampled}");
    }
}

//! Follows the trend of a generated market: long while a fast average is above a slow one.
use std::sync::Arc;

use barhive::{feeds, prelude::*};

struct Trend(Inst, Value, Value);

impl Strategy for Trend {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        let up = ctx.value(self.1) > ctx.value(self.2);
        if up && ctx.position(self.0) == 0 {
            ctx.enter(self.0, Side::Buy);
        } else if !up && ctx.position(self.0) > 0 {
            ctx.exit(self.0);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let market = Arc::new(feeds::SyntheticSource::new(feeds::SyntheticParams::default())?);
    let trend = factory((20u32, 80u32), |(fast, slow), setup: &mut Setup<'_>| {
        let bars = setup.bars(setup.instrument());
        let sma = |period: u32| IndicatorSpec::new("sma").with("period", period);
        Ok(Trend(bars.instrument(), setup.indicator(bars, sma(fast))?, setup.indicator(bars, sma(slow))?))
    });
    let (cash, usd) = (Money::from_units(100_000), Currency::new("USD")?);
    let result = Backtest::new(Registry::builtin().into(), market, cash, usd)?
        .strategy("trend", trend, &["SYN000"], Timeframe::H1, Sizing::AllIn)?
        .run()?;
    let account = &result.accounts[0];
    println!("{} trades, final equity {} {}", account.trades, account.final_equity, account.currency);
    println!("result {}", result.result_hash);
    Ok(())
}

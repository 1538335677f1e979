//! A strategy and its backtest in one file, on the caller's thread: no runtime, no files.
//!
//! ```text
//! cargo run --release --example embed
//! ```

use std::sync::Arc;

use barhive::{feeds, prelude::*};

/// Buys when the close leaves the channel of the last bars upwards, sells when it leaves downwards.
struct Breakout {
    instrument: Inst,
    bars: Bars,
    high: Value,
    low: Value,
}

impl Breakout {
    /// `channel` is in bars.
    fn new(channel: u32, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        let extreme = |name: &str| IndicatorSpec::new(name).with("period", channel);
        let high = setup.indicator(bars, extreme("highest"))?;
        let low = setup.indicator(bars, extreme("lowest"))?;
        Ok(Self { instrument, bars, high, low })
    }
}

impl Strategy for Breakout {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        let (close, position) = (ctx.close(self.bars), ctx.position(self.instrument));
        if close >= ctx.value(self.high) && position <= 0 {
            ctx.enter(self.instrument, Side::Buy);
        } else if close <= ctx.value(self.low) && position >= 0 {
            ctx.enter(self.instrument, Side::Sell);
        }
    }
}

/// Runs the strategy on a generated market.
fn main() {
    let market = feeds::SyntheticParams { seed: 3, bars: 20_000, ..feeds::SyntheticParams::default() };
    let market = feeds::SyntheticSource::new(market).expect("sound parameters");
    let usd = Currency::new("USD").expect("a currency code");
    let result = Backtest::new(Registry::builtin().into(), Arc::new(market), Money::from_units(100_000), usd)
        .and_then(|test| {
            let breakout = factory(240u32, Breakout::new);
            test.strategy("breakout", breakout, &["SYN000"], Timeframe::M1, Sizing::EquityFraction(0.5))
        })
        .expect("the market has the instrument")
        .fees(FeeSchedule { rate_ppb: 200_000, ..FeeSchedule::default() })
        .run()
        .expect("the strategy can be set up");

    let account = &result.accounts[0];
    println!("{} fills, fees {}, final equity {}", account.fills, account.fees, account.final_equity);
    println!("result {}", result.result_hash);
    assert_eq!(
        result.result_hash, "115b97af45e70d01ea384e57bba7fa1cfa064641a971ba0d59e716941c40498e",
        "the same on every machine"
    );
}

#[test]
fn the_strategy_has_the_hash_that_it_has_everywhere() {
    main();
}

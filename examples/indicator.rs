//! An indicator of one's own: the efficiency ratio, registered beside the built-in ones, and a
//! strategy that reads it as if it were one of them.
//!
//! ```text
//! cargo run --release --example indicator
//! ```

use std::{collections::VecDeque, sync::Arc};

use barhive::{feeds, prelude::*};

/// How straight the way of a price was: its change over n rows by the sum of all changes on the way
/// (P. J. Kaufman, 1995). 1 is a straight line, 0 is back where it began.
fn efficiency() -> IndicatorDef {
    IndicatorDef {
        name: "efficiency",
        doc: IndicatorDoc {
            summary: "Efficiency ratio: how straight the way of a price was.",
            formula: "|x[t] - x[t-n]| / sum of |x[i] - x[i-1]| over the last n rows; 0 where nothing moved",
            inputs: "one column",
            output: "one value from 0 to 1",
            warm_up: "n + 1 rows",
            seeding: "none",
            source: "P. J. Kaufman, 1995",
        },
        input: InputKind::Value,
        params: vec![ParamDef {
            name: "period",
            kind: ParamKind::Int { min: 1, max: 1_000, default: 10 },
            doc: "Rows to look back (n).",
        }],
        outputs: vec!["efficiency"],
        warm_up: |params| params.int("period") + 1,
        check: |_| Ok(()),
        build: Arc::new(|params| {
            let period = params.int("period");
            Box::new(Efficiency { period, window: VecDeque::with_capacity(period + 2) })
        }),
    }
}

/// The last `period + 1` values.
#[derive(Clone)]
struct Efficiency {
    period: usize,
    window: VecDeque<f64>,
}

impl Kernel for Efficiency {
    // One row after the other, so that every way to cut the rows into pieces gives the same bits.
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        for (x, out) in input.x.iter().zip(output.column(0)) {
            self.window.push_back(*x);
            if self.window.len() > self.period + 1 {
                self.window.pop_front();
            }
            *out = if self.window.len() > self.period { ratio(&self.window) } else { f64::NAN };
        }
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}

fn ratio(window: &VecDeque<f64>) -> f64 {
    let way: f64 = window.iter().zip(window.iter().skip(1)).map(|(before, x)| (x - before).abs()).sum();
    let change = (window[window.len() - 1] - window[0]).abs();
    if way > 0.0 { change / way } else { 0.0 }
}

/// Follows the last bars' direction while their way is straight, and stands aside when it is not.
struct Straight {
    instrument: Inst,
    efficiency: Value,
    momentum: Value,
}

impl Straight {
    fn new(period: u32, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        let efficiency = setup.indicator(bars, IndicatorSpec::new("efficiency").with("period", period))?;
        let momentum = setup.indicator(bars, IndicatorSpec::new("mom").with("period", period))?;
        Ok(Self { instrument, efficiency, momentum })
    }
}

impl Strategy for Straight {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        let (straight, momentum) = (ctx.value(self.efficiency), ctx.value(self.momentum));
        let position = ctx.position(self.instrument);
        if straight > 0.6 && momentum > 0.0 && position <= 0 {
            ctx.enter(self.instrument, Side::Buy);
        } else if straight > 0.6 && momentum < 0.0 && position >= 0 {
            ctx.enter(self.instrument, Side::Sell);
        } else if straight < 0.1 && position != 0 {
            ctx.exit(self.instrument);
        }
    }
}

/// Runs the strategy on a generated market.
fn main() {
    let registry = Registry::builtin().indicator(efficiency());
    let market = feeds::SyntheticParams { seed: 5, bars: 20_000, ..feeds::SyntheticParams::default() };
    let market = feeds::SyntheticSource::new(market).expect("sound parameters");
    let usd = Currency::new("USD").expect("a currency code");
    let result = Backtest::new(registry.into(), Arc::new(market), Money::from_units(100_000), usd)
        .and_then(|test| {
            let straight = factory(30u32, Straight::new);
            test.strategy("straight", straight, &["SYN000"], Timeframe::M1, Sizing::Lots(100))
        })
        .expect("the market has the instrument")
        .run()
        .expect("the indicator is registered");

    let account = &result.accounts[0];
    println!("{} round trips, final equity {}", account.trades, account.final_equity);
    println!("result {}", result.result_hash);
    assert_eq!(
        result.result_hash, "9907f9b09bf861d88a110d0f1c17f98843f1ceceea460c3dd55a31e82f9459bf",
        "the same on every machine"
    );
}

#[test]
fn the_indicator_is_used_like_a_built_in_one() {
    main();
}

//! Parameters: how they are spelled, what they refuse, and how they explain it.

use barhive_engine::{
    registry::factory,
    strategy::{Setup, SetupError, Strategy},
};
use barhive_strategies::{
    BigBar, BigBarParams, Bollinger, BollingerParams, Direction, DonchianBreakout, DonchianBreakoutParams,
    EmaCross, EmaCrossParams, Macd, MacdParams, MomentumRotation, MomentumRotationParams, PairZscore,
    PairZscoreParams, RsiReversion, RsiReversionParams, SmaCross, SmaCrossParams,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::kit::{Prices, registry, try_run};

/// What a strategy with these parameters says when it is set up on `instruments` instruments.
fn refusal<P, S>(params: P, new: fn(P, &mut Setup<'_>) -> Result<S, SetupError>, instruments: usize) -> String
where
    P: Clone + Serialize + Send + Sync + 'static,
    S: Strategy + 'static,
{
    let markets = vec![Prices::walk(10, 1); instruments];
    match try_run(factory(params, new), &markets, 1024) {
        Ok(_) => panic!("this must be refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn contradictions_are_refused_all_at_once_with_what_was_expected_and_found() {
    let text = refusal(SmaCrossParams { fast: 30, slow: 10, ..Default::default() }, SmaCross::new, 1);
    assert!(text.contains("sma_cross: `fast` must be below `slow`, found fast = 30, slow = 10"), "{text}");
    let text = refusal(EmaCrossParams { fast: 0, slow: 0, ..Default::default() }, EmaCross::new, 1);
    assert!(text.contains("`fast` must be a number of bars from 1 to 100000, found 0"), "{text}");
    assert!(text.contains("`slow` must be a number of bars from 1 to 100000, found 0"), "{text}");
    let text = refusal(MacdParams { fast: 9, slow: 9, signal: 200_000, ..Default::default() }, Macd::new, 1);
    assert!(text.contains("`fast` must be below `slow`, found fast = 9, slow = 9"), "{text}");
    assert!(text.contains("`signal` must be a number of bars from 1 to 100000, found 200000"), "{text}");
    let upside_down =
        RsiReversionParams { period: 0, oversold: 70.0, overbought: 30.0, ..Default::default() };
    let text = refusal(upside_down, RsiReversion::new, 1);
    assert!(
        text.contains("`period`") && text.contains("found oversold = 70, exit = 50, overbought = 30"),
        "{text}"
    );
    let text =
        refusal(BollingerParams { period: 5, deviations: 2.0, ..Default::default() }, Bollinger::new, 1);
    assert!(text.contains("`deviations` must be below 2.00"), "{text}");
    let text = refusal(BollingerParams { deviations: f64::NAN, ..Default::default() }, Bollinger::new, 1);
    assert!(text.contains("found NaN"), "{text}");
    let wild = DonchianBreakoutParams {
        entry: 5,
        exit: 9,
        atr: 0,
        stop_atr: 0.0,
        target_atr: -1.0,
        ..Default::default()
    };
    let text = refusal(wild, DonchianBreakout::new, 1);
    for part in ["`exit` must be at most `entry`", "`atr`", "`stop_atr`", "`target_atr`"] {
        assert!(text.contains(part), "{text}");
    }
    let shapeless =
        BigBarParams { atr_period: 0, k_atr: 0.0, up_tail: 1.5, prev_weight: -1.0, buffer: f64::INFINITY };
    let text = refusal(shapeless, BigBar::new, 1);
    for part in ["`atr_period`", "`k_atr`", "`up_tail` must be", "`prev_weight` must be", "`buffer` must be"]
    {
        assert!(text.contains(part), "{text}");
    }
    let greedy = MomentumRotationParams { hold: 4, every: 0, ..Default::default() };
    let text = refusal(greedy, MomentumRotation::new, 3);
    assert!(
        text.contains("from 1 to the number of its instruments, 3, found 4") && text.contains("`every`"),
        "{text}"
    );
    let text = refusal(PairZscoreParams { entry: 0.1, ..Default::default() }, PairZscore::new, 3);
    assert!(
        text.contains("a pair is exactly 2 instruments, found 3") && text.contains("exit < entry"),
        "{text}"
    );
    let text = refusal(PairZscoreParams { period: 4, ..Default::default() }, PairZscore::new, 2);
    assert!(text.contains("`entry` must be below 1.73"), "{text}");
}

fn reads<P: DeserializeOwned + Serialize + Default + PartialEq + std::fmt::Debug>() {
    let empty: P = serde_json::from_str("{}").expect("all parameters have defaults");
    assert_eq!(empty, P::default());
    let text = serde_json::to_string(&empty).expect("parameters can be written");
    assert_eq!(serde_json::from_str::<P>(&text).expect("and read again"), empty);
    let error = serde_json::from_str::<P>("{\"fsat\": 1}").expect_err("a misspelled name");
    assert!(error.to_string().contains("unknown field `fsat`"), "{error}");
}

#[test]
fn all_parameters_have_defaults_and_unknown_ones_are_refused() {
    reads::<barhive_strategies::BuyAndHoldParams>();
    reads::<SmaCrossParams>();
    reads::<EmaCrossParams>();
    reads::<MacdParams>();
    reads::<RsiReversionParams>();
    reads::<BollingerParams>();
    reads::<DonchianBreakoutParams>();
    reads::<BigBarParams>();
    reads::<MomentumRotationParams>();
    reads::<PairZscoreParams>();
    let long: SmaCrossParams =
        serde_json::from_str("{\"direction\": \"long\", \"price\": \"hlc3\"}").expect("good");
    assert_eq!(long.direction, Direction::Long);
}

#[test]
fn every_strategy_has_a_summary_and_every_parameter_a_description() {
    for def in registry().strategies() {
        assert!(def.summary.ends_with('.') && def.summary.len() > 20, "{}: {:?}", def.name, def.summary);
        assert!(!def.summary.contains('\n'));
        let properties =
            def.schema.get("properties").and_then(|p| p.as_object()).cloned().unwrap_or_default();
        for (name, schema) in properties {
            assert!(schema.get("description").is_some(), "{}: {name} {schema}", def.name);
            assert!(schema.get("default").is_some(), "{}: {name} {schema}", def.name);
        }
    }
}

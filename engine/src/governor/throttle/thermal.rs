//! Fewer workers on a hot processor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::governor::fault::Checks;

/// From this temperature on, so many workers fewer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThermalStep {
    /// From here, degrees Celsius.
    pub celsius: f64,
    /// So many of the workers rest, percent.
    pub fewer_percent: f64,
}

/// Which part of the workers rests at which temperature. A step is left again 3 degrees below where it
/// begins, so that a sensor that trembles changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ThermalTable(pub Vec<ThermalStep>);

impl Default for ThermalTable {
    /// 75 C: 0 %, 80 C: 25 %, 85 C: 50 %, 90 C: 75 %, 95 C: 100 %.
    fn default() -> Self {
        let steps = [(75.0, 0.0), (80.0, 25.0), (85.0, 50.0), (90.0, 75.0), (95.0, 100.0)];
        Self(steps.map(|(celsius, fewer_percent)| ThermalStep { celsius, fewer_percent }).into())
    }
}

impl ThermalTable {
    /// How far below its beginning a step is left, degrees Celsius.
    pub const HYSTERESIS_CELSIUS: f64 = 3.0;

    /// The part of the workers that rests at this temperature, percent, without regard to what was before.
    pub fn fewer_percent(&self, celsius: f64) -> f64 {
        self.0.iter().rev().find(|step| celsius >= step.celsius).map_or(0.0, |step| step.fewer_percent)
    }

    /// The same after `before` percent rested: it rises at once and falls late.
    pub(super) fn follow(&self, before: f64, celsius: f64) -> f64 {
        let rising = self.fewer_percent(celsius);
        let falling = self.fewer_percent(celsius + Self::HYSTERESIS_CELSIUS);
        before.clamp(rising, falling)
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        checks.that(!self.0.is_empty(), "thermal", "at least one step", "none");
        for (place, step) in self.0.iter().enumerate() {
            checks.within(&format!("thermal[{place}].celsius"), step.celsius, 0.0..=150.0, "degrees Celsius");
            checks.within(&format!("thermal[{place}].fewer_percent"), step.fewer_percent, 0.0..=100.0, "%");
        }
        for (place, pair) in self.0.windows(2).enumerate() {
            let [below, above] = pair else { continue };
            let key = format!("thermal[{}]", place + 1);
            let ascends = above.celsius > below.celsius && above.fewer_percent >= below.fewer_percent;
            let expected =
                format!("hotter than {} C and no less than {} %", below.celsius, below.fewer_percent);
            checks.that(ascends, &key, expected, format!("{} C, {} %", above.celsius, above.fewer_percent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_begins_where_the_table_says() {
        let table = ThermalTable::default();
        let at = [74.9, 75.0, 79.9, 80.0, 84.9, 85.0, 89.9, 90.0, 94.9, 95.0, 110.0];
        let fewer = at.map(|celsius| table.fewer_percent(celsius));
        assert_eq!(fewer, [0.0, 0.0, 0.0, 25.0, 25.0, 50.0, 50.0, 75.0, 75.0, 100.0, 100.0]);
    }

    #[test]
    fn a_step_is_left_three_degrees_below_its_beginning() {
        let table = ThermalTable::default();
        let mut fewer = 0.0;
        let mut follow = |celsius| {
            fewer = table.follow(fewer, celsius);
            fewer
        };
        let seen = [79.0, 80.0, 79.0, 80.5, 77.1, 77.0, 76.9, 79.0, 96.0, 93.0, 91.9, 60.0].map(&mut follow);
        assert_eq!(seen, [0.0, 25.0, 25.0, 25.0, 25.0, 25.0, 0.0, 0.0, 100.0, 100.0, 75.0, 0.0]);
    }

    #[test]
    fn a_table_that_does_not_ascend_is_refused() {
        let step = |celsius, fewer_percent| ThermalStep { celsius, fewer_percent };
        let mut checks = Checks::default();
        ThermalTable(vec![step(80.0, 50.0), step(80.0, 120.0), step(90.0, 25.0)]).check(&mut checks);
        let text = checks.finish().unwrap_err().to_string();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("thermal[2]: expected hotter than 80 C and no less than 120 %"), "{text}");
    }
}

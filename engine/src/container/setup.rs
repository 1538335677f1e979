//! What strategies declare before the first row: series, look-back and indicators.

use crate::{
    data::{SeriesKey, SeriesKind},
    indicator::{IndicatorSpec, InputKind, InputSpec, PriceField},
    instrument::{Instrument, InstrumentId},
    registry::Registry,
    strategy::{Bars, Inst, SetupError, Value},
    timeframe::Timeframe,
};

/// A series that a container looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesDecl {
    /// Which series.
    pub key: SeriesKey,
    /// Earlier rows that must stay visible.
    pub lookback: usize,
}

/// One output of an indicator that a container reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueDecl {
    /// Index into the container's series.
    pub slot: u32,
    /// The indicator, completed.
    pub spec: IndicatorSpec,
    /// Which output.
    pub output: usize,
    /// Earlier values that must stay visible.
    pub lag: usize,
}

/// Everything that the strategies of a container declared.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// The series.
    pub series: Vec<SeriesDecl>,
    /// The indicator outputs.
    pub values: Vec<ValueDecl>,
}

/// What one strategy subscribed to.
#[derive(Clone, Debug, Default)]
pub struct Subscriptions {
    /// The series whose bars it is called for.
    pub bars: Vec<Bars>,
    /// Whether it is called once per step.
    pub every_step: bool,
    /// How many indicator outputs it asked for.
    pub indicators: u64,
    /// Earlier rows that it sees, by series of its container; 0 for what is not listed.
    pub lookbacks: Vec<u32>,
    /// Earlier values that it sees, by value of its container; 0 for what is not listed.
    pub lags: Vec<u32>,
}

/// Raises what stands at `index` to at least `rows`.
fn raise(list: &mut Vec<u32>, index: u32, rows: usize) {
    let index = index as usize;
    if list.len() <= index {
        list.resize(index + 1, 0);
    }
    list[index] = list[index].max(u32::try_from(rows).unwrap_or(u32::MAX));
}

/// Where a strategy declares what it looks at.
pub struct Setup<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) instruments: &'a [Instrument],
    pub(crate) assigned: &'a [InstrumentId],
    pub(crate) timeframe: Timeframe,
    pub(crate) declarations: &'a mut Declarations,
    pub(crate) subscriptions: Subscriptions,
}

impl Setup<'_> {
    /// The strategy's instruments, in the set's order; at least one.
    pub fn instruments(&self) -> impl Iterator<Item = Inst> + use<> {
        (0..self.assigned.len() as u16).map(Inst)
    }

    /// Its first instrument: the only one of a strategy that is spread per instrument.
    pub fn instrument(&self) -> Inst {
        Inst(0)
    }

    /// An instrument's description.
    pub fn describe(&self, instrument: Inst) -> &Instrument {
        &self.instruments[self.assigned[usize::from(instrument.0)].index()]
    }

    /// The timeframe that the set gives the strategy.
    pub fn timeframe(&self) -> Timeframe {
        self.timeframe
    }

    /// Subscribes to an instrument's bars at the set's timeframe.
    pub fn bars(&mut self, instrument: Inst) -> Bars {
        self.bars_at(instrument, self.timeframe)
    }

    /// Subscribes to an instrument's bars at another timeframe.
    pub fn bars_at(&mut self, instrument: Inst, timeframe: Timeframe) -> Bars {
        let bars = self.series(instrument, timeframe);
        if !self.subscriptions.bars.contains(&bars) {
            self.subscriptions.bars.push(bars);
        }
        bars
    }

    /// Makes sure that an instrument is priced, without calling the strategy for its bars.
    pub(crate) fn price(&mut self, instrument: Inst) {
        self.series(instrument, self.timeframe);
    }

    fn series(&mut self, instrument: Inst, timeframe: Timeframe) -> Bars {
        let key = SeriesKey {
            timeframe,
            instrument: self.assigned[usize::from(instrument.0)],
            kind: SeriesKind::BAR,
        };
        let series = &mut self.declarations.series;
        let slot = series.iter().position(|s| s.key == key).unwrap_or_else(|| {
            series.push(SeriesDecl { key, lookback: 0 });
            series.len() - 1
        });
        Bars { slot: slot as u32, instrument }
    }

    /// Keeps `rows` earlier bars visible to the context's look-back.
    pub fn lookback(&mut self, bars: Bars, rows: usize) {
        let series = &mut self.declarations.series[bars.slot as usize];
        series.lookback = series.lookback.max(rows);
        raise(&mut self.subscriptions.lookbacks, bars.slot, rows);
    }

    /// Subscribes to an indicator's main output.
    ///
    /// # Errors
    /// When the indicator is unknown or a parameter is wrong.
    pub fn indicator(&mut self, bars: Bars, spec: IndicatorSpec) -> Result<Value, SetupError> {
        self.declare(bars, spec, None)
    }

    /// Subscribes to one of an indicator's outputs by name.
    ///
    /// # Errors
    /// When the indicator or the output is unknown, or a parameter is wrong.
    pub fn indicator_output(
        &mut self,
        bars: Bars,
        spec: IndicatorSpec,
        output: &str,
    ) -> Result<Value, SetupError> {
        self.declare(bars, spec, Some(output))
    }

    /// Subscribes to a column that is 1 where a bar is among the first or last `rows` bars of the ISO
    /// week (UTC, Monday to Sunday) in which it opens, else 0. For strategies that stay out around weekends.
    ///
    /// **This is the one column that knows the timetable of the data**: which bar is the last of its week
    /// is told before the week is over. It is made of open stamps alone, in a pass over them when the run
    /// opens the series, and shared by all who ask; prices of later bars are never looked at. The bars
    /// that the run reads count: those of an aggregated series where it is aggregated, the first
    /// `bars_max` where that is set; an account's own span changes nothing. A last week that is not over
    /// ends at the last bar. A source without an end is refused when the run opens it.
    ///
    /// # Errors
    /// When `rows` is 0.
    pub fn week_edges(&mut self, bars: Bars, rows: u32) -> Result<Value, SetupError> {
        if rows == 0 {
            return Err(SetupError::new("week edges: the number of bars must be at least 1, found 0"));
        }
        Ok(self.value(bars, IndicatorSpec::week_edges(rows), 0))
    }

    /// Keeps `rows` earlier values visible to the context's look-back.
    pub fn lag(&mut self, value: Value, rows: usize) {
        let decl = &mut self.declarations.values[value.index as usize];
        decl.lag = decl.lag.max(rows);
        raise(&mut self.subscriptions.lags, value.index, rows);
    }

    /// Asks for [`crate::strategy::Strategy::on_step`] after the bars of every step.
    pub fn every_step(&mut self) {
        self.subscriptions.every_step = true;
    }

    fn declare(
        &mut self,
        bars: Bars,
        spec: IndicatorSpec,
        output: Option<&str>,
    ) -> Result<Value, SetupError> {
        let spec = complete(self.registry, spec).map_err(SetupError)?;
        let output = match (self.registry.find_indicator(&spec.name), output) {
            (Some(def), Some(name)) => def.outputs.iter().position(|o| *o == name).ok_or_else(|| {
                SetupError::new(format!(
                    "indicator {}: unknown output `{name}`; it has: {}",
                    def.name,
                    def.outputs.join(", ")
                ))
            })?,
            _ => 0,
        };
        self.subscriptions.indicators += 1;
        Ok(self.value(bars, spec, output))
    }

    fn value(&mut self, bars: Bars, spec: IndicatorSpec, output: usize) -> Value {
        let values = &mut self.declarations.values;
        let index = values
            .iter()
            .position(|v| v.slot == bars.slot && v.output == output && v.spec == spec)
            .unwrap_or_else(|| {
                values.push(ValueDecl { slot: bars.slot, spec, output, lag: 0 });
                values.len() - 1
            });
        Value { index: index as u32, slot: bars.slot }
    }
}

/// The canonical form of `spec`: defaults filled in, parameters in order, inputs likewise.
///
/// # Errors
/// All that is unknown or out of range.
pub fn complete(registry: &Registry, spec: IndicatorSpec) -> Result<IndicatorSpec, Vec<String>> {
    let Some(def) = registry.find_indicator(&spec.name) else {
        let known: Vec<_> = registry.indicators().map(|d| d.name).collect();
        return Err(vec![format!("unknown indicator `{}`; known: {}", spec.name, known.join(", "))]);
    };
    let params = def.complete(&spec.params)?;
    let input = match (def.input, spec.input) {
        // Whole bars have one input: spelling it differently must not make another key.
        (InputKind::Bars, _) => InputSpec::Price(PriceField::Close),
        (InputKind::Value, InputSpec::Price(field)) => InputSpec::Price(field),
        (InputKind::Value, InputSpec::Timetable) => {
            return Err(vec![format!(
                "indicator {}: no indicator reads the timetable of the data",
                spec.name
            )]);
        }
        (InputKind::Value, InputSpec::Indicator(inner, output)) => {
            let inner = complete(registry, *inner)?;
            let outputs = registry.find_indicator(&inner.name).map_or(0, |d| d.outputs.len());
            if output >= outputs {
                return Err(vec![format!("indicator {}: no output {output}; it has {outputs}", inner.name)]);
            }
            InputSpec::Indicator(Box::new(inner), output)
        }
    };
    Ok(IndicatorSpec { name: spec.name, params, input })
}

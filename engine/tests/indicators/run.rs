//! Feeding indicators.

use barhive_engine::indicator::{IndicatorDef, Kernel, Output, ParamKind, ParamValue, Params, builtin};

use crate::market::Market;

/// An indicator with parameters.
#[derive(Clone, Debug)]
pub struct Case {
    pub def: IndicatorDef,
    pub params: Params,
}

impl Case {
    pub fn new(name: &str, given: &[(&str, ParamValue)]) -> Self {
        let def = builtin().into_iter().find(|def| def.name == name).expect("a built-in name");
        let mut params = Params::default();
        for (name, value) in given {
            params.set(name, *value);
        }
        let params = def.complete(&params).expect("good parameters");
        Self { def, params }
    }

    /// With every period that the name gives, in the order of the definition.
    pub fn periods(name: &str, periods: &[i64]) -> Self {
        let def = builtin().into_iter().find(|def| def.name == name).expect("a built-in name");
        let given: Vec<_> =
            def.params.iter().zip(periods).map(|(p, value)| (p.name, ParamValue::Int(*value))).collect();
        Self::new(name, &given)
    }

    pub fn kernel(&self) -> Box<dyn Kernel> {
        (self.def.build)(&self.params)
    }

    pub fn warm_up(&self) -> usize {
        (self.def.warm_up)(&self.params)
    }

    /// The values of all outputs over the whole market, in one piece.
    pub fn whole(&self, market: &Market) -> Vec<Vec<f64>> {
        self.split(market, &[market.len()])
    }

    /// The values when the market comes in pieces of these lengths.
    pub fn split(&self, market: &Market, pieces: &[usize]) -> Vec<Vec<f64>> {
        let mut columns = self.columns(market.len());
        feed(&mut *self.kernel(), market, 0, pieces, &mut columns);
        columns
    }

    pub fn columns(&self, rows: usize) -> Vec<Vec<f64>> {
        vec![vec![f64::INFINITY; rows]; self.def.outputs.len()]
    }
}

/// Feeds pieces from row `from` on.
pub fn feed(
    kernel: &mut dyn Kernel,
    market: &Market,
    mut from: usize,
    pieces: &[usize],
    columns: &mut [Vec<f64>],
) {
    for piece in pieces {
        let to = (from + piece).min(market.len());
        let mut slices: Vec<&mut [f64]> = columns.iter_mut().map(|column| &mut column[from..to]).collect();
        kernel.update(&market.input(from, to), &mut Output::new(&mut slices));
        from = to;
    }
    assert_eq!(from, market.len(), "the pieces must cover the market");
}

/// Every built-in indicator with its default parameters and with short and odd ones.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for def in builtin() {
        cases.push(Case {
            params: def.complete(&Params::default()).expect("defaults are good"),
            def: def.clone(),
        });
        for step in [0, 1, 2, 5] {
            let mut params = Params::default();
            let mut floor = 0;
            for param in &def.params {
                if let ParamKind::Int { min, .. } = param.kind {
                    // Ascending, so that fast stays below slow.
                    floor = (floor + 1).max(min) + step;
                    params.set(param.name, ParamValue::Int(floor));
                }
            }
            let params = def.complete(&params).expect("small parameters are good");
            cases.push(Case { def: def.clone(), params });
        }
    }
    cases
}

pub fn bits(columns: &[Vec<f64>]) -> Vec<Vec<u64>> {
    columns.iter().map(|column| column.iter().map(|value| value.to_bits()).collect()).collect()
}

//! The report of a sweep as one HTML page: no network, no other file.
//!
//! It is built like the page of a run: what users named is escaped here or set as text by the script,
//! and a content security policy forbids everything else.

mod dimension;
mod heat;
mod sample;
mod sections;

use barhive_engine::sweep::{SweepSpec, Variant};
use serde_json::{Value as Json, json};

use self::{dimension::Dimension, heat::Heat, sample::Sample};
use super::{Ranking, SweepReport};
use crate::html::{CHART, Escaped, POLICY, STYLE, script_safe};

const STYLE_SWEEP: &str = include_str!("sweep.css");
const HEAT: &str = include_str!("heat.js");
const LINES: &str = include_str!("lines.js");
const SCATTER: &str = include_str!("scatter.js");

/// Lines of the parallel coordinates at most.
const LINES_MAX: usize = 5_000;
/// Those of them that are the best.
const BEST_MAX: usize = 1_000;

/// Gathers what the page draws while the results stream past. Memory does not grow with the number of
/// variants.
pub struct SweepPage<'a> {
    spec: &'a SweepSpec,
    dimensions: Vec<Dimension>,
    /// Places of the first dimensions that are figures.
    figures: usize,
    heat: Option<Heat>,
    sample: Sample,
}

/// What of a page cannot be drawn as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected two different parameters that vary, found `{asked}`; there are: {known}")]
pub struct AxesFault {
    asked: String,
    known: String,
}

impl<'a> SweepPage<'a> {
    /// A page for results that will be ranked by `ranking`. `axes` are the two parameters of the heat map;
    /// those with the most values when `None`.
    ///
    /// # Errors
    /// When `axes` are not two that vary.
    pub fn new(spec: &'a SweepSpec, ranking: &Ranking, axes: Option<[&str; 2]>) -> Result<Self, AxesFault> {
        let mut dimensions = Dimension::varied(spec);
        let heat = match axes {
            None => Heat::widest(&dimensions, ranking),
            Some([x, y]) => {
                let place = |name: &str| dimensions.iter().position(|dimension| dimension.name() == name);
                match (place(x), place(y)) {
                    (Some(x), Some(y)) if x != y => Some(Heat::new(&dimensions, [x, y], ranking)),
                    _ => {
                        let known: Vec<_> = dimensions.iter().map(Dimension::name).collect();
                        return Err(AxesFault { asked: format!("{x},{y}"), known: known.join(", ") });
                    }
                }
            }
        };
        let figures = dimensions.len();
        dimensions.extend(Dimension::figures(ranking));
        Ok(Self { spec, dimensions, figures, heat, sample: Sample::new(LINES_MAX, spec.account.seed) })
    }

    /// Looks at a variant.
    pub fn offer(&mut self, variant: &Variant) {
        let Some(row) = self.row(variant) else { return };
        if let Some(heat) = &mut self.heat {
            heat.offer(variant, &row, &self.dimensions);
        }
        self.sample.offer(variant.index, row);
    }

    fn row(&self, variant: &Variant) -> Option<Vec<Option<f64>>> {
        let (done, parts) = (variant.evaluation()?, self.spec.variant(variant.index)?);
        Some(self.dimensions.iter().map(|one| one.value(self.spec, &parts, done)).collect())
    }

    /// The page as text, to be written as a file.
    pub fn html(self, report: &SweepReport<'_>) -> String {
        let data = self.island(report);
        let text = serde_json::to_string(&data).unwrap_or_else(|_| "null".into());
        let mut page = String::with_capacity(text.len() + (96 << 10));
        page.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.push_str(&format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n"));
        page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n");
        page.push_str(&format!("<title>{} \u{b7} barhive sweep</title>\n", Escaped(&report.facts.name)));
        page.push_str(&format!("<style>\n{STYLE}{STYLE_SWEEP}</style>\n</head>\n<body>\n"));
        sections::body(report, &data, &mut page);
        page.push_str(&format!(
            "<script type=\"application/json\" id=\"data\">{}</script>\n",
            script_safe(&text)
        ));
        page.push_str(&format!("<script>\n{CHART}{HEAT}{LINES}{SCATTER}</script>\n</body>\n</html>\n"));
        page
    }

    /// What the scripts draw.
    fn island(self, report: &SweepReport<'_>) -> Json {
        let (seen, seed) = (self.sample.seen(), self.spec.account.seed);
        let best = match report.ranking.front() {
            Some(front) => front.members().into_iter().map(|member| &member.variant).collect(),
            None => report.ranking.shown(),
        };
        let drawn = |variant: &&Variant| Some((variant.index, self.row(variant)?));
        let best: Vec<_> = best.iter().filter_map(drawn).take(BEST_MAX).collect();
        let indices: Vec<u64> = best.iter().map(|(index, _)| *index).collect();
        let others = self.sample.rows(&indices, LINES_MAX - best.len());
        let lines = others.iter().map(|(index, row)| line(*index, false, row));
        // The best come last: they are drawn over the others.
        let lines: Vec<Json> = lines.chain(best.iter().map(|(index, row)| line(*index, true, row))).collect();
        let several = report.ranking.front().is_some();
        json!({
            "dimensions": self.dimensions.iter().map(Dimension::json).collect::<Vec<_>>(),
            "lines": lines,
            "best": best.len(),
            "others": others.len(),
            "seen": seen,
            "seed": seed,
            "heat": self.heat.as_ref().map(|heat| heat.json(&self.dimensions)),
            "color": self.figures,
            "front": several.then_some([self.figures, self.figures + 1]),
        })
    }
}

/// Number from 1, whether it is among the best, and a value per dimension, to seven digits.
fn line(index: u64, is_best: bool, row: &[Option<f64>]) -> Json {
    let values = row.iter().map(|value| value.filter(|value| value.is_finite()).map(rounded));
    json!([index + 1, u8::from(is_best), values.collect::<Vec<_>>()])
}

/// Seven digits: more cannot be seen.
fn rounded(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

//! The plan of a sweep for the terminal, within 80 columns.

use std::fmt;

use super::{
    SweepPlan,
    text::{bytes, count, cut, grouped, list, time},
};

impl fmt::Display for SweepPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, text: &str| {
            writeln!(f, "{}", cut(&format!("  {name:<14}{text}")))
        };
        let about = |number: u64| match self.is_sampled {
            true => format!("about {}", grouped(number)),
            false => grouped(number),
        };
        let known = |number: Option<u64>| number.map_or("unknown".to_owned(), about);
        writeln!(f, "{}", cut(&format!("Plan of sweep {}", self.name)))?;
        line(f, "combinations", &grouped(self.combinations))?;
        let passes = if self.passes == 1 { "pass" } else { "passes" };
        let workers = count(self.workers, "worker");
        let most = grouped(self.batch);
        line(f, "passes", &format!("{} {passes} of at most {most}, on {workers}", grouped(self.passes)))?;
        let (lanes, containers) = (grouped(self.lanes), grouped(self.containers));
        line(f, "run as", &format!("lanes {lanes}, containers {containers}"))?;
        let hub = &self.indicators;
        let distinct = if self.is_sampled { "at least " } else { "" };
        line(
            f,
            "indicators",
            &format!("{distinct}{} distinct, {:.1} per pass", grouped(hub.distinct), hub.per_pass),
        )?;
        let shared =
            hub.shared.map_or("nothing to share".to_owned(), |s| format!("{:.2} % shared", s * 100.0));
        let asked = about(hub.subscriptions);
        line(f, "hub", &format!("{} computed for {asked} asked: {shared}", about(hub.computed)))?;
        line(f, "bars", &format!("{} read in {} series", known(self.bars), self.series.len()))?;
        line(f, "calls", &format!("{} strategy-bars", known(self.strategy_bars)))?;
        line(f, "memory", &format!("about {}", bytes(self.memory.total_bytes)))?;
        let took = self.time.map_or("unknown".to_owned(), |estimate| {
            let (elapsed, rate) = (time(estimate.elapsed_ms), estimate.combinations_per_s);
            let how = if estimate.is_measured { "measured here" } else { "not measured" };
            format!("about {elapsed}, {rate:.0} combinations/s ({how})")
        });
        line(f, "time", &took)?;
        writeln!(f, "\nStrategies")?;
        let lines = self.definitions.iter().flat_map(|definition| {
            let parameters = definition.parameters.iter().map(|(name, values)| format!("{name} {values}"));
            let mut factors: Vec<String> = parameters.collect();
            for (number, what) in
                [(definition.instruments, "instrument"), (definition.timeframes, "timeframe")]
            {
                if number > 1 {
                    factors.push(count(number, what));
                }
            }
            let name = format!("{} ({})", definition.id, definition.kind);
            let of = if factors.is_empty() { Vec::new() } else { vec![format!("  {}", factors.join(", "))] };
            [format!("{name:<44} {:>14}", grouped(definition.combinations))].into_iter().chain(of)
        });
        list(f, lines)?;
        writeln!(f, "\nSeries")?;
        list(f, self.series.iter().map(super::text::series_line))
    }
}

//! Flags of `run`, as they are typed.

use std::{path::PathBuf, time::Duration};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};

use barhive_config::ReportOptions;
use barhive_engine::set::RunSpec;
use barhive_report::store;

use crate::cli::{
    config_flags::ConfigFlags, control::ControlFlags, output::Format, profile::ProfileFlags,
    progress::ProgressWord,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct RunFlags {
    #[command(flatten)]
    pub(super) config: ConfigFlags,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub(super) format: Format,
    /// Write results here [default: a new folder under results/]
    #[arg(long, value_name = "DIR")]
    pub(super) results_dir: Option<PathBuf>,
    /// Write equity, fills, trades and, with `trace: full`, orders in this format
    /// [default: as the set says, else parquet]
    #[arg(long, value_name = "FORMAT", value_parser = record_format())]
    pub(super) store: Option<store::Format>,
    /// Read only the first N bars of every series
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    pub(super) bars: Option<u64>,
    /// Run only the first N strategies of the set
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_strategies: Option<u64>,
    /// Write no HTML report
    #[arg(long)]
    pub(super) no_html: bool,
    /// Leave out strategies that cannot be set up and run the others (exit code 2)
    #[arg(long)]
    pub(super) keep_going: bool,
    /// Sample processor and memory this often; -vvv logs the samples
    #[arg(long, value_name = "TIME", value_parser = interval)]
    pub(super) monitor_interval: Option<Duration>,
    /// Show no progress
    #[arg(long)]
    pub(super) no_progress: bool,
    /// How progress is shown: bar (on a terminal only) or json (lines on standard error)
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_possible_values = true)]
    pub(super) progress: ProgressWord,
    #[command(flatten)]
    pub(super) profile: ProfileFlags,
    #[command(flatten)]
    pub(super) control: ControlFlags,
    /// Accepted from scripts that switch notifications off: none are sent
    #[arg(long, hide = true)]
    pub(super) skip_telegram: bool,
}

impl RunFlags {
    /// Applies what the flags say about the run itself.
    pub(super) fn narrow(&self, spec: &mut RunSpec) {
        if self.bars.is_some() {
            spec.bars_max = self.bars;
        }
        if let Some(interval) = self.monitor_interval {
            spec.machinery.monitor_interval_ms = interval.as_millis() as u64;
        }
        if let Some(most) = self.max_strategies {
            let mut left = usize::try_from(most).unwrap_or(usize::MAX);
            for container in &mut spec.containers {
                container.strategies.truncate(left);
                left -= container.strategies.len();
            }
            spec.containers.retain(|container| !container.strategies.is_empty());
        }
    }

    /// The formats of record files: as the flag says, else as the set says.
    pub(super) fn formats(&self, report: &ReportOptions) -> Vec<store::Format> {
        match self.store {
            Some(format) => vec![format],
            None => [(report.parquet, store::Format::Parquet), (report.csv, store::Format::Csv)]
                .into_iter()
                .filter_map(|(wanted, format)| wanted.then_some(format))
                .collect(),
        }
    }

    /// What the command line changed in the result, as it was given.
    pub(super) fn changes(&self) -> Vec<String> {
        let mut changes = self.config.overrides.clone();
        changes.extend(self.bars.map(|bars| format!("--bars {bars}")));
        changes.extend(self.max_strategies.map(|most| format!("--max-strategies {most}")));
        changes
    }
}

fn record_format() -> impl TypedValueParser<Value = store::Format> {
    PossibleValuesParser::new(["parquet", "csv", "jsonl"]).try_map(|text| text.parse::<store::Format>())
}

/// A length of time such as `250ms` or `2s`, from 10 ms to an hour.
fn interval(text: &str) -> Result<Duration, String> {
    let fault = || format!("expected a time from 10ms to 3600s such as 250ms or 2s, found `{text}`");
    let (digits, unit_ms) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => (digits, 1),
        (None, Some(digits)) => (digits, 1_000),
        (None, None) => return Err(fault()),
    };
    let ms = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit_ms)).ok_or_else(fault)?;
    if (10..=3_600_000).contains(&ms) { Ok(Duration::from_millis(ms)) } else { Err(fault()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_carry_a_unit_and_stay_in_range() {
        assert_eq!(interval("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(interval("2s"), Ok(Duration::from_secs(2)));
        for text in ["250", "9ms", "0s", "3601s", "-1s", "1.5s", "", "s", "18446744073709551615s"] {
            assert!(interval(text).unwrap_err().contains(text), "{text}");
        }
    }
}

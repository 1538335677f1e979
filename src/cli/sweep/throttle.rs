//! How much of the machine a sweep takes: its flags, and what it says about it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use barhive_actors::sweep::ThrottleListener;
use barhive_engine::governor::{Preset, ThrottleConfig, ThrottleEvent};
use clap::Args;

use crate::cli::outcome::CliError;

/// How far workers stand back where nobody says how far.
pub(in crate::cli) const NICE: i32 = 10;

#[derive(Args, Debug, Default)]
#[command(next_help_heading = "How much of the machine")]
pub(super) struct ThrottleFlags {
    /// Settings for a kind of machine: vm (4 workers, 80 %, 5 s, nice), local (8, 95 %) or shared (2, 50 %,
    /// 10 s, nice)
    #[arg(long, value_name = "NAME")]
    preset: Option<Preset>,
    /// Use of all cores, by whatever runs, that is not to be exceeded: fewer workers above it, more below it
    /// less 20
    #[arg(long, value_name = "PERCENT")]
    cpu_limit: Option<f64>,
    /// No worker works for so long after a pass
    #[arg(long, value_name = "SECONDS")]
    cooldown: Option<f64>,
    /// Use of all cores from which on all workers rest for --cooling-duration
    #[arg(long, value_name = "PERCENT")]
    cpu_threshold: Option<f64>,
    /// How long that is [default: 120]
    #[arg(long, value_name = "SECONDS")]
    cooling_duration: Option<f64>,
}

impl ThrottleFlags {
    /// What flags say, and else the sweep.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub(super) fn config(&self, of_sweep: &ThrottleConfig) -> Result<ThrottleConfig, CliError> {
        let base = self.preset.map_or_else(|| of_sweep.clone(), Preset::config);
        let config = ThrottleConfig {
            cpu_limit: self.cpu_limit.or(base.cpu_limit),
            cooldown_seconds: self.cooldown.unwrap_or(base.cooldown_seconds),
            cpu_threshold: self.cpu_threshold.or(base.cpu_threshold),
            cooling_duration_seconds: self.cooling_duration.unwrap_or(base.cooling_duration_seconds),
            ..base
        };
        match config.validate() {
            Ok(()) => Ok(config),
            Err(faults) => Err(CliError::Usage(faults.to_string())),
        }
    }
}

/// What a throttled sweep says before it begins.
pub(super) fn banner(config: &ThrottleConfig, workers: usize, nice: i32) -> String {
    let limit = config.cpu_limit.map_or("none".to_owned(), |limit| format!("{limit} %"));
    let cooldown = match config.cooldown_seconds {
        0.0 => "none".to_owned(),
        seconds => format!("{seconds} s after each pass"),
    };
    let nice = if nice > 0 { nice.to_string() } else { "no".to_owned() };
    let lines = [
        ("workers", workers.to_string()),
        ("CPU limit", limit),
        ("cool-down", cooldown),
        ("nice", nice),
        ("results", "Parquet".to_owned()),
    ];
    lines.iter().map(|(name, value)| format!("  {name:<12}{value}\n")).collect()
}

/// Whether a sweep says anything about its throttle.
pub(super) fn is_worth_a_word(config: &ThrottleConfig) -> bool {
    config.is_active() || config.cooldown_seconds > 0.0 || config.nice_priority
}

/// Lets this program stand back; one that may not is told so and works on.
pub(super) fn stand_back(nice: i32) {
    if let Err(error) = barhive_actors::sweep::stand_back(nice) {
        tracing::warn!("{error}");
    }
}

/// What the throttle had to say and nobody has shown yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Notices(Arc<Mutex<Vec<ThrottleEvent>>>);

impl Notices {
    /// One that fills them.
    pub(super) fn listener(&self) -> ThrottleListener {
        let notices = self.clone();
        ThrottleListener::new(move |event| notices.lock().push(event.clone()))
    }

    /// Takes what there is.
    pub(super) fn take(&self) -> Vec<ThrottleEvent> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<ThrottleEvent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line on standard error; whoever closed that does not want to hear it.
pub(super) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_change_what_the_sweep_or_a_preset_says() {
        let of_sweep = ThrottleConfig { cpu_limit: Some(40.0), ..ThrottleConfig::default() };
        let plain = ThrottleFlags::default().config(&of_sweep).expect("sound");
        assert_eq!(plain, of_sweep);
        let flags =
            ThrottleFlags { preset: Some(Preset::Shared), cooldown: Some(0.0), ..ThrottleFlags::default() };
        let config = flags.config(&of_sweep).expect("sound");
        assert_eq!(
            (config.cpu_limit, config.cooldown_seconds, config.nice_priority),
            (Some(50.0), 0.0, true)
        );
        let flags = ThrottleFlags { cpu_limit: Some(0.0), cooldown: Some(-1.0), ..ThrottleFlags::default() };
        let CliError::Usage(faults) = flags.config(&of_sweep).expect_err("two faults") else {
            panic!("wrong usage")
        };
        assert_eq!(faults.lines().count(), 2, "{faults}");
    }

    #[test]
    fn the_banner_has_five_lines() {
        let text = banner(&Preset::Vm.config(), 4, NICE);
        assert_eq!(
            text,
            "  workers     4\n  CPU limit   80 %\n  cool-down   5 s after each pass\n  nice        10\n  \
             results     Parquet\n"
        );
    }
}

//! `--control stdin`: how a server holds what it has started, lets it go on, and takes it along when it dies.

use std::{
    io::{self, BufRead},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use barhive_actors::{Control, sweep::die_with_parent};
use clap::{Args, ValueEnum};

use super::outcome::CliError;

/// Who tells a run what to do, besides signals.
#[derive(Args, Debug, Default)]
pub(super) struct ControlFlags {
    /// Take `pause` and `resume`, a line each, from standard input; end when it ends
    #[arg(long = "control", value_name = "FROM", value_enum, hide = true)]
    from: Option<ControlWord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ControlWord {
    Stdin,
}

impl ControlFlags {
    /// Whether a server holds the other end. Such a run dies with it.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn begin(&self) -> Result<bool, CliError> {
        let Some(ControlWord::Stdin) = self.from else { return Ok(false) };
        die_with_parent().map_err(|error| CliError::Failed(format!("--control: {error}")))?;
        Ok(true)
    }
}

/// Listens on standard input, on a thread of its own, until it ends; then the run is interrupted.
pub(super) fn listen(control: Arc<Control>, interrupt: Arc<AtomicBool>) {
    let ear = move || {
        for line in io::stdin().lock().lines() {
            match line.as_deref() {
                Ok("pause") => control.pause(),
                Ok("resume") => control.resume(),
                Ok(other) => tracing::warn!("--control: expected pause or resume, found `{other}`"),
                Err(_) => break,
            }
        }
        interrupt.store(true, Ordering::Relaxed);
    };
    if let Err(error) = std::thread::Builder::new().name("barhive-ear".to_owned()).spawn(ear) {
        tracing::warn!("--control: nobody listens: {error}");
    }
}

//! `completions`: a script that teaches a shell this command line.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{
    Cli,
    outcome::{Done, Outcome},
};

#[derive(Args, Debug)]
pub(super) struct CompletionsFlags {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(flags: &CompletionsFlags, out: &mut dyn Write) -> Outcome {
    // The generator panics on a failed write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Cli::command(), "barhive", &mut script);
    out.write_all(&script)?;
    Ok(Done::All)
}

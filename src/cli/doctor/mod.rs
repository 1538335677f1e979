//! `doctor`: what keeps the machine, a server or a run from being quick, in words and with a remedy.

mod finding;
mod machine;
mod run;
mod server;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use serde_json::json;

use self::finding::{Finding, Severity};
use super::{
    outcome::{Done, Outcome},
    output::{self, Format},
    runs::{self, BaseFlags},
};

#[derive(Args, Debug)]
pub(super) struct DoctorFlags {
    /// A run to look at, too: its folder; of a sweep also its name, the beginning of that, or `latest`
    #[arg(value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    base: BaseFlags,
    /// The folder of the server that is looked at if it works [default: barhive-state]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

pub(super) fn run(flags: &DoctorFlags, out: &mut dyn Write) -> Outcome {
    let mut findings = Vec::new();
    if let Some(name) = &flags.run {
        findings.extend(run::look(&runs::any_run(&flags.base.base, name)?)?);
    }
    findings.extend(server::look(flags.state.as_deref())?);
    findings.extend(machine::look());
    let is_well = findings.iter().all(|finding| finding.severity != Severity::Wrong);
    match flags.format {
        Format::Json => output::json(out, &json!({ "is_well": is_well, "findings": findings }))?,
        Format::Table => show(&findings, out)?,
    }
    Ok(if is_well { Done::All } else { Done::WithFailures })
}

/// What is wrong first, then what could be better, then what is well.
fn show(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for severity in [Severity::Wrong, Severity::Note, Severity::Well] {
        for finding in findings.iter().filter(|finding| finding.severity == severity) {
            let Finding { subject, what, remedy, .. } = finding;
            out.write_all(output::wrapped(&format!("{severity:<6}{subject}: {what}")).as_bytes())?;
            if let Some(remedy) = remedy {
                out.write_all(output::wrapped(&format!("      -> {remedy}")).as_bytes())?;
            }
        }
    }
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    match (of(Severity::Wrong), of(Severity::Note)) {
        (0, 0) => writeln!(out, "nothing is wrong"),
        (0, notes) => writeln!(out, "nothing is wrong; {} could be better", output::count(notes, "thing")),
        (wrong, _) => writeln!(out, "{} wrong", output::count(wrong, "thing")),
    }
}

//! `report`: the report of a sweep again, on the terminal or as a page.

mod perf;

use std::io::Write;

use barhive_engine::registry::Registry as Parts;
use barhive_report::{
    store::write_whole,
    sweep::{SweepPage, SweepReport, sweep_json},
};
use barhive_store::sweep::sessions;
use clap::Args;

use super::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
    runs::OpenRun,
    sweep::{RankFlags, failure, print_report, read},
};

#[derive(Args, Debug)]
pub(super) struct ReportFlags {
    #[command(flatten)]
    run: OpenRun,
    #[command(flatten)]
    ranked: RankFlags,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
    /// Show what it took, too: sessions, time of workers, steps, indicators
    #[arg(long)]
    perf: bool,
    /// Write report.html into the run's folder, too
    #[arg(long)]
    html: bool,
    /// The two parameters of the page's heat map [default: those with the most values]
    #[arg(long, value_name = "X,Y", requires = "html", value_parser = axes)]
    heat: Option<[String; 2]>,
}

pub(super) fn run(flags: &ReportFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let open = flags.run.open(parts)?;
    let mut ranking = flags.ranked.ranking(&open.settings)?;
    let axes = flags.heat.as_ref().map(|[x, y]| [x.as_str(), y.as_str()]);
    let mut page = match flags.html {
        true => Some(
            SweepPage::new(&open.spec, &ranking, axes)
                .map_err(|fault| CliError::Usage(format!("--heat: {fault}")))?,
        ),
        false => None,
    };
    let facts = read(&open.run, &mut ranking, &mut |variant| {
        if let Some(page) = &mut page {
            page.offer(variant);
        }
    })
    .map_err(failure)?;
    let report = SweepReport { spec: &open.spec, ranking: &ranking, facts: &facts, took: None };
    let path = open.run.folder().join("report.html");
    if let Some(page) = page {
        write_whole(&path, page.html(&report).as_bytes())
            .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", path.display())))?;
    }
    let sessions = if flags.perf { sessions(open.run.folder()).map_err(failure)? } else { Vec::new() };
    match flags.format {
        Format::Json if flags.perf => {
            let mut json = sweep_json(&report);
            json["perf"] = perf::json(&sessions, &facts.work);
            output::json(out, &json)?;
        }
        _ => print_report(flags.format, &report, out)?,
    }
    if flags.perf && flags.format == Format::Table {
        write!(out, "\n{}", perf::text(&sessions, &facts.work))?;
    }
    if flags.html && flags.format == Format::Table {
        writeln!(out, "page         {}", path.display())?;
    }
    Ok(Done::All)
}

/// Two names between a comma.
fn axes(text: &str) -> Result<[String; 2], String> {
    let fault = || format!("expected two parameters such as fast,slow, found `{text}`");
    let (x, y) = text.split_once(',').ok_or_else(fault)?;
    Ok([x.trim().to_owned(), y.trim().to_owned()])
}

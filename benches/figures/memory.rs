//! Private memory: anonymous pages of a process of its own, at their highest. Mapped files are not
//! private; what a process keeps of them besides is.

use std::{path::Path, process::Command};

use barhive::bench::memory::peak_anonymous;

use crate::{
    fixtures::{self, Workload},
    measure::Figures,
};

fn peak_private_mb(command: Command) -> f64 {
    peak_anonymous(command).expect("the command succeeds") as f64 / f64::from(1 << 20)
}

/// `barhive run` on W1 with curves and fills streamed to files.
fn program_on(workload: &Workload) -> Command {
    let folder = workload.catalog.with_extension("run");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let set = folder.join("w1.yaml");
    let symbol = fixtures::set(workload).instruments[0].symbol.clone();
    std::fs::write(&set, set_text(&workload.catalog, &symbol)).expect("the target folder can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_barhive"));
    command.arg("run").arg(&set).arg("--results-dir").arg(folder.join("results")).arg("--quiet");
    command
}

fn set_text(catalog: &Path, symbol: &str) -> String {
    format!(
        "name: w1\n\
         feed: {{kind: catalog, params: {{path: {}}}}}\n\
         instruments: [{symbol}]\n\
         account: {{kind: shared, cash: 1000000 USD}}\n\
         fees: {{rate: 0.1%}}\n\
         trace: normal\n\
         strategies:\n  \
         - {{id: cross, kind: sma_cross, params: {{fast: 10, slow: 30}}, timeframe: 1m, sizing: {{fixed: 1}}}}\n",
        catalog.display()
    )
}

pub fn figures(figures: &mut Figures) {
    if figures.wants(&["w1_private_mb"]) {
        figures.print("w1_private_mb", peak_private_mb(program_on(&fixtures::w1())), "MB");
    }
    if figures.wants(&["private_mb_per_million_bars"]) {
        let [one, four] = [1u64, 4].map(|millions| {
            let workload = fixtures::synthetic(&format!("linear_{millions}m"), 1, millions * 1_000_000);
            peak_private_mb(program_on(&workload))
        });
        figures.print("private_mb_per_million_bars", (four - one) / 3.0, "MB");
    }
    if figures.wants(&["containers_1000_mb"]) {
        fixtures::synthetic("linear_1m", 1, 1_000_000);
        let mut command = Command::new(std::env::current_exe().expect("the bench has a path"));
        command.arg("--child=containers_1000");
        figures.print("containers_1000_mb", peak_private_mb(command), "MB");
    }
    for (figure, child) in [("w2_peak_mb", "w2"), ("bigbar_peak_mb", "bigbar")] {
        if figures.wants(&[figure]) {
            fixtures::w1();
            let mut command = Command::new(std::env::current_exe().expect("the bench has a path"));
            command.arg(format!("--child={child}"));
            figures.print(figure, peak_private_mb(command), "MB");
        }
    }
}

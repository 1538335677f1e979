//! The program: how quick it starts, how large it is.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    fixtures,
    measure::{Figures, median, median_ns, timed},
};

pub fn figures(figures: &mut Figures) {
    let program = env!("CARGO_BIN_EXE_barhive");
    if figures.wants(&["quickstart_ms", "quickstart_ms_floor"]) {
        let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures/quickstart");
        let ns = median_ns(11, || {
            let _ = std::fs::remove_dir_all(&results);
            let status = Command::new(program)
                .args(["run", "config/quickstart.yaml", "--results-dir"])
                .arg(&results)
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .expect("the program starts");
            assert!(status.success());
            assert!(results.join("report.html").exists(), "the page was written");
        });
        figures.print("quickstart_ms", ns / 1e6, "ms");
        let floor = median_ns(11, || {
            let status = Command::new(program).arg("--version").stdout(Stdio::null()).status();
            assert!(status.expect("the program starts").success());
        });
        figures.print("quickstart_ms_floor", floor / 1e6, "ms");
    }
    for (figure, bars) in [("first_result_ms", 100_000), ("first_result_10k_ms", 10_000)] {
        if figures.wants(&[figure]) {
            figures.print(figure, median((0..7).map(|_| first_result_ms(bars)).collect()), "ms");
        }
    }
    if figures.wants(&["binary_mb"]) {
        let bytes = std::fs::metadata(program).expect("the program was built").len();
        figures.print("binary_mb", bytes as f64 / 1e6, "MB");
    }
}

/// From the start of a sweep over a catalog's bars to its first result on disk.
fn first_result_ms(bars: u64) -> f64 {
    let workload = fixtures::synthetic(&format!("first_{bars}"), 1, bars);
    let folder = workload.catalog.with_extension("sweep");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let sweep = folder.join("sweep.yaml");
    std::fs::write(&sweep, sweep_text(&workload.catalog)).expect("the target folder can be written");
    let results = folder.join("results");
    let log = results.join("results.log");
    let (time, mut child) = timed(|| {
        let child = Command::new(env!("CARGO_BIN_EXE_barhive"))
            .args(["sweep", "--no-progress", "-w", "1", "--results-dir"])
            .args([&results, &sweep])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        // The samples come first: ten results.
        while std::fs::metadata(&log).map_or(0, |log| log.len()) < 1_000 {
            std::thread::sleep(Duration::from_micros(200));
        }
        child
    });
    assert!(child.wait().expect("it ends").success());
    assert!(results.join("results.parquet").exists(), "the sweep was finished");
    time.as_secs_f64() * 1e3
}

fn sweep_text(catalog: &Path) -> String {
    format!(
        "name: first\n\
         feed: {{kind: catalog, params: {{path: {}}}}}\n\
         account: {{cash: 1000000 USD}}\n\
         fees: {{rate: 0.1%}}\n\
         strategies:\n  \
         - {{id: cross, kind: sma_cross, params: {{fast: \"range(5, 24)\", slow: \"range(30, 79)\"}}, timeframe: 1m, \
         sizing: {{fixed: 1}}}}\n",
        catalog.display()
    )
}

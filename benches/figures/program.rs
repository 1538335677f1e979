//! The program: how quick it starts, how large it is.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use barhive::bench::{Place, startup};

use crate::{
    fixtures,
    measure::{Figures, median, median_ns},
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
            let place = Place::new(program, fixtures::cache());
            let first = || startup::first_result(&place, bars).expect("the sweep runs").as_secs_f64() * 1e3;
            figures.print(figure, median((0..7).map(|_| first()).collect()), "ms");
        }
    }
    if figures.wants(&["binary_mb"]) {
        let bytes = std::fs::metadata(program).expect("the program was built").len();
        figures.print("binary_mb", bytes as f64 / 1e6, "MB");
    }
}

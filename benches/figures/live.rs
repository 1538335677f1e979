//! Live work beside a sweep that takes all other cores.

use std::thread;

use barhive::bench::{
    Place,
    live::{Beside, beside_sweep},
    market::Folder,
};

use crate::measure::{Figures, unpin};

/// Bars, ten a second.
const BARS: u64 = 300;

pub fn figures(figures: &mut Figures) {
    const NAMES: [&str; 3] = ["live_beside_sweep_ms_p99", "live_beside_sweep_ms_max", "live_alone_ms_p99"];
    if !figures.wants(&NAMES) {
        return;
    }
    // Not on this thread's one core.
    let measured = || {
        unpin();
        let folder = Folder::below(&std::env::temp_dir()).expect("a folder");
        beside_sweep(&Place::new(env!("CARGO_BIN_EXE_barhive"), folder.path()), BARS)
    };
    let found = thread::scope(|scope| scope.spawn(measured).join().expect("it is measured"));
    let Beside { alone, beside, notes, .. } = found.expect("both run");
    assert_eq!(
        (alone.bars, alone.missed, beside.bars, beside.missed),
        (BARS, 0, BARS, 0),
        "no bar is missed"
    );
    for note in notes {
        eprintln!("note: {note}");
    }
    figures.print(NAMES[0], beside.p99_ms, "ms");
    figures.print(NAMES[1], beside.max_ms, "ms");
    figures.print(NAMES[2], alone.p99_ms, "ms");
}

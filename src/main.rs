//! The barhive program: the library's command line with the built-in parts.

use std::process::ExitCode;

use barhive::Registry;

// Opt-in: it reserves and touches whole arenas, which triples the memory of a run that allocates
// next to nothing while it works.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    barhive::cli::run(Registry::builtin())
}

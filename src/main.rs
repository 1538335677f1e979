//! The barhive program: the library's command line with the built-in parts.

use std::process::ExitCode;

use barhive::Registry;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    barhive::cli::run(Registry::builtin())
}

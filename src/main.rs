//! The barhive program.
fn main() {}

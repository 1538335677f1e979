//! Ctrl-C and SIGTERM: the first asks the run to end, the second ends the program at once.

use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// A flag that the first SIGINT or SIGTERM raises; with the flag up, the next one exits with 1.
///
/// # Errors
/// When the system refuses the handlers.
pub(super) fn interrupt_flag() -> io::Result<Arc<AtomicBool>> {
    let raised = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Handlers run in the order of registration: the exit looks at the flag before it is raised.
        flag::register_conditional_shutdown(signal, 1, Arc::clone(&raised))?;
        flag::register(signal, Arc::clone(&raised))?;
    }
    Ok(raised)
}

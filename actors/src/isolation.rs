//! Watches the bus that a run was given: what one container does must not reach another.

use std::task::{Context, Poll, Waker};

use barhive_engine::{
    bus::{Bus, ContainerId, IsolationViolation},
    pass::RunError,
    set::ContainerSpec,
};

/// A run's view on the violations of its bus.
pub(crate) struct Isolation<'a> {
    bus: Option<Bus>,
    /// Violations before the run, which are not its own.
    seen: u64,
    containers: &'a [ContainerSpec],
}

impl<'a> Isolation<'a> {
    /// Watches from now on.
    pub(crate) fn watch(bus: Option<&Bus>, containers: &'a [ContainerSpec]) -> Self {
        Self { bus: bus.cloned(), seen: bus.map_or(0, Bus::violations_total), containers }
    }

    /// Ready with the run's end as soon as something was refused anywhere on the bus.
    pub(crate) fn poll_broken(&self, cx: &mut Context<'_>) -> Poll<RunError> {
        let Some(bus) = &self.bus else { return Poll::Pending };
        bus.poll_violation(self.seen, cx).map(|violation| self.error(violation))
    }

    /// Whether nothing was refused so far.
    pub(crate) fn held(&self) -> Result<(), RunError> {
        match self.poll_broken(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(broken) => Err(broken),
            Poll::Pending => Ok(()),
        }
    }

    fn error(&self, violation: IsolationViolation) -> RunError {
        let name = |id: ContainerId| {
            let container = self.containers.get(id.0 as usize);
            container.map_or_else(|| format!("container {}", id.0), |container| container.name.clone())
        };
        RunError::Isolation { expected: name(violation.expected), found: name(violation.found), violation }
    }
}

//! The states of a container, and the order in which its components come and go.

use serde::Serialize;

use crate::supervisor::guarded;

/// Where a container stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// It exists; nothing has run yet.
    Created,
    /// Its components are being initialised.
    Initialising,
    /// All components stand.
    Ready,
    /// It has been given work.
    Running,
    /// Its components are being disposed of.
    Disposing,
    /// It is gone.
    Disposed,
    /// A component or its work failed. It can only be disposed of.
    Error,
}

impl State {
    /// Whether `self -> next` is a step that a container may take.
    pub fn may_become(self, next: Self) -> bool {
        use State::*;
        match next {
            Created => false,
            Initialising => self == Created,
            Ready => self == Initialising,
            Running => self == Ready,
            Disposing => !matches!(self, Disposing | Disposed),
            Disposed => self == Disposing,
            Error => matches!(self, Initialising | Ready | Running),
        }
    }
}

/// A part of a container that is initialised before it is used and disposed of afterwards.
pub trait Component: Send {
    /// Its name, for faults.
    fn name(&self) -> &str;

    /// Makes it ready.
    ///
    /// # Errors
    /// Says what failed; the container then goes into [`State::Error`].
    fn initialise(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Lets go of what it holds.
    ///
    /// # Errors
    /// Says what failed; the others are disposed of all the same.
    fn dispose(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// What failed, in which component, and on the way to which state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{component}: {what} (on the way to {to:?})")]
pub struct Fault {
    /// The component.
    pub component: String,
    /// Where the container was going.
    pub to: State,
    /// The error or the panic's message.
    pub what: String,
}

/// A step that the state machine forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a container cannot go from {from:?} to {to:?}")]
pub struct Illegal {
    /// Where it stands.
    pub from: State,
    /// Where it was asked to go.
    pub to: State,
}

/// The components of one container, in the order of initialisation.
pub trait Components: Send {
    /// Component `index`, or `None` beyond the last.
    fn component(&mut self, index: usize) -> Option<&mut dyn Component>;
}

impl Components for Vec<Box<dyn Component>> {
    fn component(&mut self, index: usize) -> Option<&mut dyn Component> {
        match self.get_mut(index) {
            Some(component) => Some(component.as_mut()),
            None => None,
        }
    }
}

/// One container's components and where it stands. Dropping it disposes of what stands.
pub struct Lifecycle<C: Components> {
    state: State,
    components: C,
    /// So many components, from the first, were initialised and not disposed of.
    standing: usize,
}

impl<C: Components> Lifecycle<C> {
    /// A created container.
    pub fn new(components: C) -> Self {
        Self { state: State::Created, components, standing: 0 }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Its components.
    pub fn components(&mut self) -> &mut C {
        &mut self.components
    }

    /// Initialises the components in order. The first failure stops it in [`State::Error`]; what
    /// stands until then waits to be disposed of.
    ///
    /// # Errors
    /// When the state forbids it, or what failed; a panic counts as a failure.
    pub fn initialise(&mut self) -> Result<(), LifecycleError> {
        self.go(State::Initialising)?;
        while let Some(component) = self.components.component(self.standing) {
            let outcome = guarded(|| component.initialise());
            if let Err(what) = outcome.and_then(|result| result) {
                let component = component.name().to_owned();
                self.go(State::Error)?;
                return Err(Fault { component, to: State::Ready, what }.into());
            }
            self.standing += 1;
        }
        Ok(self.go(State::Ready)?)
    }

    /// It has been given work.
    ///
    /// # Errors
    /// When the state forbids it.
    pub fn run(&mut self) -> Result<(), Illegal> {
        self.go(State::Running)
    }

    /// Its work failed.
    ///
    /// # Errors
    /// When the state forbids it.
    pub fn fail(&mut self) -> Result<(), Illegal> {
        self.go(State::Error)
    }

    /// Disposes of what stands, in reverse order, from any state; a failure (or a panic) of one
    /// component does not spare the others. A second call does nothing.
    pub fn dispose(&mut self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.go(State::Disposing).is_err() {
            return faults;
        }
        while let Some(last) = self.standing.checked_sub(1) {
            // Counted down first: a component is never disposed of twice.
            self.standing = last;
            let Some(component) = self.components.component(last) else { continue };
            let outcome = guarded(|| component.dispose());
            if let Err(what) = outcome.and_then(|result| result) {
                faults.push(Fault { component: component.name().to_owned(), to: State::Disposed, what });
            }
        }
        self.state = State::Disposed;
        faults
    }

    fn go(&mut self, to: State) -> Result<(), Illegal> {
        if !self.state.may_become(to) {
            return Err(Illegal { from: self.state, to });
        }
        self.state = to;
        Ok(())
    }
}

impl<C: Components> Drop for Lifecycle<C> {
    fn drop(&mut self) {
        for fault in self.dispose() {
            tracing::warn!(%fault, "while a container was dropped");
        }
    }
}

/// Why a container could not be initialised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// The state forbids it.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// A component failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    type Log = Arc<Mutex<Vec<String>>>;

    struct Probe {
        name: &'static str,
        log: Log,
        fails_to_stand: bool,
        fails_to_go: bool,
    }

    impl Component for Probe {
        fn name(&self) -> &str {
            self.name
        }

        fn initialise(&mut self) -> Result<(), String> {
            self.log.lock().unwrap().push(format!("+{}", self.name));
            if self.fails_to_stand { Err("cannot stand".into()) } else { Ok(()) }
        }

        fn dispose(&mut self) -> Result<(), String> {
            self.log.lock().unwrap().push(format!("-{}", self.name));
            assert!(self.name != "panics", "cannot go quietly");
            if self.fails_to_go { Err("cannot go".into()) } else { Ok(()) }
        }
    }

    fn probes(log: &Log, fail: Option<&str>) -> Lifecycle<Vec<Box<dyn Component>>> {
        let probe = |name: &'static str| -> Box<dyn Component> {
            Box::new(Probe {
                name,
                log: Arc::clone(log),
                fails_to_stand: fail == Some(name),
                fails_to_go: name == "b",
            })
        };
        Lifecycle::new(Vec::from(["a", "b", "panics", "d"].map(probe)))
    }

    #[test]
    fn a_container_runs_through_its_states_in_order() {
        use State::*;
        let all = [Created, Initialising, Ready, Running, Disposing, Disposed, Error];
        let legal: Vec<_> = all
            .iter()
            .flat_map(|from| all.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        let expected = [
            (Created, Initialising),
            (Created, Disposing),
            (Initialising, Ready),
            (Initialising, Disposing),
            (Initialising, Error),
            (Ready, Running),
            (Ready, Disposing),
            (Ready, Error),
            (Running, Disposing),
            (Running, Error),
            (Disposing, Disposed),
            (Error, Disposing),
        ];
        assert_eq!(legal, expected);
        let mut lifecycle = Lifecycle::new(Vec::<Box<dyn Component>>::new());
        assert_eq!(lifecycle.run(), Err(Illegal { from: Created, to: Running }));
        lifecycle.initialise().unwrap();
        lifecycle.run().unwrap();
        assert!(lifecycle.initialise().is_err());
        assert_eq!(lifecycle.state(), Running);
    }

    #[test]
    fn components_go_in_reverse_order_whatever_fails_on_the_way() {
        let log = Log::default();
        let mut lifecycle = probes(&log, None);
        lifecycle.initialise().unwrap();
        lifecycle.run().unwrap();
        let faults = lifecycle.dispose();
        assert_eq!(*log.lock().unwrap(), ["+a", "+b", "+panics", "+d", "-d", "-panics", "-b", "-a"]);
        let failed: Vec<_> = faults.iter().map(|f| (f.component.as_str(), f.what.as_str())).collect();
        assert_eq!(failed, [("panics", "cannot go quietly"), ("b", "cannot go")]);
        assert_eq!(lifecycle.state(), State::Disposed);
        assert!(lifecycle.dispose().is_empty(), "once is enough");
    }

    #[test]
    fn a_container_that_fails_half_way_disposes_of_what_stood() {
        let log = Log::default();
        let mut lifecycle = probes(&log, Some("panics"));
        let error = lifecycle.initialise().unwrap_err();
        assert_eq!(error.to_string(), "panics: cannot stand (on the way to Ready)");
        assert_eq!(lifecycle.state(), State::Error);
        drop(lifecycle);
        assert_eq!(*log.lock().unwrap(), ["+a", "+b", "+panics", "-b", "-a"]);
    }

    #[test]
    fn every_state_can_be_disposed_of() {
        for steps in 0..4 {
            let log = Log::default();
            let mut lifecycle = probes(&log, None);
            if steps > 0 {
                lifecycle.initialise().unwrap();
            }
            if steps > 1 {
                lifecycle.run().unwrap();
            }
            if steps > 2 {
                lifecycle.fail().unwrap();
            }
            lifecycle.dispose();
            assert_eq!(lifecycle.state(), State::Disposed, "after {steps} steps");
            assert_eq!(log.lock().unwrap().len(), if steps == 0 { 0 } else { 8 });
        }
    }
}

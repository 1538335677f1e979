//! From a tree to typed values, with the place of every fault, and all faults at once.
//!
//! A [`Reader`] hands nodes to serde. Errors lose their type and place on their way through erased
//! deserializers, so the reader notes where the innermost one arose. After a fault the node at fault is
//! taken out of sight and the value is read again, until nothing new comes to light.

mod access;
mod deserializer;
mod error;
mod marked;
mod scalar;

pub(crate) use deserializer::{NodeDeserializer, with_environment};
pub(crate) use error::Error;
pub(crate) use marked::{Captured, Located, TextOrMapping};

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    fmt,
};

use serde::de::DeserializeOwned;

use crate::{
    fault::FaultLog,
    tree::{Location, Node, Step, Value, format_steps},
};

/// Looks up an environment variable.
pub(crate) type Environment<'t> = dyn Fn(&str) -> Option<String> + 't;

/// A node with the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Place<'t> {
    pub(crate) node: &'t Node,
    pub(crate) steps: Vec<Step<'t>>,
    /// Where faults of the node itself are shown.
    pub(crate) at: Location,
}

/// What stands where nothing was written.
static NOTHING: Node =
    Node { at: Location { file: 0, line: 1, column: 1 }, value: Value::Mapping(Vec::new()) };

impl<'t> Place<'t> {
    /// The root of a tree.
    pub(crate) fn root(node: &'t Node) -> Self {
        Self { node, steps: Vec::new(), at: node.at }
    }

    /// The value of one of its keys.
    pub(crate) fn get(&self, key: &str) -> Option<Place<'t>> {
        let entry = self.node.entries().iter().find(|entry| &*entry.key.text == key)?;
        Some(self.child(Step::Key(&entry.key.text), &entry.value))
    }

    /// Its items, none when it is not a list.
    pub(crate) fn items(&self) -> Vec<Place<'t>> {
        let items = match &self.node.value {
            Value::Sequence(items) => items.as_slice(),
            _ => &[],
        };
        items.iter().enumerate().map(|(index, item)| self.child(Step::Index(index), item)).collect()
    }

    /// The way to it as text.
    pub(crate) fn path(&self) -> String {
        format_steps(&self.steps)
    }

    /// A field that was left out, read as an empty mapping.
    pub(crate) fn left_out(&self, key: &'t str) -> Place<'t> {
        Place { at: self.at, ..self.child(Step::Key(key), &NOTHING) }
    }

    fn child(&self, step: Step<'t>, node: &'t Node) -> Place<'t> {
        Place { node, steps: self.steps.iter().copied().chain([step]).collect(), at: node.at }
    }
}

/// The innermost fault of the value that is being read, on its way out.
struct Trace<'t> {
    /// How deep it has come so far.
    depth: usize,
    at: Location,
    path: String,
    error: Error,
    /// What is taken out of sight for the next attempt.
    subject: &'t Node,
    /// Whether the value itself is at fault, not its key.
    in_value: bool,
}

/// Reads nodes of one tree.
pub(crate) struct Reader<'t> {
    log: &'t FaultLog,
    environment: &'t Environment<'t>,
    places: RefCell<Vec<Place<'t>>>,
    steps: RefCell<Vec<Step<'t>>>,
    trace: RefCell<Option<Trace<'t>>>,
    /// Nodes out of sight, by address.
    removed: RefCell<HashSet<*const Node>>,
    any_removed: Cell<bool>,
    secrets: RefCell<HashSet<*const Node>>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(log: &'t FaultLog, environment: &'t Environment<'t>) -> Self {
        Self {
            log,
            environment,
            places: RefCell::default(),
            steps: RefCell::default(),
            trace: RefCell::default(),
            removed: RefCell::default(),
            any_removed: Cell::new(false),
            secrets: RefCell::default(),
        }
    }

    /// Reads a value; `None` when it cannot be had. Every fault goes to the log.
    pub(crate) fn read<T: DeserializeOwned>(&self, place: &Place<'t>) -> Option<T> {
        self.read_with(place, |deserializer| T::deserialize(deserializer))
    }

    /// Reads a captured value.
    pub(crate) fn open<T: DeserializeOwned>(&self, captured: &Captured<T>) -> Option<T> {
        self.read(&self.place(captured.place))
    }

    /// The items of a captured list, each to be read by itself; a fault when it is not a list.
    pub(crate) fn items<T>(&self, captured: &Captured<Vec<T>>) -> Vec<Place<'t>> {
        let place = self.place(captured.place);
        if !matches!(place.node.value, Value::Sequence(_)) && !place.node.is_null() {
            self.fault(&place, format!("expected a list, found {}", place.node.describe()), None);
        }
        place.items()
    }

    /// Reads a value through `read`, which is called again after each fault.
    pub(crate) fn read_with<T, E: fmt::Display>(
        &self,
        place: &Place<'t>,
        mut read: impl FnMut(NodeDeserializer<'_, 't>) -> Result<T, E>,
    ) -> Option<T> {
        loop {
            self.steps.borrow_mut().clone_from(&place.steps);
            self.trace.replace(None);
            let error = match read(NodeDeserializer::new(self, place.node)) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let trace = self.trace.take().unwrap_or_else(|| Trace {
                depth: place.steps.len(),
                at: place.at,
                path: place.path(),
                error: Error::new(error.to_string()),
                subject: place.node,
                in_value: true,
            });
            let at =
                if std::ptr::eq(trace.subject, place.node) && trace.in_value { place.at } else { trace.at };
            // What is missing from a collection may be what an earlier fault took out of it.
            if !(trace.in_value && self.lacks_child(trace.subject)) {
                self.log.add(at, &trace.path, trace.error.message, trace.error.hint);
            }
            if std::ptr::eq(trace.subject, place.node) || self.log.is_full() {
                return None;
            }
            self.removed.borrow_mut().insert(trace.subject);
            self.any_removed.set(true);
        }
    }

    /// Takes in a fault at a place.
    pub(crate) fn fault(&self, place: &Place<'_>, message: impl Into<String>, hint: Option<String>) {
        self.log.add(place.at, &place.path(), message.into(), hint);
    }

    /// Takes in that a field is missing, unless it was given and has a fault of its own.
    pub(crate) fn missing(&self, place: &Place<'_>, field: &str, hint: &str) {
        if place.node.get(field).is_none_or(Node::is_null) {
            self.fault(place, format!("the field `{field}` is missing"), Some(hint.to_owned()));
        }
    }

    /// A place by the number that a located or captured value carries.
    pub(crate) fn place(&self, index: PlaceIndex) -> Place<'t> {
        self.places.borrow()[index.0 as usize].clone()
    }

    /// A reader for a tree of its own whose faults go to the same log.
    pub(crate) fn beside<'x>(&self) -> Reader<'x>
    where
        't: 'x,
    {
        Reader::new(self.log, self.environment)
    }

    /// Whether anything was read as a secret.
    pub(crate) fn any_secret(&self) -> bool {
        !self.secrets.borrow().is_empty()
    }

    /// Takes a node out of sight that has a fault of its own.
    pub(crate) fn hide(&self, node: &'t Node) {
        self.removed.borrow_mut().insert(node);
        self.any_removed.set(true);
    }

    /// Whether everything that was read so far was without fault.
    pub(crate) fn is_clean(&self) -> bool {
        !self.any_removed.get()
    }

    /// The log that faults go to.
    pub(crate) fn log(&self) -> &'t FaultLog {
        self.log
    }

    /// Whether a node was read as a secret.
    pub(crate) fn is_secret(&self, node: &Node) -> bool {
        self.secrets.borrow().contains(&std::ptr::from_ref(node))
    }

    fn is_removed(&self, node: &Node) -> bool {
        self.any_removed.get() && self.removed.borrow().contains(&std::ptr::from_ref(node))
    }

    fn lacks_child(&self, node: &Node) -> bool {
        self.any_removed.get() && node.children().any(|child| self.is_removed(child))
    }

    /// Notes the place of the node at hand.
    fn capture(&self, node: &'t Node) -> PlaceIndex {
        let mut places = self.places.borrow_mut();
        places.push(Place { node, steps: self.steps.borrow().clone(), at: node.at });
        PlaceIndex(places.len() as u32 - 1)
    }

    /// Runs `read` one step deeper.
    fn step<T>(&self, step: Step<'t>, read: impl FnOnce() -> T) -> T {
        self.steps.borrow_mut().push(step);
        let result = read();
        self.steps.borrow_mut().pop();
        result
    }

    /// Notes an error that leaves a node, unless it came from further in.
    fn settle<T>(
        &self,
        at: Location,
        subject: &'t Node,
        in_value: bool,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        let mut trace = self.trace.borrow_mut();
        match &result {
            Ok(_) => *trace = None,
            Err(error) => {
                let steps = self.steps.borrow();
                match &mut *trace {
                    Some(known) if known.depth == steps.len() || known.depth == steps.len() + 1 => {
                        known.depth = steps.len();
                    }
                    _ => {
                        *trace = Some(Trace {
                            depth: steps.len(),
                            at,
                            path: format_steps(&steps),
                            error: error.clone(),
                            subject,
                            in_value,
                        });
                    }
                }
            }
        }
        result
    }
}

/// The number of a place that a reader has noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlaceIndex(u32);

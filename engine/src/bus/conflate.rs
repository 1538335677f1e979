//! Conflation: of each key only the newest event waits.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Event, Payload};

/// The events that wait, by key, in the order in which their keys appeared.
#[derive(Debug)]
struct Slots<P> {
    places: BTreeMap<u64, usize>,
    events: Vec<Event<P>>,
}

/// The events of a conflating subscription; shared by both ends.
#[derive(Debug)]
pub(super) struct Conflator<P>(Mutex<Slots<P>>);

impl<P> Default for Conflator<P> {
    fn default() -> Self {
        Self(Mutex::new(Slots { places: BTreeMap::new(), events: Vec::new() }))
    }
}

impl<P: Payload> Conflator<P> {
    /// Lets the newest event per key wait. Answers how many events were overwritten, and how many wait.
    pub(super) fn put<'a>(&self, events: impl Iterator<Item = &'a Event<P>>) -> (usize, usize) {
        let mut slots = self.lock();
        let slots = &mut *slots;
        let mut replaced = 0;
        for event in events {
            let place = *slots
                .places
                .entry(event.payload.conflation_key(&event.header))
                .or_insert(slots.events.len());
            match slots.events.get_mut(place) {
                Some(old) => {
                    *old = event.clone();
                    replaced += 1;
                }
                None => slots.events.push(event.clone()),
            }
        }
        (replaced, slots.events.len())
    }

    /// Takes all that waits.
    pub(super) fn take(&self) -> Vec<Event<P>> {
        let mut slots = self.lock();
        slots.places.clear();
        std::mem::take(&mut slots.events)
    }

    /// How many events wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().events.len()
    }

    fn lock(&self) -> MutexGuard<'_, Slots<P>> {
        // Cloning a payload is all that runs under the lock: a poisoned one is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

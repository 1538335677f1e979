//! Filters: what a subscriber must name to receive events of a kind.

use super::{ContainerId, Event, Payload, payload};
use crate::instrument::InstrumentId;

/// Picks the events of one subscriber.
pub trait Filter<P>: std::fmt::Debug + Send + Sync + 'static {
    /// Whether the subscriber wants `event`.
    fn accepts(&self, event: &Event<P>) -> bool;
}

/// All events of a kind that needs no name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfiltered;

impl<P: Payload<Filter = Self>> Filter<P> for Unfiltered {
    fn accepts(&self, _: &Event<P>) -> bool {
        true
    }
}

/// Events of named containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerFilter(Vec<ContainerId>);

impl ContainerFilter {
    /// Events of one container.
    pub fn of(container: ContainerId) -> Self {
        Self(vec![container])
    }

    /// Events of several containers; of none when the list is empty.
    pub fn any_of(containers: impl IntoIterator<Item = ContainerId>) -> Self {
        let mut ids: Vec<_> = containers.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self(ids)
    }
}

impl<P: Payload<Filter = Self>> Filter<P> for ContainerFilter {
    fn accepts(&self, event: &Event<P>) -> bool {
        event.header.container_id.is_some_and(|id| self.0.binary_search(&id).is_ok())
    }
}

/// Signals of named strategies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrategyFilter(Vec<(ContainerId, u32)>);

impl StrategyFilter {
    /// Signals of the strategy with index `strategy` in `container`.
    pub fn of(container: ContainerId, strategy: u32) -> Self {
        Self(vec![(container, strategy)])
    }

    /// Signals of several strategies; of none when the list is empty.
    pub fn any_of(strategies: impl IntoIterator<Item = (ContainerId, u32)>) -> Self {
        let mut keys: Vec<_> = strategies.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        Self(keys)
    }
}

impl Filter<payload::Signal> for StrategyFilter {
    fn accepts(&self, event: &Event<payload::Signal>) -> bool {
        event
            .header
            .container_id
            .is_some_and(|id| self.0.binary_search(&(id, event.payload.strategy)).is_ok())
    }
}

/// Events of the market: of named instruments, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesFilter(Option<Vec<InstrumentId>>);

impl SeriesFilter {
    /// Events of every instrument.
    pub fn all() -> Self {
        Self(None)
    }

    /// Events of these instruments.
    pub fn instruments(instruments: impl IntoIterator<Item = InstrumentId>) -> Self {
        let mut ids: Vec<_> = instruments.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self(Some(ids))
    }

    fn names(&self, instrument: InstrumentId) -> bool {
        self.0.as_ref().is_none_or(|ids| ids.binary_search(&instrument).is_ok())
    }
}

macro_rules! by_instrument {
    ($($payload:ident |$event:ident| $instrument:expr;)*) => {$(
        impl Filter<payload::$payload> for SeriesFilter {
            fn accepts(&self, event: &Event<payload::$payload>) -> bool {
                let $event = &event.payload;
                self.names($instrument)
            }
        }
    )*};
}

by_instrument! {
    BarClosed |e| e.series.instrument;
    Tick |e| e.instrument;
    Features |e| e.series.instrument;
    RegimeChange |e| e.instrument;
    Classification |e| e.instrument;
}

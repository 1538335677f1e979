//! Events: the one list of kinds, and the envelope that every event travels in.

use std::fmt;

use serde::Serialize;

use super::{
    filter::{ContainerFilter, Filter, SeriesFilter, StrategyFilter, Unfiltered},
    payload,
    topic::Topic,
};

/// A part that publishes, numbered by the bus that it publishes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SourceId(pub u32);

/// A container, by its place in the set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ContainerId(pub u32);

/// An event, named by who published it and as which of its events (counted from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EventId {
    /// Who published it.
    pub source_id: SourceId,
    /// Its number among that source's events.
    pub sequence_number: u64,
}

/// What every event says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Header {
    /// Who published it.
    pub source_id: SourceId,
    /// The container that it belongs to; `None` above the containers.
    pub container_id: Option<ContainerId>,
    /// The event at the start of its chain: for a fill, the bar that led to it. Its own id when it
    /// starts a chain.
    pub correlation_id: EventId,
    /// The event that caused it directly; `None` when it starts a chain.
    pub causation_id: Option<EventId>,
    /// Its number among its source's events of its kind, counted from 1, without gaps.
    pub sequence_number: u64,
    /// When it happened in the simulated or live market, UTC nanoseconds.
    pub timestamp_ns: i64,
}

impl Header {
    /// The event's own id.
    pub fn id(&self) -> EventId {
        EventId { source_id: self.source_id, sequence_number: self.sequence_number }
    }
}

/// One event of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event<P> {
    /// What it says of itself.
    pub header: Header,
    /// What happened.
    pub payload: P,
}

/// What happened, as one kind of event carries it.
pub trait Payload: Clone + fmt::Debug + Send + Sync + Sized + 'static {
    /// Its kind.
    const KIND: EventKind;

    /// What a subscriber must name to receive it.
    type Filter: Filter<Self>;

    /// Events with equal keys replace each other in a conflating subscription.
    fn conflation_key(&self, header: &Header) -> u64;

    #[doc(hidden)]
    fn topic(topics: &Topics) -> &Topic<Self>;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal $payload:ident by $filter:ident in $field:ident,)*) => {
        /// All kinds of events.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum EventKind { $($(#[$doc])* $kind,)* }

        impl EventKind {
            /// All kinds, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The kind as reports and logs print it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }

        /// The payload of an event of any kind, for batches that mix them.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyPayload { $($(#[$doc])* $kind(payload::$payload),)* }

        impl AnyPayload {
            /// Its kind.
            pub fn kind(&self) -> EventKind {
                match self { $(Self::$kind(_) => EventKind::$kind,)* }
            }
        }

        /// One topic per kind.
        #[doc(hidden)]
        #[derive(Debug, Default)]
        pub struct Topics { $($field: Topic<payload::$payload>,)* }

        $(
            impl Payload for payload::$payload {
                const KIND: EventKind = EventKind::$kind;
                type Filter = $filter;

                fn conflation_key(&self, header: &Header) -> u64 {
                    payload::Keyed::key(self, header)
                }

                fn topic(topics: &Topics) -> &Topic<Self> {
                    &topics.$field
                }
            }

            impl From<payload::$payload> for AnyPayload {
                fn from(payload: payload::$payload) -> Self {
                    Self::$kind(payload)
                }
            }
        )*

        /// One publisher per kind, made when it is first needed.
        #[derive(Debug, Default)]
        pub(super) struct Publishers { $($field: Option<super::Publisher<payload::$payload>>,)* }

        impl Publishers {
            /// Hands an event to the publisher of its kind.
            #[allow(clippy::result_large_err, reason = "the event is handed back by value, not boxed on a hot path")]
            pub(super) fn push(
                &mut self,
                make: &super::publisher::Maker,
                draft: super::Draft<AnyPayload>,
            ) -> Result<EventId, super::Refused<AnyPayload>> {
                let super::Draft { payload, timestamp_ns, container, cause } = draft;
                match payload {
                    $(AnyPayload::$kind(payload) => self
                        .$field
                        .get_or_insert_with(|| make.publisher())
                        .push(super::Draft { payload, timestamp_ns, container, cause })
                        .map_err(|refused| refused.map(AnyPayload::$kind)),)*
                }
            }

            /// Delivers what waits, kind by kind; whether all of it found room.
            pub(super) fn flush(&mut self) -> bool {
                let mut all = true;
                $(if let Some(publisher) = &mut self.$field { all &= publisher.flush(); })*
                all
            }

            /// Delivers what waits, kind by kind; ready when nothing waits any more.
            pub(super) fn poll_flush(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<()> {
                let mut all = true;
                $(if let Some(publisher) = &mut self.$field { all &= publisher.poll_flush(cx).is_ready(); })*
                if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            }
        }
    };
}

kinds! {
    /// A bar closed.
    Bar "BAR" BarClosed by SeriesFilter in bar,
    /// A trade or a quote arrived.
    Tick "TICK" Tick by SeriesFilter in tick,
    /// Indicator values of a closed bar.
    Features "FEATURES" Features by SeriesFilter in features,
    /// A strategy's view of the market, before any sizing.
    Signal "SIGNAL" Signal by StrategyFilter in signal,
    /// A strategy asked for an order.
    OrderRequest "ORDER_REQUEST" OrderRequested by ContainerFilter in order_request,
    /// An order changed its state.
    Order "ORDER" OrderEvent by ContainerFilter in order,
    /// An order filled, wholly or in part.
    Fill "FILL" Fill by ContainerFilter in fill,
    /// An account's equity after a step.
    PortfolioUpdate "PORTFOLIO_UPDATE" PortfolioUpdate by ContainerFilter in portfolio_update,
    /// A position grew or shrank.
    PositionUpdate "POSITION_UPDATE" PositionUpdate by ContainerFilter in position_update,
    /// A position was opened.
    PositionOpen "POSITION_OPEN" PositionOpen by ContainerFilter in position_open,
    /// A position was closed, or a part of one.
    PositionClose "POSITION_CLOSE" PositionClose by ContainerFilter in position_close,
    /// A part of the system started.
    SystemStart "SYSTEM_START" SystemStart by Unfiltered in system_start,
    /// A part of the system stopped.
    SystemStop "SYSTEM_STOP" SystemStop by Unfiltered in system_stop,
    /// A part of the system failed.
    Error "ERROR" Failure by Unfiltered in error,
    /// The market moved from one regime to another.
    RegimeChange "REGIME_CHANGE" RegimeChange by SeriesFilter in regime_change,
    /// A limit was reached.
    RiskBreach "RISK_BREACH" RiskBreach by ContainerFilter in risk_breach,
    /// A classifier named the state of the market.
    Classification "CLASSIFICATION" Classification by SeriesFilter in classification,
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_kinds_is_the_documented_one() {
        let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let documented = "BAR TICK FEATURES SIGNAL ORDER_REQUEST ORDER FILL PORTFOLIO_UPDATE POSITION_UPDATE \
             POSITION_OPEN POSITION_CLOSE SYSTEM_START SYSTEM_STOP ERROR REGIME_CHANGE RISK_BREACH CLASSIFICATION";
        assert_eq!(names.join(" "), documented);
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).ok(), Some(serde_json::Value::from(kind.as_str())));
        }
    }
}

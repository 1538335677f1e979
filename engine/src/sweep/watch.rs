//! Whoever looks on while a pass runs: may end it, and hears where it is. The engine itself reads no clock.

use serde::{Deserialize, Serialize};

/// The parts of a pass. Data, indicators and variants take turns, batch by batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PassPart {
    /// Variants are set up, files opened.
    SetUp,
    /// Bars are read and merged.
    Data,
    /// Indicators are computed.
    Indicators,
    /// Variants are fed.
    Variants,
    /// Results are made, and what failed is run again.
    End,
}

impl PassPart {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::SetUp, Self::Data, Self::Indicators, Self::Variants, Self::End];

    /// As people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::Data => "market data",
            Self::Indicators => "indicators",
            Self::Variants => "strategies",
            Self::End => "results",
        }
    }
}

/// Looks on while a pass runs.
pub trait PassWatch {
    /// Called between containers, often, with the rows that variants were fed so far (each variant counts), and
    /// while variants are set up or run again. Where it answers no, the pass is given up.
    fn goes_on(&mut self, fed: u64) -> bool;

    /// The pass enters a part and leaves the one before.
    fn enters(&mut self, _part: PassPart) {}
}

/// One that only says whether to go on.
pub(super) struct GoesOn<'w>(pub(super) &'w mut dyn FnMut(u64) -> bool);

impl PassWatch for GoesOn<'_> {
    fn goes_on(&mut self, fed: u64) -> bool {
        (self.0)(fed)
    }
}

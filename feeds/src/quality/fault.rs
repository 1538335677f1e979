//! The classes of faults and the policy for each.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done with a row that has a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The row stays as it is, and is counted. Only where a run can live with such rows.
    Count,
    /// The row is mended as the class says, and counted; where it cannot be mended it is rejected.
    Repair,
    /// The row is left out and counted, as something expected.
    Drop,
    /// The row is left out, counted and listed as refused.
    Reject,
    /// Reading stops with an error.
    Halt,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::Repair => "repair",
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::Halt => "halt",
        })
    }
}

/// Declares the classes once: variant, field of [`Policies`], default, what may not be asked for, what it
/// is, what repair does.
macro_rules! faults {
    ($($variant:ident $field:ident $default:ident [$($refused:ident)*] $what:literal $repair:literal;)*) => {
        /// A class of faults.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Fault {
            $(#[doc = concat!($what, ".")] $variant,)*
        }

        impl Fault {
            /// All classes.
            pub const ALL: [Self; { [$(Self::$variant),*].len() }] = [$(Self::$variant),*];

            /// Its name, as in a policy.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($field),)* }
            }

            /// What it is, in half a sentence.
            pub fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }

            /// What its repair does.
            pub fn repair(self) -> &'static str {
                match self { $(Self::$variant => $repair,)* }
            }

            /// Policies that it cannot have, because rows that a run cannot use would remain.
            pub fn refused(self) -> &'static [Policy] {
                match self { $(Self::$variant => &[$(Policy::$refused),*],)* }
            }
        }

        /// What is done with faulty rows, by class.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct Policies {
            $(#[doc = concat!($what, ". Repair: ", $repair, ".")] pub $field: Policy,)*
        }

        impl Default for Policies {
            fn default() -> Self {
                Self { $($field: Policy::$default,)* }
            }
        }

        impl Policies {
            /// The policy for a class.
            #[inline]
            pub fn of(&self, fault: Fault) -> Policy {
                match fault { $(Fault::$variant => self.$field,)* }
            }

            /// Sets the policy for a class.
            pub fn set(&mut self, fault: Fault, policy: Policy) {
                match fault { $(Fault::$variant => self.$field = policy,)* }
            }
        }
    };
}

faults! {
    Nan nan Reject [Count]
        "a price or volume is missing or not a number"
        "a bad price makes the bar flat at the last close with volume 0, a bad volume becomes 0";
    Infinite infinite Reject [Count]
        "a price or volume is infinite"
        "as for nan";
    NonPositive non_positive Reject [Count]
        "a price is 0 or below"
        "as for nan";
    TooLarge too_large Reject [Count]
        "a price or volume is above 1e15"
        "as for nan";
    TooSmall too_small Reject [Count]
        "a price or volume is above 0 and below 1e-12"
        "as for nan";
    HighBelowLow high_below_low Reject [Count]
        "the high is below the low"
        "they are exchanged, then widened to hold open and close";
    OutsideRange outside_range Reject [Count]
        "open or close lies outside low to high"
        "low and high are widened to hold open and close";
    NegativeVolume negative_volume Reject [Count]
        "the volume is below 0"
        "it becomes 0";
    Duplicate duplicate Drop [Count]
        "the stamp is that of the row before"
        "the first row stands; under drop, a row of the same stamp with other values is rejected";
    OutOfOrder out_of_order Reject [Count]
        "the stamp lies before that of a row before"
        "the file is read into memory and sorted by stamp";
    Gap gap Count []
        "bars are missing before it, where the calendar, or the clock, expects some"
        "flat bars at the last close with volume 0 are put in, at most 10,000 in a row";
    Overlap overlap Reject []
        "the bar opens before the bar before has closed"
        "it opens when that one closed";
    Future future Reject [Repair]
        "the bar closes after the given present"
        "there is none";
    EpochZero epoch_zero Reject [Repair]
        "the stamp is 1970-01-01 00:00, which is how a missing stamp is often written"
        "there is none";
    UnitConfusion unit_confusion Halt [Count]
        "the stamp fits only if it is read in another unit (s, ms, us, ns)"
        "it is read in the unit that fits";
    WrongSymbol wrong_symbol Halt [Count Repair]
        "it belongs to an instrument that was not asked for"
        "there is none";
    Unreadable unreadable Halt [Count Repair]
        "a cell is missing or cannot be read"
        "there is none";
}

impl Policies {
    /// The same policy for every class that can have it.
    pub fn all(policy: Policy) -> Self {
        let mut policies = Self::default();
        for fault in Fault::ALL {
            if !fault.refused().contains(&policy) {
                policies.set(fault, policy);
            }
        }
        policies
    }

    /// All that is wrong with the policies, one sentence each.
    pub fn faults(&self) -> Vec<String> {
        Fault::ALL
            .into_iter()
            .filter(|fault| fault.refused().contains(&self.of(*fault)))
            .map(|fault| {
                format!("quality.{}: `{}` is no policy for {}", fault.name(), self.of(fault), fault.what())
            })
            .collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A few faults at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FaultSet(u32);

impl FaultSet {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0 |= 1 << fault as u32;
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn has(self, fault: Fault) -> bool {
        self.0 & (1 << fault as u32) != 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(move |fault| self.has(*fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_are_promised() {
        let policies = Policies::default();
        assert_eq!(policies.of(Fault::WrongSymbol), Policy::Halt);
        assert_eq!(policies.of(Fault::UnitConfusion), Policy::Halt);
        assert_eq!(policies.of(Fault::Nan), Policy::Reject);
        assert_eq!(policies.of(Fault::OutOfOrder), Policy::Reject);
        assert_eq!(policies.of(Fault::Duplicate), Policy::Drop);
        assert_eq!(policies.of(Fault::Gap), Policy::Count);
        assert!(policies.faults().is_empty());
        assert_eq!(Fault::ALL.len(), 17, "sixteen classes of bars, and rows that are no bars");
    }

    #[test]
    fn a_policy_that_would_leave_a_useless_row_is_refused() {
        let mut policies = Policies::default();
        policies.set(Fault::Nan, Policy::Count);
        policies.set(Fault::Future, Policy::Repair);
        assert_eq!(policies.faults().len(), 2);
        for policy in [Policy::Count, Policy::Repair, Policy::Drop, Policy::Reject, Policy::Halt] {
            assert!(Policies::all(policy).faults().is_empty());
        }
        let text = r#"{"gap": "halt", "nan": "drop"}"#;
        let read: Policies = serde_json::from_str(text).unwrap();
        assert_eq!((read.gap, read.nan, read.overlap), (Policy::Halt, Policy::Drop, Policy::Reject));
        assert!(serde_json::from_str::<Policies>(r#"{"gaps": "halt"}"#).is_err());
    }
}

//! How large positions and orders of a strategy are, per instrument and risk setting.

use barhive_engine::{
    instrument::InstrumentId,
    set::Limits,
    strategy::{Scope, Sizing},
};

use super::{Scene, instruments::Universe, lots::lots};
use crate::{
    read::Located,
    section::{LimitsSection, RiskSection, SizingSection},
    value::Decimal,
};

/// What a strategy is assigned to and how large it trades.
#[derive(Debug)]
pub(super) struct Sizes {
    pub(super) instruments: Vec<InstrumentId>,
    pub(super) scope: Scope,
    pub(super) sizing: Located<SizingSection>,
    pub(super) limits: LimitsSection,
}

/// A sizing with limits, for one instance of a strategy.
pub(super) type Size = (Sizing, Limits);

impl Sizes {
    /// The instruments of each instance.
    pub(super) fn groups(&self) -> Vec<&[InstrumentId]> {
        match self.scope {
            Scope::PerInstrument => self.instruments.chunks(1).collect(),
            Scope::Across => vec![&self.instruments],
        }
    }

    /// The size of each instance; `None` when one does not fit, with the faults in the log.
    pub(super) fn of_groups(
        &self,
        scene: &Scene<'_, '_>,
        universe: &Universe,
        risk: Option<&RiskSection>,
    ) -> Option<Vec<Size>> {
        let groups = self.groups().into_iter();
        let sizes: Vec<Option<Size>> = groups
            .map(|group| {
                let sizing = self.sizing(scene, universe, group, risk);
                let limits = self.limits(scene, universe, group, risk);
                sizing.zip(limits)
            })
            .collect();
        sizes.into_iter().collect()
    }

    fn sizing(
        &self,
        scene: &Scene<'_, '_>,
        universe: &Universe,
        group: &[InstrumentId],
        risk: Option<&RiskSection>,
    ) -> Option<Sizing> {
        let size = risk.and_then(|risk| risk.size.as_ref());
        let factor = size.map_or(1.0, |size| size.value.to_f64());
        match &self.sizing.value {
            SizingSection::Fixed(quantity) => {
                let at = size.unwrap_or(quantity);
                let size = size.map(|size| &size.value);
                same_lots(scene, universe, group, quantity, size, at).map(Sizing::Lots)
            }
            SizingSection::Notional(money) => Some(Sizing::Notional(money.value.to_f64() * factor)),
            SizingSection::EquityFraction(fraction) => {
                Some(Sizing::EquityFraction(fraction.value.0 * factor))
            }
            SizingSection::AllIn => match size {
                Some(size) => {
                    let message = "a strategy is sized all_in, which has no size to multiply";
                    scene.fault_at(size, message, Some("size it by equity_fraction".into()));
                    None
                }
                None => Some(Sizing::AllIn),
            },
        }
    }

    fn limits(
        &self,
        scene: &Scene<'_, '_>,
        universe: &Universe,
        group: &[InstrumentId],
        risk: Option<&RiskSection>,
    ) -> Option<Limits> {
        let over = risk.and_then(|risk| risk.limits.as_ref());
        let pick = |field: fn(&LimitsSection) -> Option<&Located<Decimal>>| {
            over.and_then(field).or_else(|| field(&self.limits))
        };
        let in_lots = |limit: Option<&Located<Decimal>>| match limit {
            Some(limit) => same_lots(scene, universe, group, limit, None, limit).map(Some),
            None => Some(None),
        };
        let notional = pick(|limits| limits.max_notional.as_ref());
        if let Some(limit) = notional.filter(|limit| limit.value.to_f64() <= 0.0) {
            scene.fault_at(limit, format!("expected an amount above 0, found {}", limit.value), None);
        }
        let (position, order) = (
            in_lots(pick(|limits| limits.max_position.as_ref())),
            in_lots(pick(|limits| limits.max_order.as_ref())),
        );
        Some(Limits {
            position_lots_max: position?,
            order_lots_max: order?,
            order_notional_max: notional.map(|limit| limit.value.to_f64()),
        })
    }
}

/// A quantity in lots that is the same for all instruments of a strategy instance.
fn same_lots(
    scene: &Scene<'_, '_>,
    universe: &Universe,
    group: &[InstrumentId],
    quantity: &Located<Decimal>,
    factor: Option<&Decimal>,
    at: &Located<Decimal>,
) -> Option<i64> {
    let mut common: Option<(i64, InstrumentId)> = None;
    for id in group {
        let count = match lots(&quantity.value, factor, universe.get(*id)) {
            Ok(count) => count,
            Err(fault) => {
                scene.fault_at(at, fault.replace('`', "\""), None);
                return None;
            }
        };
        match common {
            Some((known, first)) if known != count => {
                let message = format!(
                    "{} are {known} lots of {} but {count} lots of {}",
                    quantity.value,
                    universe.get(first).symbol,
                    universe.get(*id).symbol
                );
                let hint = "a strategy across instruments needs one lot for all; size it by notional";
                scene.fault_at(at, message, Some(hint.into()));
                return None;
            }
            _ => common = Some((count, *id)),
        }
    }
    common.map(|(count, _)| count)
}

/// Whether a size is one at all, whatever the instrument.
pub(super) fn sizing_is_sound(scene: &Scene<'_, '_>, sizing: Option<&Located<SizingSection>>) -> bool {
    match sizing.map(|sizing| &sizing.value) {
        Some(SizingSection::Notional(money)) => {
            let sound = money.value.to_f64() > 0.0;
            if !sound {
                scene.fault_at(money, format!("expected an amount above 0, found {}", money.value), None);
            }
            sound
        }
        Some(SizingSection::EquityFraction(fraction)) => {
            let sound = fraction.value.0 > 0.0 && fraction.value.0 <= 100.0;
            if !sound {
                let found = fraction.value.0;
                let message = format!("expected a fraction above 0 and up to 100, found {found}");
                scene.fault_at(fraction, message, Some("1 is all equity; more needs leverage".into()));
            }
            sound
        }
        _ => true,
    }
}

//! Accounts, times risk settings: the containers of a run.

use std::collections::BTreeSet;

use barhive_engine::{
    instrument::{FeeSchedule, InstrumentId},
    set::{ContainerSpec, StrategySpec},
};

use super::{
    Scene, fees,
    instruments::{Universe, matches},
    strategies::Draft,
    terms::Terms,
};
use crate::{
    read::{Captured, Located, Place},
    section::{AccountKind, AccountSection, RiskSection, SetSection},
    tree::quote,
    value::{ByteSize, Cash, Fraction},
};

/// Accounts that one run may have.
const CONTAINERS_MAX: usize = 100_000;
/// The most that an account may be levered.
const LEVERAGE_MAX: u32 = 1000;
/// The least that an account's memory may be limited to.
const MEMORY_MIN_BYTES: u64 = 64 << 10;

/// An account of the set, before risk settings.
pub(super) struct Account<'t> {
    place: Place<'t>,
    name: String,
    kind: AccountKind,
    cash: Located<Cash>,
    leverage: u32,
    drawdown: Option<f64>,
    memory_max_bytes: u64,
    fees: Option<FeeSchedule>,
    strategies: Option<Vec<Located<String>>>,
}

/// A risk setting of the set.
pub(super) struct Risk {
    name: String,
    leverage: Option<u32>,
    drawdown: Option<f64>,
    section: RiskSection,
}

/// The accounts of a set that have no fault of their own.
pub(super) fn accounts<'t>(scene: &Scene<'_, 't>, set: &SetSection) -> Vec<Account<'t>> {
    let places = match (&set.account, &set.accounts) {
        (Some(_), Some(several)) => {
            let place = scene.reader.place(several.place);
            scene.reader.fault(&place, "either account or accounts, not both", None);
            return Vec::new();
        }
        (Some(account), None) => vec![scene.reader.place(account.place)],
        (None, Some(accounts)) => scene.reader.items(accounts),
        (None, None) => {
            if !Scene::has(&scene.root, "accounts") {
                let hint = "write account: {kind: shared, cash: 100000 USDT}";
                scene.reader.missing(&scene.root, "account", hint);
            }
            return Vec::new();
        }
    };
    let several = places.len() > 1;
    let mut names = BTreeSet::new();
    let mut accounts = Vec::new();
    for place in places {
        let Some(section) = scene.reader.read::<AccountSection>(&place) else { continue };
        if several && section.name.is_none() {
            scene.reader.missing(&place, "name", "several accounts need names to tell them apart");
        }
        if let Some(name) = &section.name
            && !names.insert(name.value.clone())
        {
            scene.fault_at(name, format!("the account {} is given twice", quote(&name.value)), None);
        }
        accounts.extend(account(scene, place, section));
    }
    accounts
}

fn account<'t>(scene: &Scene<'_, 't>, place: Place<'t>, section: AccountSection) -> Option<Account<'t>> {
    if section.cash.is_none() {
        scene.reader.missing(&place, "cash", "write what it starts with: cash: 100000 USDT");
    }
    let name = match &section.name {
        Some(name) => scene.name(Some(name)),
        None => Some("shared".to_owned()),
    };
    let cash = section.cash?;
    if cash.value.amount.0 <= 0 {
        scene.fault_at(&cash, format!("expected an amount above 0, found {}", cash.value.amount), None);
    }
    Some(Account {
        name: name?,
        kind: section.kind.unwrap_or_default(),
        leverage: leverage(scene, section.leverage.as_ref()).unwrap_or(1),
        drawdown: drawdown(scene, section.max_drawdown.as_ref()),
        memory_max_bytes: memory_limit(scene, section.memory_limit.as_ref()),
        fees: section.fees.as_ref().and_then(|entry| fees::entry(scene, entry)),
        strategies: section.strategies,
        cash,
        place,
    })
}

fn leverage(scene: &Scene<'_, '_>, leverage: Option<&Located<u32>>) -> Option<u32> {
    let leverage = leverage?;
    if (1..=LEVERAGE_MAX).contains(&leverage.value) {
        return Some(leverage.value);
    }
    let found = leverage.value;
    scene.fault_at(
        leverage,
        format!("expected a whole number from 1 to {LEVERAGE_MAX}, found {found}"),
        None,
    );
    None
}

fn drawdown(scene: &Scene<'_, '_>, drawdown: Option<&Located<Fraction>>) -> Option<f64> {
    let drawdown = drawdown?;
    let fraction = drawdown.value.0;
    if fraction > 0.0 && fraction <= 1.0 {
        return Some(fraction);
    }
    scene.fault_at(
        drawdown,
        format!("expected a fraction above 0% and up to 100%, found {}%", fraction * 100.0),
        None,
    );
    None
}

fn memory_limit(scene: &Scene<'_, '_>, limit: Option<&Located<ByteSize>>) -> u64 {
    let Some(limit) = limit else { return ContainerSpec::MEMORY_MAX_BYTES };
    if limit.value.bytes < MEMORY_MIN_BYTES {
        scene.fault_at(limit, "expected 64KiB or more".to_owned(), None);
    }
    limit.value.bytes
}

/// The risk settings of a set; one that changes nothing when it has none.
pub(super) fn risks(scene: &Scene<'_, '_>, captured: Option<&Captured<Vec<RiskSection>>>) -> Vec<Risk> {
    let mut names = BTreeSet::new();
    let mut risks = Vec::new();
    for place in captured.map(|captured| scene.reader.items(captured)).unwrap_or_default() {
        let Some(section) = scene.reader.read::<RiskSection>(&place) else { continue };
        if section.name.is_none() {
            scene.reader.missing(&place, "name", "it becomes part of the names of accounts");
        }
        let Some(name) = scene.name(section.name.as_ref()) else { continue };
        if !names.insert(name.clone()) {
            scene.reader.fault(&place, format!("the risk setting {} is given twice", quote(&name)), None);
        }
        if let Some(size) = section.size.as_ref().filter(|size| size.value.to_f64() <= 0.0) {
            scene.fault_at(size, format!("expected a number above 0, found {}", size.value), None);
            continue;
        }
        risks.push(Risk {
            name,
            leverage: leverage(scene, section.leverage.as_ref()),
            drawdown: drawdown(scene, section.max_drawdown.as_ref()),
            section,
        });
    }
    risks
}

/// The containers, in the order of accounts, strategies, risk settings.
pub(super) fn containers(
    scene: &Scene<'_, '_>,
    accounts: &[Account<'_>],
    risks: &[Risk],
    drafts: &[Draft<'_>],
    universe: &Universe,
    terms: Terms,
) -> Vec<ContainerSpec> {
    let mut containers = Vec::new();
    let mut names = BTreeSet::new();
    let mut traded = BTreeSet::new();
    for account in accounts {
        let own = strategies_of(scene, account, drafts);
        traded.extend(own.iter().map(|draft| draft.id.as_str()));
        for draft in &own {
            check_currency(scene, account, &draft.id, &draft.sizes.instruments, universe);
        }
        let groups: Vec<(String, Vec<&Draft<'_>>)> = match account.kind {
            AccountKind::Shared => vec![(account.name.clone(), own)],
            AccountKind::PerStrategy => own
                .into_iter()
                .map(|draft| {
                    let named = account.place.node.get("name").is_some();
                    let prefix = if named { format!("{}-", account.name) } else { String::new() };
                    (format!("{prefix}{}", draft.id), vec![draft])
                })
                .collect(),
        };
        for (name, group) in groups.iter().filter(|(_, group)| !group.is_empty()) {
            let settings: Vec<Option<&Risk>> = match risks {
                [] => vec![None],
                risks => risks.iter().map(Some).collect(),
            };
            for risk in settings {
                let name = risk.map_or_else(|| name.clone(), |risk| format!("{name}-{}", risk.name));
                if !names.insert(name.clone()) {
                    let message = format!("two accounts would be named {}", quote(&name));
                    scene.reader.fault(&account.place, message, Some("name them apart".into()));
                    continue;
                }
                if containers.len() >= CONTAINERS_MAX {
                    let message = format!("more than {CONTAINERS_MAX} accounts in one run");
                    scene.reader.fault(&account.place, message, None);
                    return containers;
                }
                containers.extend(container(scene, account, risk, name, group, universe, terms));
            }
        }
    }
    for draft in drafts.iter().filter(|draft| !accounts.is_empty() && !traded.contains(draft.id.as_str())) {
        let message = format!("no account trades strategy {}", quote(&draft.id));
        scene.reader.fault(&draft.place, message, Some("add it to an account's strategies".into()));
    }
    containers
}

fn strategies_of<'d, 't>(
    scene: &Scene<'_, '_>,
    account: &Account<'_>,
    drafts: &'d [Draft<'t>],
) -> Vec<&'d Draft<'t>> {
    let Some(patterns) = &account.strategies else { return drafts.iter().collect() };
    let all = scene.root.get("strategies").map(|place| place.items()).unwrap_or_default();
    let ids: Vec<String> = all
        .iter()
        .filter_map(|place| match &place.get("id")?.node.value {
            crate::tree::Value::Scalar(scalar) => Some(scalar.text.to_string()),
            _ => None,
        })
        .collect();
    for pattern in patterns {
        if !ids.iter().any(|id| matches(&pattern.value, id)) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            scene.unknown(pattern, "strategy", &pattern.value, &ids);
        }
    }
    drafts.iter().filter(|draft| patterns.iter().any(|p| matches(&p.value, &draft.id))).collect()
}

/// Whether an account can hold what a strategy trades.
pub(super) fn check_currency(
    scene: &Scene<'_, '_>,
    account: &Account<'_>,
    strategy: &str,
    instruments: &[InstrumentId],
    universe: &Universe,
) -> bool {
    let own = &account.cash.value.currency;
    let Some(instrument) = instruments.iter().map(|id| universe.get(*id)).find(|i| i.currency != *own) else {
        return true;
    };
    let message = format!(
        "the account is in {own}, but {} (strategy {strategy}) is priced in {}",
        instrument.symbol, instrument.currency
    );
    let hint = "currencies are not converted yet: use an account per currency";
    scene.fault_at(&account.cash, message, Some(hint.into()));
    false
}

fn container(
    scene: &Scene<'_, '_>,
    account: &Account<'_>,
    risk: Option<&Risk>,
    name: String,
    drafts: &[&Draft<'_>],
    universe: &Universe,
    terms: Terms,
) -> Option<ContainerSpec> {
    let section = risk.map(|risk| &risk.section);
    let strategies: Vec<Option<Vec<StrategySpec>>> =
        drafts.iter().map(|draft| draft.specs(scene, universe, section)).collect();
    Some(ContainerSpec {
        name,
        leverage_max: risk.and_then(|risk| risk.leverage).unwrap_or(account.leverage),
        drawdown_max: risk.and_then(|risk| risk.drawdown).or(account.drawdown),
        strategies: strategies.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect(),
        ..account.bare(terms)
    })
}

impl Account<'_> {
    /// Its container without a strategy.
    pub(super) fn bare(&self, terms: Terms) -> ContainerSpec {
        ContainerSpec {
            name: self.name.clone(),
            cash: self.cash.value.amount,
            currency: self.cash.value.currency.clone(),
            leverage_max: self.leverage,
            drawdown_max: self.drawdown,
            strategies: Vec::new(),
            fees: self.fees,
            fill: terms.fill,
            from_ns: terms.from_ns,
            to_ns: terms.to_ns,
            trace: terms.trace,
            retention: terms.retention,
            memory_max_bytes: self.memory_max_bytes,
            seed: terms.seed,
        }
    }

    /// A fault where it is told which strategies trade on it.
    pub(super) fn refuse_strategies(&self, scene: &Scene<'_, '_>, message: &str) {
        if self.strategies.is_some()
            && let Some(place) = self.place.get("strategies")
        {
            scene.reader.fault(&place, message, None);
        }
    }
}

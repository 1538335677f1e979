//! Finishing a container: the values that a report is made of.

use super::{Container, ContainerError};
use crate::{
    money::Money,
    portfolio::LedgerError,
    record::Recorder,
    result::{AccountResult, OpenPosition, StrategyResult},
};

impl Container {
    /// Ends the run and answers what came of it, and the recorder.
    ///
    /// # Errors
    /// When a number leaves the ledger's range.
    pub fn finish(mut self) -> Result<(AccountResult, Box<dyn Recorder>), ContainerError> {
        self.execution.end(self.last_ts_ns)?;
        self.execution.curve.end_span(self.last_ts_ns);
        self.execution.hand_over_all(&mut *self.recorder);
        let (digest, hash) = self.execution.seal();
        let execution = &self.execution;
        let statistics = execution.curve.finish(&execution.trades, self.days_per_year);
        let result = AccountResult {
            name: self.spec.name.clone(),
            currency: self.spec.currency.clone(),
            start_cash: self.spec.cash,
            final_equity: execution.exact_equity()?,
            cash: execution.ledger().cash,
            fees: execution.ledger().fees,
            orders: execution.counts.submitted,
            rejected: self.rejections(),
            fills: execution.counts.fills,
            trades: execution.trades.count(),
            digest: digest.to_hex(),
            digest_bytes: digest.short(),
            hash: hash.to_hex().to_string(),
            statistics,
            strategies: self.strategies()?,
            open_positions: self.open_positions()?,
            halted_ts_ns: execution.halted_ts_ns,
        };
        Ok((result, self.recorder))
    }

    fn rejections(&self) -> Vec<(String, u64)> {
        let mut rejected: Vec<_> = self
            .execution
            .counts
            .rejected
            .iter()
            .map(|(cause, count)| (cause.as_str().to_owned(), *count))
            .collect();
        rejected.sort();
        rejected
    }

    fn strategies(&self) -> Result<Vec<StrategyResult>, ContainerError> {
        let cells = self.decisions.cells.iter().zip(&self.spec.strategies).zip(&self.execution.tallies);
        cells
            .map(|((cell, spec), tally)| {
                let mut open_pnl = Money::ZERO;
                for position in self.positions_of(cell.binding.positions_base, spec.instruments.len()) {
                    let value = self.execution.position_value(position).ok_or(LedgerError)?;
                    let held = self.execution.view.positions[position];
                    if held.lots != 0 {
                        let fees = self.execution.ledger().open_fees(position);
                        let pnl = value.checked_sub(held.cost).and_then(|pnl| pnl.checked_sub(fees));
                        let sum = pnl.and_then(|pnl| open_pnl.checked_add(pnl));
                        open_pnl = sum.ok_or(LedgerError)?;
                    }
                }
                Ok(StrategyResult {
                    id: spec.id.clone(),
                    kind: spec.kind.clone(),
                    params: spec.factory.params(),
                    instruments: spec
                        .instruments
                        .iter()
                        .map(|id| self.instruments[id.index()].symbol.clone())
                        .collect(),
                    timeframe: spec.timeframe.to_string(),
                    fills: tally.fills,
                    trades: tally.trades.count(),
                    winners: tally.trades.winners(),
                    fees: tally.fees,
                    realized_pnl: tally.trades.realized(),
                    open_pnl,
                })
            })
            .collect()
    }

    fn open_positions(&self) -> Result<Vec<OpenPosition>, ContainerError> {
        let mut open = Vec::new();
        for (cell, spec) in self.decisions.cells.iter().zip(&self.spec.strategies) {
            let positions = self.positions_of(cell.binding.positions_base, spec.instruments.len());
            for (position, binding) in positions.zip(&cell.binding.instruments) {
                let held = self.execution.view.positions[position];
                if held.lots == 0 {
                    continue;
                }
                let instrument = &self.instruments[binding.id.index()];
                open.push(OpenPosition {
                    strategy: spec.id.clone(),
                    symbol: instrument.symbol.clone(),
                    quantity: instrument.format_quantity(held.lots),
                    average_price: held.cost.to_f64() / binding.scales.exposure(held.lots),
                    last_price: self.execution.last_close(position),
                    value: self.execution.position_value(position).ok_or(LedgerError)?,
                });
            }
        }
        Ok(open)
    }

    fn positions_of(&self, base: usize, count: usize) -> std::ops::Range<usize> {
        base..base + count
    }
}

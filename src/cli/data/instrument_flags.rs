//! What is known of an instrument, as flags.

use barhive_engine::instrument::Currency;
use barhive_feeds::import::InstrumentSpec;
use clap::Args;

#[derive(Args, Debug)]
#[command(next_help_heading = "Instrument")]
pub(super) struct InstrumentFlags {
    /// Decimals of its prices [default: the most that the data show]
    #[arg(long, value_name = "N")]
    price_scale: Option<u8>,
    /// Smallest price step of an order, such as 0.01 [default: one unit of the price scale]
    #[arg(long, value_name = "STEP", allow_negative_numbers = true)]
    tick: Option<String>,
    /// Smallest quantity step, such as 0.00001 [default: 1]
    #[arg(long, value_name = "STEP", allow_negative_numbers = true)]
    lot: Option<String>,
    /// Money per unit of price and quantity [default: 1]
    #[arg(long, value_name = "N")]
    multiplier: Option<u32>,
    /// The currency of its prices [default: USD]
    #[arg(long, value_name = "CODE", value_parser = Currency::new)]
    currency: Option<Currency>,
    /// Where it trades
    #[arg(long, value_name = "NAME")]
    venue: Option<String>,
    /// Its sessions: the name of a calendar; a wrong name lists all
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
}

impl InstrumentFlags {
    pub(super) fn spec(&self) -> Result<InstrumentSpec, String> {
        let calendar = match &self.calendar {
            None => None,
            Some(name) => barhive_config::calendar(name).ok_or_else(|| {
                let known: Vec<_> = barhive_config::calendar_names().collect();
                format!("--calendar: unknown calendar `{name}`; known: {}", known.join(", "))
            })?,
        };
        Ok(InstrumentSpec {
            price_scale: self.price_scale,
            tick: self.tick.clone(),
            lot: self.lot.clone(),
            multiplier: self.multiplier,
            currency: self.currency.clone(),
            venue: self.venue.clone(),
            calendar: calendar.map(|calendar| (*calendar).clone()),
        })
    }
}

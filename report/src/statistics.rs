//! The statistics of an account: one table of names, definitions and values, from which the terminal,
//! the page and `docs/statistics.md` are made.

use barhive_engine::{money::Money, result::AccountResult};

use crate::format::{self, NOTHING};

/// A statistic's value, in the kind in which it is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Exact money.
    Money(Money),
    /// Money worked out in doubles.
    Amount(f64),
    /// A fraction, shown as a percentage.
    Fraction(f64),
    /// A plain ratio.
    Ratio(f64),
    /// A number of things.
    Count(u64),
    /// Nanoseconds.
    Duration(i64),
}

impl Value {
    /// Its text for people.
    pub fn text(self) -> String {
        match self {
            Self::Money(value) => format::money(value, 2),
            Self::Amount(value) => format::number(value, 2),
            Self::Fraction(value) => format::percent(value),
            Self::Ratio(value) => format::number(value, 3),
            Self::Count(value) => format::count(value),
            Self::Duration(ns) => format::duration(ns),
        }
    }

    /// Its sign where profit and loss are told apart by it.
    pub fn sign(self) -> f64 {
        match self {
            Self::Money(value) => value.0.signum() as f64,
            Self::Amount(value) | Self::Fraction(value) | Self::Ratio(value) => value,
            Self::Count(_) | Self::Duration(_) => 0.0,
        }
    }
}

/// One statistic.
pub struct Definition {
    /// Its key in the JSON report.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether a plus is good and a minus bad.
    pub signed: bool,
    /// What it is.
    pub definition: &'static str,
    /// How other programs define it otherwise; empty when they agree.
    pub differs: &'static str,
    /// Its value; `None` where it is not defined.
    pub value: fn(&AccountResult) -> Option<Value>,
}

impl Definition {
    /// The value of an account as text.
    pub fn text(&self, account: &AccountResult) -> String {
        (self.value)(account).map_or_else(|| NOTHING.into(), Value::text)
    }
}

/// A heading with its statistics.
pub struct Group {
    /// The heading.
    pub name: &'static str,
    /// What stands under it.
    pub statistics: &'static [Definition],
}

const fn define(
    key: &'static str,
    name: &'static str,
    signed: bool,
    definition: &'static str,
    differs: &'static str,
    value: fn(&AccountResult) -> Option<Value>,
) -> Definition {
    Definition { key, name, signed, definition, differs, value }
}

/// All statistics, in the order in which they are shown.
pub const GROUPS: &[Group] = &[
    Group {
        name: "Result",
        statistics: &[
            define(
                "start_cash",
                "Starting cash",
                false,
                "What the account held before the first step.",
                "",
                |a| Some(Value::Money(a.start_cash)),
            ),
            define(
                "final_equity",
                "Final equity",
                false,
                "Cash plus every open position at its last close, from the exact ledger. What closing them would \
                 cost is not anticipated.",
                "",
                |a| Some(Value::Money(a.final_equity)),
            ),
            define(
                "net_profit",
                "Net profit",
                true,
                "Final equity less starting cash, so after fees and with open positions.",
                "",
                |a| a.final_equity.checked_sub(a.start_cash).map(Value::Money),
            ),
            define(
                "total_return",
                "Total return",
                true,
                "Final equity over starting cash, less one.",
                "",
                |a| Some(Value::Fraction(a.statistics.total_return)),
            ),
            define(
                "annual_return",
                "Annual return",
                true,
                "The yearly rate that compounds to the total return over calendar time, 365.25 days to the year. \
                 Of a span of days it says little. Not given where everything is lost.",
                "backtesting.py compounds the mean daily return over 252 trading days and calls the calendar \
                 figure CAGR.",
                |a| a.statistics.annual_return.map(Value::Fraction),
            ),
            define(
                "fees",
                "Fees",
                false,
                "Commission of all fills, exact; never rounded to the cent.",
                "",
                |a| Some(Value::Money(a.fees)),
            ),
        ],
    },
    Group {
        name: "Risk",
        statistics: &[
            define(
                "max_drawdown",
                "Maximum drawdown",
                false,
                "Greatest fall of equity from an earlier peak as a fraction of that peak, over every step. Starting \
                 cash counts as the first peak.",
                "backtesting.py prints it as a negative percentage.",
                |a| Some(Value::Fraction(a.statistics.max_drawdown)),
            ),
            define(
                "max_drawdown_duration_ns",
                "Longest drawdown",
                false,
                "Longest time from a peak until equity reached it again, or until the end.",
                "",
                |a| Some(Value::Duration(a.statistics.max_drawdown_duration_ns)),
            ),
            define(
                "annual_volatility",
                "Annual volatility",
                false,
                "Standard deviation (n - 1) of daily returns times the root of the days per year. A day is a UTC \
                 day with at least one step.",
                "backtesting.py compounds the variance with the mean return instead of scaling by the root of time.",
                |a| a.statistics.annual_volatility.map(Value::Fraction),
            ),
            define(
                "sharpe",
                "Sharpe ratio",
                true,
                "Mean of daily returns over their standard deviation (n - 1), times the root of the days per year; \
                 the riskless rate is 0 (W. F. Sharpe, 1994).",
                "backtesting.py divides its annual return by its annual volatility, both compounded with 252 days, \
                 which is lower for volatile accounts.",
                |a| a.statistics.sharpe.map(Value::Ratio),
            ),
            define(
                "sortino",
                "Sortino ratio",
                true,
                "As Sharpe, but over the root mean square of the negative daily returns; days without a loss count \
                 as 0 (F. A. Sortino, 1991).",
                "backtesting.py puts its compounded annual return over the downside deviation.",
                |a| a.statistics.sortino.map(Value::Ratio),
            ),
            define("calmar", "Calmar ratio", true, "Annual return over maximum drawdown.", "", |a| {
                a.statistics.calmar.map(Value::Ratio)
            }),
            define("equity_peak", "Peak equity", false, "Highest equity at any step.", "", |a| {
                Some(Value::Amount(a.statistics.equity_peak))
            }),
            define(
                "exposure",
                "Exposure",
                false,
                "Fraction of steps at whose close a position was open.",
                "backtesting.py counts bars from the entry to the exit of each trade, both included.",
                |a| Some(Value::Fraction(a.statistics.exposure)),
            ),
        ],
    },
    Group {
        name: "Trades",
        statistics: &[
            define(
                "trades",
                "Round trips",
                false,
                "Positions, or parts of them, that were opened and closed again. What is still open is not counted.",
                "",
                |a| Some(Value::Count(a.trades)),
            ),
            define("fills", "Fills", false, "Executions: one order may have several.", "", |a| {
                Some(Value::Count(a.fills))
            }),
            define(
                "orders",
                "Orders",
                false,
                "Orders submitted, attached stops and targets included, whatever became of them.",
                "",
                |a| Some(Value::Count(a.orders)),
            ),
            define(
                "win_rate",
                "Win rate",
                false,
                "Fraction of round trips with a profit after fees.",
                "",
                |a| a.statistics.win_rate.map(Value::Fraction),
            ),
            define(
                "profit_factor",
                "Profit factor",
                false,
                "Sum of profits over sum of losses of round trips, in money, after fees.",
                "backtesting.py takes the sums of percentage returns, so that small trades weigh as much as large ones.",
                |a| a.statistics.profit_factor.map(Value::Ratio),
            ),
            define(
                "average_trade",
                "Average round trip",
                true,
                "Mean profit of a round trip in money, after fees.",
                "backtesting.py gives the geometric mean of percentage returns.",
                |a| a.statistics.average_trade.map(Value::Amount),
            ),
            define(
                "best_trade",
                "Best round trip",
                true,
                "Largest profit of a round trip, after fees.",
                "",
                |a| a.statistics.best_trade.map(Value::Amount),
            ),
            define(
                "worst_trade",
                "Worst round trip",
                true,
                "Largest loss of a round trip, after fees.",
                "",
                |a| a.statistics.worst_trade.map(Value::Amount),
            ),
            define(
                "sqn",
                "SQN",
                true,
                "System quality number: root of the number of round trips times their mean profit over its standard \
                 deviation (n - 1) (V. K. Tharp, 2008).",
                "",
                |a| a.statistics.sqn.map(Value::Ratio),
            ),
        ],
    },
];

/// The statistic with this key.
pub fn definition(key: &str) -> Option<&'static Definition> {
    GROUPS.iter().flat_map(|group| group.statistics).find(|statistic| statistic.key == key)
}

/// The table as the page `docs/statistics.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Statistics\n\n\
         Every report (terminal, HTML, JSON) takes names and definitions from one table in the source,\n\
         `report/src/statistics.rs`; this page is printed from it. The key is the field of an account in the\n\
         [JSON report](report-json.md), where ratios are fractions and money is a decimal string.\n\n\
         Equity is sampled once per step (a distinct close time). Statistics are exact at every level of\n\
         `trace` and `retention`. What is not defined (a Sharpe ratio of one day, a win rate without a round\n\
         trip) is \u{2013} in tables and `null` in JSON.\n",
    );
    for group in GROUPS {
        page.push_str(&format!(
            "\n## {}\n\n| Statistic | Key | Definition | Elsewhere |\n|---|---|---|---|\n",
            group.name
        ));
        for statistic in group.statistics {
            let Definition { key, name, definition, differs, .. } = statistic;
            page.push_str(&format!("| {name} | `{key}` | {definition} | {differs} |\n"));
        }
    }
    page
}

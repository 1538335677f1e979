//! From the rows of one file to judged series, in one pass.
//!
//! A file of one instrument in order of time streams through in bounded memory. A file of several
//! instruments is split, and one that runs backwards, or whose disorder is to be repaired, is sorted: both
//! in memory.

use barhive_engine::{
    data::{FeedError, PriceSide, SeriesInfo, SeriesKind},
    instrument::Instrument,
    timeframe::Timeframe,
};

use super::{
    ImportReport, ImportSpec, SeriesReport,
    disorder::misplaced,
    line::{Chunk, Line},
};
use crate::{
    quality::{Fault, Judge, Policy, Rows, Rules, Standing, Tally, whole_row},
    resolve::layout_error,
    rows::{RawRow, RowReader, Step},
    scale::ScaleWatch,
    timing::Timing,
};

/// Reads, judges and counts.
pub(crate) struct Pipeline {
    reader: Box<dyn RowReader>,
    spec: ImportSpec,
    rules: Rules,
    timeframe: Timeframe,
    /// By the reader's index of symbols; `None` where rows of a symbol are not wanted.
    lines: Vec<Option<Line>>,
    sorts: bool,
    pub tally: Tally,
    pub report: ImportReport,
    ended: bool,
}

impl Pipeline {
    /// Begins to read. `name` is the symbol of a file that names none.
    pub(crate) fn new(reader: Box<dyn RowReader>, spec: &ImportSpec, name: &str) -> Result<Self, FeedError> {
        let shape = reader.shape().clone();
        let mut faults = spec.faults();
        let mut report = ImportReport::new(&shape.origin);
        report.guesses.clone_from(&shape.remarks.guesses);
        report.notes.clone_from(&shape.remarks.notes);
        let timeframe = match (spec.timeframe, shape.timeframe_ns.and_then(Timeframe::from_ns)) {
            (Some(timeframe), _) => Some(timeframe),
            (None, Some(timeframe)) => {
                report.guesses.push(format!("timeframe guessed from the steps between rows: {timeframe}"));
                Some(timeframe)
            }
            (None, None) => {
                faults
                    .push("the rows do not tell how long a bar lasts: declare timeframe, such as 1m".into());
                None
            }
        };
        let (Some(timeframe), true) = (timeframe, faults.is_empty()) else {
            return Err(layout_error(&shape.origin, &faults));
        };
        if spec.instrument.currency.is_none() {
            report.guesses.push("no currency is declared: prices are taken as USD".into());
        }
        if spec.side != PriceSide::Mid && !shape.quotes {
            report.notes.push("a side is declared, but rows have no bid and ask: it has no effect".into());
        }
        let rules = Rules {
            origin: shape.origin.clone(),
            policies: spec.quality.clone(),
            now_ns: spec.now_ns,
            unit_ns: shape.unit_ns,
            epoch: shape.epoch,
            quotes: shape.quotes,
            side: spec.side,
            calendar: spec.calendar(),
        };
        if rules.calendar.is_none() && timeframe.is_daily() {
            report.notes.push(
                "no calendar is set: a daily bar closes a day after its open, and weekends count as gaps"
                    .into(),
            );
        }
        let sorts = shape.newest_first || spec.quality.out_of_order == Policy::Repair;
        let mut pipeline = Self {
            reader,
            spec: spec.clone(),
            rules,
            timeframe,
            lines: Vec::new(),
            sorts,
            tally: Tally::new(spec.rows_listed),
            report,
            ended: false,
        };
        if !shape.has_symbol {
            let symbol = spec.symbol.clone().unwrap_or_else(|| name.to_owned());
            if spec.symbol.is_none() {
                pipeline.report.guesses.push(format!("symbol taken from the name of the file: {symbol}"));
            }
            pipeline.lines = vec![Some(pipeline.line(symbol))];
        }
        Ok(pipeline)
    }

    /// Whether rows can be handed on as they are read.
    pub(crate) fn streams(&self) -> bool {
        !self.sorts && !self.reader.shape().has_symbol
    }

    pub(crate) fn timeframe(&self) -> Timeframe {
        self.timeframe
    }

    /// The kinds of series that come out of each instrument.
    pub(crate) fn kinds(&self) -> &'static [SeriesKind] {
        const QUOTES: [SeriesKind; 3] =
            [SeriesKind::BAR, SeriesKind::Bar(PriceSide::Bid), SeriesKind::Bar(PriceSide::Ask)];
        if self.rules.quotes { &QUOTES } else { &QUOTES[..1] }
    }

    fn line(&self, symbol: String) -> Line {
        let shape = self.reader.shape();
        let timing = Timing::new(self.timeframe, shape.stamped, shape.date_zone, self.rules.calendar.clone());
        Line {
            symbol,
            judge: Judge::new(self.rules.clone(), timing),
            scale: ScaleWatch::new(self.spec.instrument.price_scale),
            rows: Rows::default(),
            kept: 0,
            span_ns: None,
            waiting: Vec::new(),
        }
    }

    /// Reads until one instrument has some `rows` more, where rows stream; everything otherwise. `false`
    /// when there is no further row.
    pub(crate) fn advance(&mut self, rows: usize) -> Result<bool, FeedError> {
        if self.ended {
            return Ok(false);
        }
        let mut row = RawRow::EMPTY;
        let mut before = 0;
        if let (true, Some(Some(line))) = (self.streams(), self.lines.first_mut()) {
            if line.rows.bar.is_empty() {
                line.rows = Rows::with_capacity(rows, self.rules.quotes);
            }
            before = line.rows.bar.len();
        }
        loop {
            match self.reader.next(&mut row)? {
                Step::End => {
                    self.ended = true;
                    if self.sorts {
                        self.judge_sorted()?;
                    }
                    self.finish_report();
                    return Ok(false);
                }
                Step::Row => {
                    self.report.rows_read += 1;
                    let symbol = row.symbol as usize;
                    if symbol >= self.lines.len() {
                        self.meet_symbols();
                    }
                    let Some(Some(line)) = self.lines.get_mut(symbol) else {
                        let name = self.reader.symbols().get(symbol).map_or("", String::as_str);
                        let why = format!("`{name}`, where {} are declared", self.wanted());
                        let standing =
                            whole_row(&self.rules, Fault::WrongSymbol, row.number, &why, &mut self.tally)?;
                        self.count(standing);
                        continue;
                    };
                    let place = line.judge.locate(&row);
                    let standing = match place {
                        None => line.judge.unlocated(&row, &mut self.tally)?,
                        Some(place) if self.sorts => {
                            line.waiting.push((row, place));
                            continue;
                        }
                        Some(place) => line.take(&row, place, &mut self.tally)?,
                    };
                    if standing == Standing::Kept {
                        self.report.rows_kept += 1;
                    } else {
                        self.count(standing);
                    }
                    let ready = self.lines.first().and_then(Option::as_ref);
                    if ready.is_some_and(|line| line.rows.bar.len() >= before + rows) && self.streams() {
                        return Ok(true);
                    }
                }
                Step::Unreadable(why) => {
                    self.report.rows_read += 1;
                    let standing =
                        whole_row(&self.rules, Fault::Unreadable, row.number, &why, &mut self.tally)?;
                    self.count(standing);
                }
            }
        }
    }

    /// The rows of the only instrument since the last call.
    pub(crate) fn take_chunk(&mut self) -> Chunk {
        let rows = self.lines.first_mut().and_then(Option::as_mut).map(|line| std::mem::take(&mut line.rows));
        let Rows { bar, bid, ask } = rows.unwrap_or_default();
        Chunk { bar: bar.finish(), bid: bid.finish(), ask: ask.finish() }
    }

    /// What came out of each instrument, sorted by symbol; those without a row are left out.
    ///
    /// # Errors
    /// When nothing came out at all, or an instrument's numbers do not fit its prices.
    pub(crate) fn finish(&mut self) -> Result<Vec<(Instrument, Vec<SeriesInfo>, Chunk)>, FeedError> {
        let mut lines: Vec<Line> = std::mem::take(&mut self.lines).into_iter().flatten().collect();
        lines.sort_by(|one, other| one.symbol.cmp(&other.symbol));
        let mut out = Vec::new();
        for line in lines {
            let Some(span_ns) = line.span_ns else {
                self.report.notes.push(format!("no row of {} was let through", line.symbol));
                continue;
            };
            let rules = &self.rules;
            let mut scale = line.scale.scale();
            let on_scale = line.scale.on_scale();
            let middle = rules.quotes && rules.side == PriceSide::Mid;
            if middle && self.spec.instrument.price_scale.is_none() {
                // The middle of two prices may lie half a unit between them.
                scale = (scale + 1).min(barhive_engine::money::SCALE_MAX);
            }
            let instrument = self.spec.instrument.instrument(&line.symbol, scale);
            let instrument = instrument.map_err(|faults| layout_error(&rules.origin, &faults))?;
            if line.scale.beyond > 0 {
                self.report.notes.push(format!(
                    "{}: {} prices have more decimals than the declared price scale of {scale}; fills are \
                     rounded to it",
                    line.symbol, line.scale.beyond
                ));
            } else if !on_scale {
                self.report.notes.push(format!(
                    "{}: prices lie on no decimal scale; fills are rounded to {scale} decimals",
                    line.symbol
                ));
            }
            if line.judge.crossed > 0 {
                self.report.notes.push(format!(
                    "{}: {} rows are crossed: their bid closes above their ask",
                    line.symbol, line.judge.crossed
                ));
            }
            if line.judge.timing().without_session > 0 {
                self.report.notes.push(format!(
                    "{}: {} daily bars lie on dates without a session; they close a day after their open",
                    line.symbol,
                    line.judge.timing().without_session
                ));
            }
            self.report.bars_filled += line.judge.filled;
            let declared = self.spec.instrument.price_scale.is_some();
            let infos = self.kinds().iter().map(|kind| SeriesInfo {
                symbol: line.symbol.clone(),
                kind: *kind,
                timeframe: self.timeframe,
                rows: Some(line.kept),
                span_ns: Some(span_ns),
                prices_on_scale: on_scale && !(declared && middle && *kind == SeriesKind::BAR),
                data_hash: None,
                notes: Vec::new(),
            });
            let infos: Vec<SeriesInfo> = infos.collect();
            self.report.series.extend(infos.iter().map(|info| SeriesReport {
                symbol: line.symbol.clone(),
                kind: info.kind,
                timeframe: info.timeframe,
                rows: line.kept,
                span_ns,
                price_scale: instrument.price_scale,
                prices_on_scale: info.prices_on_scale,
            }));
            let Rows { bar, bid, ask } = line.rows;
            let chunk = Chunk { bar: bar.finish(), bid: bid.finish(), ask: ask.finish() };
            out.push((instrument, infos, chunk));
        }
        if out.is_empty() {
            let what = format!(
                "of {} rows none was let through: {}",
                self.report.rows_read,
                self.report.warnings().join("; ")
            );
            return Err(FeedError::Empty { origin: self.rules.origin.clone(), what });
        }
        let notes = self.report.warnings();
        for (_, infos, _) in &mut out {
            for info in infos {
                info.notes.clone_from(&notes);
            }
        }
        Ok(out)
    }

    /// Gives every newly met symbol a line, or none where it is not wanted.
    fn meet_symbols(&mut self) {
        for at in self.lines.len()..self.reader.symbols().len() {
            let symbol = self.reader.symbols()[at].clone();
            let wanted = match (&self.spec.symbol, &self.spec.symbols) {
                (Some(only), _) => *only == symbol,
                (None, several) => !symbol.is_empty() && (several.is_empty() || several.contains(&symbol)),
            };
            let line = wanted.then(|| self.line(symbol));
            self.lines.push(line);
        }
    }

    fn wanted(&self) -> String {
        match (&self.spec.symbol, &self.spec.symbols[..]) {
            (Some(only), _) => only.clone(),
            (None, []) => "names".to_owned(),
            (None, several) => several.join(", "),
        }
    }

    fn count(&mut self, standing: Standing) {
        let report = &mut self.report;
        match standing {
            Standing::Kept => report.rows_kept += 1,
            Standing::Repaired => {
                (report.rows_kept, report.rows_repaired) = (report.rows_kept + 1, report.rows_repaired + 1)
            }
            Standing::Rejected => report.rows_rejected += 1,
            Standing::Dropped => report.rows_dropped += 1,
        }
    }

    /// Turns round or sorts the rows that were held back, then judges them.
    fn judge_sorted(&mut self) -> Result<(), FeedError> {
        let repairs = self.rules.policies.out_of_order == Policy::Repair;
        let newest_first = self.reader.shape().newest_first;
        for at in 0..self.lines.len() {
            let Some(Some(line)) = self.lines.get_mut(at) else { continue };
            let mut waiting = std::mem::take(&mut line.waiting);
            if newest_first {
                waiting.reverse();
            }
            let mut moved = Vec::new();
            if repairs {
                let keys: Vec<i64> = waiting.iter().map(|(_, place)| place.stamp_ns).collect();
                let marks = misplaced(&keys);
                moved = waiting
                    .iter()
                    .zip(&marks)
                    .filter(|(_, out)| **out)
                    .map(|((row, _), _)| row.number)
                    .collect();
                waiting.sort_by_key(|(_, place)| place.stamp_ns);
                moved.sort_unstable();
            }
            for (row, place) in &waiting {
                let Some(Some(line)) = self.lines.get_mut(at) else { continue };
                let mut standing = line.take(row, *place, &mut self.tally)?;
                if standing <= Standing::Repaired && moved.binary_search(&row.number).is_ok() {
                    self.tally.add(Fault::OutOfOrder, Policy::Repair, Policy::Repair, row.number);
                    standing = Standing::Repaired;
                }
                self.count(standing);
            }
        }
        Ok(())
    }

    fn finish_report(&mut self) {
        self.report.notes.extend(self.reader.notes());
        if self.rules.quotes {
            let shown = match self.rules.side {
                PriceSide::Mid => "the middle of bid and ask",
                PriceSide::Bid => "the bid",
                PriceSide::Ask => "the ask",
            };
            self.report.notes.push(format!("quotes: the bar is {shown}, its volume is 0"));
        }
        self.report.set_faults(&self.tally);
    }
}

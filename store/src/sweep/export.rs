//! The results as one Parquet file, for every tool that reads tables.

use std::{path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{
        BooleanBuilder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
        TimestampNanosecondBuilder, UInt64Builder,
    },
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use barhive_engine::{
    instrument::InstrumentId,
    money::{MONEY_SCALE, Money},
    result::Statistics,
    sweep::{Outcome, SweepSpec, Variant, VariantParts},
};
use parquet::{
    arrow::ArrowWriter, basic::Compression, errors::ParquetError, file::properties::WriterProperties,
};
use serde_json::Value as Json;

use super::{
    SweepError, SweepRun,
    parameters::{ParameterColumn, ParameterKind, parameter_columns},
};
use crate::catalog::Draft;

/// Variants of a row group. Fixed, so that the file does not depend on how the passes were cut.
const GROUP_ROWS: usize = 8192;
/// Digits of the money columns. An amount that has more is left empty; the log has it.
const MONEY_DIGITS: u8 = 38;

pub(super) fn write_parquet(run: &SweepRun, spec: &SweepSpec, path: &Path) -> Result<(), SweepError> {
    let columns = Columns::new(spec);
    let fault = |error: ParquetError| SweepError::io(path, "write the table")(into_io(error));
    let properties = WriterProperties::builder()
        .set_created_by(format!("barhive {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build();
    let mut draft = Draft::create(path)?;
    let mut writer =
        ArrowWriter::try_new(&mut draft, Arc::clone(&columns.schema), Some(properties)).map_err(fault)?;
    let mut group = columns.group();
    for variant in run.variants() {
        group.push(spec, &columns, &variant?);
        if group.rows == GROUP_ROWS {
            let full = std::mem::replace(&mut group, columns.group());
            writer.write(&full.finish(&columns.schema).map_err(fault)?).map_err(fault)?;
        }
    }
    if group.rows > 0 {
        writer.write(&group.finish(&columns.schema).map_err(fault)?).map_err(fault)?;
    }
    writer.close().map_err(fault)?;
    Ok(draft.commit()?)
}

/// A full disk is told as one.
fn into_io(error: ParquetError) -> std::io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) => *error,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    }
}

/// The columns before the parameters.
const IDENTITY: [&str; 5] = ["variant", "strategy", "kind", "instruments", "timeframe"];
/// The columns behind the parameters, before the figures.
const RESULTS: [&str; 12] = [
    "outcome",
    "failed_step",
    "failed_at",
    "reason",
    "digest",
    "final_equity",
    "fees",
    "orders",
    "fills",
    "trades",
    "first_step",
    "last_step",
];

/// Which columns there are.
struct Columns {
    parameters: Vec<ParameterColumn>,
    schema: SchemaRef,
}

impl Columns {
    fn new(spec: &SweepSpec) -> Self {
        let figures = Statistics::default().figures().map(|(name, _)| name);
        let taken: Vec<&str> = IDENTITY.into_iter().chain(RESULTS).chain(figures).collect();
        let parameters = parameter_columns(spec, &taken);
        let (time, money) = (
            DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            DataType::Decimal128(MONEY_DIGITS, MONEY_SCALE as i8),
        );
        let mut fields = vec![Field::new(IDENTITY[0], DataType::UInt64, false)];
        fields.extend(IDENTITY[1..].iter().map(|name| Field::new(*name, DataType::Utf8, false)));
        fields.extend(parameters.iter().map(|parameter| {
            let kind = match parameter.kind {
                ParameterKind::Integer => DataType::Int64,
                ParameterKind::Number => DataType::Float64,
                ParameterKind::Truth => DataType::Boolean,
                ParameterKind::Text | ParameterKind::Json => DataType::Utf8,
            };
            Field::new(&parameter.column, kind, true)
        }));
        let kinds = [
            DataType::Utf8,
            DataType::UInt64,
            time.clone(),
            DataType::Utf8,
            DataType::Utf8,
            money.clone(),
            money,
            DataType::UInt64,
            DataType::UInt64,
            DataType::UInt64,
            time.clone(),
            time,
        ];
        fields.extend(
            RESULTS.iter().zip(kinds).map(|(name, kind)| Field::new(*name, kind, *name != "outcome")),
        );
        fields.extend(figures.map(|name| Field::new(name, DataType::Float64, true)));
        Self { parameters, schema: Arc::new(Schema::new(fields)) }
    }

    fn group(&self) -> Group {
        let times = || TimestampNanosecondBuilder::new().with_timezone("UTC");
        let money = || {
            let kind = DataType::Decimal128(MONEY_DIGITS, MONEY_SCALE as i8);
            Decimal128Builder::new().with_data_type(kind)
        };
        Group {
            rows: 0,
            variant: UInt64Builder::new(),
            texts: Default::default(),
            parameters: self.parameters.iter().map(|parameter| Values::new(parameter.kind)).collect(),
            outcome: StringBuilder::new(),
            failed_step: UInt64Builder::new(),
            failed_at: times(),
            reason: StringBuilder::new(),
            digest: StringBuilder::new(),
            money: [money(), money()],
            counts: Default::default(),
            span: [times(), times()],
            figures: Statistics::default().figures().iter().map(|_| Float64Builder::new()).collect(),
        }
    }
}

/// The values of one parameter.
enum Values {
    Integers(Int64Builder),
    Numbers(Float64Builder),
    Truths(BooleanBuilder),
    Texts(StringBuilder),
    Jsons(StringBuilder),
}

impl Values {
    fn new(kind: ParameterKind) -> Self {
        match kind {
            ParameterKind::Integer => Self::Integers(Int64Builder::new()),
            ParameterKind::Number => Self::Numbers(Float64Builder::new()),
            ParameterKind::Truth => Self::Truths(BooleanBuilder::new()),
            ParameterKind::Text => Self::Texts(StringBuilder::new()),
            ParameterKind::Json => Self::Jsons(StringBuilder::new()),
        }
    }

    fn push(&mut self, value: Option<&Json>) {
        match self {
            Self::Integers(values) => values.append_option(value.and_then(Json::as_i64)),
            Self::Numbers(values) => values.append_option(value.and_then(Json::as_f64)),
            Self::Truths(values) => values.append_option(value.and_then(Json::as_bool)),
            Self::Texts(values) => values.append_option(value.and_then(Json::as_str)),
            Self::Jsons(values) => values.append_option(value.map(Json::to_string)),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Integers(mut values) => Arc::new(values.finish()),
            Self::Numbers(mut values) => Arc::new(values.finish()),
            Self::Truths(mut values) => Arc::new(values.finish()),
            Self::Texts(mut values) | Self::Jsons(mut values) => Arc::new(values.finish()),
        }
    }
}

/// The rows of a row group in the making.
struct Group {
    rows: usize,
    variant: UInt64Builder,
    texts: [StringBuilder; 4],
    parameters: Vec<Values>,
    outcome: StringBuilder,
    failed_step: UInt64Builder,
    failed_at: TimestampNanosecondBuilder,
    reason: StringBuilder,
    digest: StringBuilder,
    money: [Decimal128Builder; 2],
    counts: [UInt64Builder; 3],
    span: [TimestampNanosecondBuilder; 2],
    figures: Vec<Float64Builder>,
}

impl Group {
    fn push(&mut self, spec: &SweepSpec, columns: &Columns, variant: &Variant) {
        self.rows += 1;
        self.variant.append_value(variant.index + 1);
        let parts = spec.variant(variant.index);
        let identity = parts.as_ref().map(|parts| identity(spec, parts)).unwrap_or_default();
        for (column, text) in self.texts.iter_mut().zip(identity) {
            column.append_value(text);
        }
        for (values, parameter) in self.parameters.iter_mut().zip(&columns.parameters) {
            values.push(parts.as_ref().and_then(|parts| parts.params.get(&parameter.name)));
        }
        let failure = match &variant.outcome {
            Outcome::Done(_) => None,
            Outcome::Failed { step, ts_ns, reason } => Some((*step, *ts_ns, reason)),
        };
        self.outcome.append_value(if failure.is_some() { "failed" } else { "done" });
        self.failed_step.append_option(failure.map(|(step, ..)| step));
        // What could not be set up failed at no time.
        self.failed_at.append_option(failure.and_then(|(step, ts_ns, _)| (step > 0).then_some(ts_ns)));
        self.reason.append_option(failure.map(|(_, _, reason)| reason));

        let done = variant.evaluation();
        self.digest.append_option(done.map(|done| hex(&done.digest)));
        let money = done.map(|done| [done.final_equity, done.fees]);
        for (place, column) in self.money.iter_mut().enumerate() {
            column.append_option(money.and_then(|money| in_digits(money[place])));
        }
        let counts = done.map(|done| [done.orders, done.fills, done.trades]);
        for (place, column) in self.counts.iter_mut().enumerate() {
            column.append_option(counts.map(|counts| counts[place]));
        }
        let span = done.and_then(|done| done.statistics.span_ns).map(<[i64; 2]>::from);
        for (place, column) in self.span.iter_mut().enumerate() {
            column.append_option(span.map(|span| span[place]));
        }
        let figures = done.map(|done| done.statistics.figures());
        for (place, column) in self.figures.iter_mut().enumerate() {
            column.append_option(figures.as_ref().and_then(|figures| figures[place].1));
        }
    }

    fn finish(mut self, schema: &SchemaRef) -> Result<RecordBatch, ParquetError> {
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(self.variant.finish())];
        arrays.extend(self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        arrays.extend(self.parameters.into_iter().map(Values::finish));
        arrays.push(Arc::new(self.outcome.finish()));
        arrays.push(Arc::new(self.failed_step.finish()));
        arrays.push(Arc::new(self.failed_at.finish()));
        arrays.push(Arc::new(self.reason.finish()));
        arrays.push(Arc::new(self.digest.finish()));
        arrays.extend(self.money.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        arrays.extend(self.counts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        arrays.extend(self.span.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        arrays.extend(self.figures.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        Ok(RecordBatch::try_new(Arc::clone(schema), arrays)?)
    }
}

fn identity(spec: &SweepSpec, parts: &VariantParts<'_>) -> [String; 4] {
    let definition = &spec.definitions[parts.definition];
    let symbol = |id: &InstrumentId| spec.instruments[id.index()].symbol.as_str();
    let symbols: Vec<&str> = parts.instruments.iter().map(symbol).collect();
    [definition.id.clone(), definition.kind.clone(), symbols.join(","), parts.timeframe.to_string()]
}

fn in_digits(money: Money) -> Option<i128> {
    (money.0.unsigned_abs() < 10u128.pow(u32::from(MONEY_DIGITS))).then_some(money.0)
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

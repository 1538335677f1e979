//! `list`: the parts that a configuration may name.

use std::io::Write;

use barhive_engine::{
    indicator::{IndicatorDef, InputKind, ParamDef, ParamKind},
    registry::Registry as Parts,
    strategy::Scope,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
    params::{self, ParamRow},
    table,
};

#[derive(Subcommand, Debug)]
pub(super) enum ListCommand {
    /// Strategies, or one of them with its parameters
    Strategies(ListFlags),
    /// Indicators, or one of them with its parameters
    Indicators(ListFlags),
    /// Feeds, or one of them with its parameters
    Feeds(ListFlags),
}

#[derive(Args, Debug)]
pub(super) struct ListFlags {
    /// Show this one with its parameters
    name: Option<String>,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

/// One part as it is listed.
struct Part {
    name: String,
    summary: String,
    /// What else there is to say, as (title, text).
    facts: Vec<(&'static str, String)>,
    params: Vec<ParamRow>,
}

pub(super) fn run(command: &ListCommand, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let (what, flags, listed) = match command {
        ListCommand::Strategies(flags) => ("strategy", flags, strategies(parts)),
        ListCommand::Indicators(flags) => ("indicator", flags, parts.indicators().map(indicator).collect()),
        ListCommand::Feeds(flags) => ("feed", flags, feeds(parts)),
    };
    let listed = match &flags.name {
        Some(name) => vec![find(what, name, listed)?],
        None => listed,
    };
    match (flags.format, &flags.name) {
        (Format::Json, _) => {
            output::json(out, &listed.iter().map(Part::to_json).collect::<Vec<_>>())?;
        }
        (Format::Table, Some(_)) => listed[0].describe(out)?,
        (Format::Table, None) => {
            let mut rows = table::table(&["name", "what it is"]);
            for part in &listed {
                rows.add_row([&part.name, &part.summary]);
            }
            write!(out, "{}", table::lines(rows))?;
        }
    }
    Ok(Done::All)
}

fn find(what: &str, name: &str, listed: Vec<Part>) -> Result<Part, CliError> {
    let names: Vec<_> = listed.iter().map(|part| part.name.clone()).collect();
    listed
        .into_iter()
        .find(|part| part.name == name)
        .ok_or_else(|| CliError::Usage(format!("unknown {what} `{name}`; known: {}", names.join(", "))))
}

fn strategies(parts: &Parts) -> Vec<Part> {
    let listed = parts.strategies().map(|def| Part {
        name: def.name.clone(),
        summary: def.summary.clone(),
        facts: vec![(
            "instances",
            match def.scope {
                Scope::PerInstrument => "one per instrument".to_owned(),
                Scope::Across => "one that sees all its instruments".to_owned(),
            },
        )],
        params: params::of_schema(&def.schema),
    });
    listed.collect()
}

fn feeds(parts: &Parts) -> Vec<Part> {
    let listed = parts.feeds().map(|def| Part {
        name: def.name.clone(),
        summary: def.summary.clone(),
        facts: Vec::new(),
        params: params::of_schema(&def.schema),
    });
    listed.collect()
}

fn indicator(def: &IndicatorDef) -> Part {
    let reads = match def.input {
        InputKind::Value => "one column (the close unless said otherwise) or another indicator",
        InputKind::Bars => "whole bars",
    };
    let mut facts = vec![("reads", reads.to_owned()), ("outputs", def.outputs.join(", "))];
    let doc = [
        ("formula", def.doc.formula),
        ("warm-up", def.doc.warm_up),
        ("seeding", def.doc.seeding),
        ("source", def.doc.source),
    ];
    facts.extend(
        doc.into_iter().filter(|(_, text)| !text.is_empty()).map(|(title, text)| (title, text.to_owned())),
    );
    Part {
        name: def.name.to_owned(),
        summary: def.doc.summary.to_owned(),
        facts,
        params: def.params.iter().map(indicator_param).collect(),
    }
}

fn indicator_param(def: &ParamDef) -> ParamRow {
    let (kind, range, default) = match def.kind {
        ParamKind::Int { min, max, default } => ("integer", format!("{min} to {max}"), json!(default)),
        ParamKind::Float { min, max, default } => ("number", format!("{min} to {max}"), json!(default)),
    };
    ParamRow {
        name: def.name.to_owned(),
        kind: kind.to_owned(),
        range,
        default: Some(default),
        doc: def.doc.to_owned(),
    }
}

impl Part {
    fn to_json(&self) -> Value {
        let mut value = json!({
            "name": self.name,
            "summary": self.summary,
            "params": self.params.iter().map(ParamRow::to_json).collect::<Vec<_>>(),
        });
        for (title, text) in &self.facts {
            value[title.replace('-', "_")] = json!(text);
        }
        value
    }

    fn describe(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{}\n", self.name)?;
        let mut rows = table::table(&[]);
        rows.add_row(["what it is", &self.summary]);
        for (title, text) in &self.facts {
            rows.add_row([*title, text.as_str()]);
        }
        writeln!(out, "{}", table::lines(rows))?;
        if self.params.is_empty() {
            return writeln!(out, "It has no parameters.");
        }
        let mut rows = table::table(&["parameter", "type", "range", "default", "what it is"]);
        for param in &self.params {
            let default = param.default.as_ref().map_or("required".to_owned(), params::plain);
            rows.add_row([&param.name, &param.kind, &param.range, &default, &param.doc]);
        }
        write!(out, "{}", table::lines(rows))
    }
}

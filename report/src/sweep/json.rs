//! The report of a sweep as JSON.

use barhive_engine::{
    sweep::{SweepSpec, Variant},
    time::format_utc,
};
use serde_json::{Map, Value as Json, json};

use super::SweepReport;
use crate::SCHEMA_VERSION;

/// The report as one JSON object.
pub fn sweep_json(report: &SweepReport<'_>) -> Json {
    let facts = report.facts;
    let data = facts.data.iter().map(|(series, hash)| json!({ "series": series, "hash": hash }));
    let failures =
        facts.failures.iter().map(|(number, reason)| json!({ "variant": number, "reason": reason }));
    let shown = report.ranking.shown();
    let top = shown.iter().enumerate().map(|(rank, variant)| {
        let mut row = row_json(report.spec, variant);
        row["rank"] = (rank + 1).into();
        row
    });
    json!({
        "schema_version": SCHEMA_VERSION,
        "sweep": facts.name,
        "program": facts.program,
        "folder": facts.folder,
        "created": format_utc(facts.created_ns),
        "config_hash": facts.config_hash,
        "data": data.collect::<Vec<_>>(),
        "seed": facts.seed,
        "variants": facts.variants,
        "selected": facts.selected,
        "done": facts.done,
        "finished": facts.result_hash.is_some(),
        "failed": facts.failed,
        "failures": failures.collect::<Vec<_>>(),
        "result_hash": facts.result_hash,
        "passes": facts.passes,
        "work": facts.work,
        "took": report.took.map(|took| json!({
            "workers": took.workers,
            "chunk": took.chunk,
            "run": took.run,
            "worker_failures": took.worker_failures,
            "elapsed_s": took.elapsed_s,
            "per_s": took.per_s(),
        })),
        "rank": report.ranking.objectives().iter().map(|objective| json!({
            "figure": objective.name(),
            "better": if objective.more_is_better() { "more" } else { "less" },
        })).collect::<Vec<_>>(),
        "front": report.ranking.front().map(|front| front.members().len()),
        "top": top.collect::<Vec<_>>(),
    })
}

/// A variant and its figures: numbers counted from 1, amounts of money as decimal strings.
pub fn row_json(spec: &SweepSpec, variant: &Variant) -> Json {
    let mut row = Map::new();
    row.insert("variant".into(), (variant.index + 1).into());
    if let Some(parts) = spec.variant(variant.index) {
        let definition = &spec.definitions[parts.definition];
        let symbols = parts.instruments.iter().map(|id| spec.instruments[id.index()].symbol.as_str());
        row.insert("strategy".into(), definition.id.as_str().into());
        row.insert("kind".into(), definition.kind.as_str().into());
        row.insert("instruments".into(), symbols.collect::<Vec<_>>().into());
        row.insert("timeframe".into(), parts.timeframe.to_string().into());
        row.insert("params".into(), Json::Object(parts.params));
    }
    if let Some(done) = variant.evaluation() {
        let digest: String = done.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        row.insert("digest".into(), digest.into());
        row.insert("final_equity".into(), done.final_equity.to_string().into());
        row.insert("fees".into(), done.fees.to_string().into());
        for (name, value) in done.figures().filter(|(name, _)| !matches!(*name, "final_equity" | "fees")) {
            row.insert(name.into(), value.filter(|value| value.is_finite()).into());
        }
    }
    Json::Object(row)
}

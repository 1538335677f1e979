//! The parts of the page that need no script.

use serde_json::Value as Json;

use crate::{
    format::{NOTHING, count, milliseconds, money, number, percent, short, stamp},
    html::Escaped,
    sweep::{
        Naming, SweepReport,
        terminal::{hub, ways},
    },
};

/// Writes everything between `<body>` and the scripts; `data` is what they draw.
pub(super) fn body(report: &SweepReport<'_>, data: &Json, page: &mut String) {
    page.push_str("<a class=\"skip\" href=\"#main\">Skip to the report</a>\n");
    head(report, page);
    page.push_str("<main id=\"main\">\n");
    troubles(report, page);
    key_figures(report, page);
    ranking(report, page);
    charts(data, page);
    work(report, page);
    sources(report, page);
    let facts = report.facts;
    page.push_str(&format!(
        "<section class=\"card\" id=\"configuration\"><h2>Configuration</h2><pre tabindex=\"0\">{}</pre></section>\n</main>\n",
        Escaped(&facts.config_text)
    ));
    page.push_str(&format!(
        "<footer><dl><dt>Result hash</dt><dd><code>{}</code></dd><dt>Configuration hash</dt><dd><code>{}</code></dd>\
         <dt>Version</dt><dd>barhive {}</dd><dt>Seed</dt><dd>{}</dd><dt>Begun</dt><dd>{} UTC</dd></dl></footer>\n",
        facts.result_hash.as_deref().map_or("not finished".to_owned(), str::to_owned),
        Escaped(&facts.config_hash),
        Escaped(&facts.program),
        facts.seed,
        stamp(facts.created_ns.div_euclid(1_000_000_000) * 1_000_000_000),
    ));
}

fn head(report: &SweepReport<'_>, page: &mut String) {
    let facts = report.facts;
    let mut words = vec![
        format!("{} combinations", count(facts.variants)),
        format!("ranked by {}", report.ranking.in_words()),
    ];
    if let Some(took) = report.took {
        words.push(milliseconds(took.elapsed_s * 1e3));
        words.push(format!("{} backtests/s", short(took.per_s())));
    }
    page.push_str(&format!(
        "<header><div><p class=\"brand\">barhive <span>sweep report</span></p><h1>{}</h1><p class=\"facts\">{}</p></div></header>\n\
         <noscript><p class=\"notice\">Charts need JavaScript; the page loads nothing from anywhere.</p></noscript>\n",
        Escaped(&facts.name),
        words.iter().map(|word| format!("<span>{}</span>", Escaped(word))).collect::<String>(),
    ));
}

fn troubles(report: &SweepReport<'_>, page: &mut String) {
    let facts = report.facts;
    let unfinished = facts.done < facts.selected;
    if facts.failed == 0 && !unfinished {
        return;
    }
    page.push_str("<section class=\"notice bad\"><h2>Attention</h2><ul>");
    if unfinished {
        let (done, selected) = (count(facts.done), count(facts.selected));
        page.push_str(&format!(
            "<li>The sweep is not finished: {done} of {selected} combinations are done.</li>"
        ));
    }
    if facts.failed > 0 {
        page.push_str(&format!("<li>{} failed and have no rank:<ul>", count(facts.failed)));
        const NAMED: usize = 20;
        for (number, reason) in facts.failures.iter().take(NAMED) {
            page.push_str(&format!("<li><b>{number}</b>: {}</li>", Escaped(reason)));
        }
        let named = facts.failures.len().min(NAMED) as u64;
        if facts.failed > named {
            page.push_str(&format!("<li>and {} more</li>", count(facts.failed - named)));
        }
        page.push_str("</ul></li>");
    }
    page.push_str("</ul></section>\n");
}

fn key_figures(report: &SweepReport<'_>, page: &mut String) {
    let Some(done) = report.ranking.best().and_then(|best| best.evaluation()) else { return };
    let s = &done.statistics;
    let first = report.ranking.objectives().first();
    let best = first.map_or(String::new(), |objective| objective.name().replace('_', " "));
    let figures = [
        ("Combinations", count(report.facts.done)),
        ("Failed", count(report.facts.failed)),
        ("Best final equity", money(done.final_equity, 2)),
        ("Return", percent(s.total_return)),
        ("Drawdown", percent(s.max_drawdown)),
        ("Sharpe", s.sharpe.map_or_else(|| NOTHING.into(), |ratio| number(ratio, 2))),
        ("Trades", count(done.trades)),
        ("Passes", count(report.facts.passes)),
    ];
    page.push_str(&format!(
        "<section class=\"figures\" aria-label=\"Key figures; the best is the one with the best {}\">",
        Escaped(&best)
    ));
    for (name, value) in figures {
        page.push_str(&format!("<div><span>{name}</span><strong>{value}</strong></div>"));
    }
    page.push_str("</section>\n");
}

fn ranking(report: &SweepReport<'_>, page: &mut String) {
    const ROWS_MAX: usize = 500;
    let (ranking, spec) = (report.ranking, report.spec);
    let shown = ranking.shown();
    let title = if ranking.front().is_some() { "The front" } else { "The best" };
    page.push_str(&format!(
        "<section class=\"card\" id=\"ranking\"><h2>{title}</h2><p class=\"note\">By {}.",
        Escaped(&ranking.in_words())
    ));
    if let Some(front) = ranking.front() {
        page.push_str(&format!(
            " No other combination is at least as good by every figure and better by one: {} of {}; the first {} are shown.",
            count(front.members().len() as u64),
            count(report.facts.done - report.facts.failed),
            count(shown.len() as u64)
        ));
    }
    page.push_str("</p><div class=\"scroll tall\"><table><thead><tr><th class=\"n\"></th><th class=\"n\">No.</th><th>Combination</th>");
    for name in ["Final equity", "Return", "Drawdown", "Sharpe", "Trades", "Fees"] {
        page.push_str(&format!("<th class=\"n\">{name}</th>"));
    }
    let usual = ["final_equity", "total_return", "max_drawdown", "sharpe", "trades", "fees"];
    let extra: Vec<_> = ranking.objectives().iter().filter(|one| !usual.contains(&one.name())).collect();
    for objective in &extra {
        page.push_str(&format!("<th class=\"n\">{}</th>", objective.name()));
    }
    page.push_str("</tr></thead><tbody>");
    let naming = Naming::of(spec);
    for (rank, variant) in shown.iter().take(ROWS_MAX).enumerate() {
        let Some(done) = variant.evaluation() else { continue };
        let s = &done.statistics;
        page.push_str(&format!(
            "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><th scope=\"row\">{}</th><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
            rank + 1,
            variant.index + 1,
            Escaped(&naming.words_of(spec, variant.index)),
            money(done.final_equity, 2),
            percent(s.total_return),
            percent(s.max_drawdown),
            s.sharpe.map_or_else(|| NOTHING.into(), |ratio| number(ratio, 2)),
            count(done.trades),
            money(done.fees, 2),
        ));
        for objective in &extra {
            let value = objective.value(done).map_or_else(|| NOTHING.into(), |value| number(value, 4));
            page.push_str(&format!("<td class=\"n\">{value}</td>"));
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn charts(data: &Json, page: &mut String) {
    let (seen, others) = (data["seen"].as_u64().unwrap_or(0), data["others"].as_u64().unwrap_or(0));
    let best = data["best"].as_u64().unwrap_or(0);
    let drawn = if seen > best + others {
        format!(
            "{} of {} combinations are drawn: the {} best, and a sample of the others (seed {}).",
            count(best + others),
            count(seen),
            count(best),
            data["seed"]
        )
    } else {
        format!("All {} combinations are drawn.", count(seen))
    };
    if !data["heat"].is_null() {
        page.push_str(
            "<section class=\"card\" id=\"heat\"><div class=\"bar\"><h2>Heat map</h2><div class=\"controls\">\
             <span class=\"switch\" role=\"group\" aria-label=\"Of each cell\"><button id=\"heat-best\" type=\"button\">Best</button>\
             <button id=\"heat-mean\" type=\"button\">Mean</button></span></div></div>\
             <figure class=\"chart\" id=\"heat-map\" role=\"img\"></figure><p class=\"legend\" id=\"heat-legend\"></p></section>\n",
        );
    }
    if !data["front"].is_null() {
        page.push_str(&format!(
            "<section class=\"card\" id=\"pareto\"><h2>Pareto front</h2><figure class=\"chart\" id=\"scatter\" role=\"img\"></figure>\
             <p class=\"note\">{drawn}</p></section>\n"
        ));
    }
    page.push_str(&format!(
        "<section class=\"card\" id=\"parallel\"><h2>Parallel coordinates</h2><figure class=\"chart\" id=\"lines\" role=\"img\"></figure>\
         <p class=\"note\">{drawn} The best are drawn strong. Drag along an axis to keep what lies there; \
         click it to let go.</p></section>\n"
    ));
}

fn work(report: &SweepReport<'_>, page: &mut String) {
    let facts = report.facts;
    let mut rows = vec![
        ("Combinations of the grid", count(facts.variants)),
        ("Selected", count(facts.selected)),
        ("Done", count(facts.done)),
        ("Failed", count(facts.failed)),
        ("Passes over the data", count(facts.passes)),
        ("Rows read", count(facts.work.rows)),
        ("Steps taken", count(facts.work.steps)),
    ];
    if let Some(took) = report.took {
        rows.push(("Workers", count(took.workers as u64)));
        rows.push(("At a time", count(took.chunk)));
        rows.push(("Wall time", milliseconds(took.elapsed_s * 1e3)));
    }
    page.push_str(&format!(
        "<section class=\"card\" id=\"work\"><h2>Work</h2><p class=\"proof\"><b>Ways:</b> {}.<br><b>Hub:</b> {}.</p>\
         <div class=\"groups\">",
        Escaped(&ways(&facts.work)),
        Escaped(&hub(&facts.work))
    ));
    for some in rows.chunks(rows.len().div_ceil(2)) {
        page.push_str("<table class=\"plain\">");
        for (name, value) in some {
            page.push_str(&format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>"));
        }
        page.push_str("</table>");
    }
    page.push_str("</div></section>\n");
}

fn sources(report: &SweepReport<'_>, page: &mut String) {
    const SERIES_MAX: usize = 500;
    let data = &report.facts.data;
    page.push_str(
        "<section class=\"card\" id=\"series\"><h2>Data</h2><div class=\"scroll tall\"><table><thead><tr><th>Series</th>\
         <th>Hash</th></tr></thead><tbody>",
    );
    for (series, hash) in data.iter().take(SERIES_MAX) {
        page.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td><code>{}</code></td></tr>",
            Escaped(series),
            Escaped(hash.as_deref().unwrap_or(NOTHING))
        ));
    }
    page.push_str("</tbody></table></div>");
    if data.len() > SERIES_MAX {
        page.push_str(&format!("<p class=\"note\">and {} more</p>", count((data.len() - SERIES_MAX) as u64)));
    }
    page.push_str("</section>\n");
}

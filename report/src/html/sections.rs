//! The parts of the page that need no script: head, frames for charts and tables, definitions, data,
//! machinery and configuration.

use crate::{
    ReportInput,
    format::{bytes, count, milliseconds, short, span, stamp},
    html::escape::Escaped,
    statistics::{Definition, GROUPS, definition},
    store::faults_in_words,
};

/// The figures at the top of the page.
const KEY_FIGURES: [&str; 8] =
    ["final_equity", "total_return", "annual_return", "max_drawdown", "sharpe", "trades", "win_rate", "fees"];

/// Writes everything between `<body>` and the scripts.
pub(super) fn body(input: &ReportInput<'_>, page: &mut String) {
    page.push_str("<a class=\"skip\" href=\"#main\">Skip to the report</a>\n");
    head(input, page);
    page.push_str("<main id=\"main\">\n");
    troubles(input, page);
    key_figures(input, page);
    page.push_str(CHARTS);
    accounts(input, page);
    page.push_str(MONTHS);
    statistics(input, page);
    page.push_str(TABLES);
    data(input, page);
    machinery(input, page);
    configuration(input, page);
    page.push_str("</main>\n");
    foot(input, page);
}

const CHARTS: &str = "\
<section class=\"card\" id=\"curves\"><h2>Equity</h2>\
<figure class=\"chart\" id=\"equity\" tabindex=\"0\" role=\"img\"></figure>\
<h3>Drawdown</h3><figure class=\"chart\" id=\"drawdown\" tabindex=\"0\" role=\"img\"></figure></section>\n\
<section class=\"card\" id=\"trading\"><div class=\"bar\"><h2>Price and trades</h2><div class=\"controls\">\
<select id=\"symbol\" aria-label=\"Symbol\"></select>\
<span class=\"switch\" role=\"group\" aria-label=\"Span\"><button id=\"whole\" type=\"button\">Whole run</button>\
<button id=\"newest\" type=\"button\">Last bars</button></span></div></div>\
<figure class=\"chart\" id=\"price\" tabindex=\"0\" role=\"img\"></figure>\
<p class=\"legend\" id=\"legend\"></p></section>\n";

const MONTHS: &str = "\
<section class=\"card\" id=\"monthly\"><h2>Monthly returns</h2><div class=\"scroll\"><table class=\"heat\" id=\"months\">\
</table></div></section>\n";

const TABLES: &str = "\
<section class=\"card\" id=\"strategies\"><h2>Strategies</h2><div class=\"scroll tall\"><table class=\"sortable\" id=\"by-strategy\">\
</table></div><p class=\"note\" id=\"strategies-more\"></p></section>\n\
<section class=\"card\" id=\"open\"><h2>Open positions</h2><div class=\"scroll\"><table id=\"positions\"></table></div></section>\n";

fn head(input: &ReportInput<'_>, page: &mut String) {
    let (result, meta) = (input.result, input.meta);
    let mut facts = Vec::new();
    if let Some(both) = result.span_ns {
        facts.push(span(both));
    }
    facts.push(format!("{} rows of {} series", count(input.rows()), count(result.series.len() as u64)));
    facts.push(format!(
        "{} strategies",
        count(result.accounts.iter().map(|a| a.strategies.len() as u64).sum())
    ));
    facts.push(milliseconds(meta.wall_ms));
    if let Some(rate) = input.rows_per_second() {
        facts.push(format!("{} rows/s", short(rate)));
    }
    page.push_str(&format!(
        "<header><div><p class=\"brand\">barhive <span>backtest report</span></p><h1>{}</h1><p class=\"facts\">{}</p>\
         </div><div class=\"pick\" id=\"pick\" hidden><label for=\"account\">Account</label>\
         <select id=\"account\"></select></div></header>\n\
         <noscript><p class=\"notice\">Charts and tables need JavaScript; the page loads nothing from anywhere.</p></noscript>\n",
        Escaped(&meta.name),
        facts.iter().map(|fact| format!("<span>{}</span>", Escaped(fact))).collect::<String>(),
    ));
}

fn troubles(input: &ReportInput<'_>, page: &mut String) {
    let result = input.result;
    let mut points = Vec::new();
    for quarantine in &result.quarantined {
        points.push(format!(
            "<b>{}</b> is quarantined and left out of every figure: {} (twice at step {}, {})",
            Escaped(&quarantine.container),
            Escaped(&quarantine.reason),
            count(quarantine.step),
            stamp(quarantine.ts_ns)
        ));
    }
    points.extend(faults_in_words(input.faults).map(|lost| Escaped(&lost).to_string()));
    if !points.is_empty() {
        page.push_str("<section class=\"notice bad\"><h2>Attention</h2><ul>");
        points.iter().for_each(|point| page.push_str(&format!("<li>{point}</li>")));
        page.push_str("</ul></section>\n");
    }
}

fn key_figures(input: &ReportInput<'_>, page: &mut String) {
    page.push_str("<section class=\"figures\" aria-label=\"Key figures\">");
    for statistic in KEY_FIGURES.iter().filter_map(|key| definition(key)) {
        page.push_str(&format!(
            "<div title=\"{}\"><span>{}{}</span><strong data-stat=\"{}\">{}</strong></div>",
            Escaped(statistic.definition),
            statistic.name,
            if matches!(statistic.key, "final_equity" | "fees") {
                ", <i class=\"currency\"></i>"
            } else {
                ""
            },
            place_of(statistic),
            first_value(input, statistic)
        ));
    }
    page.push_str("</section>\n");
}

/// The place of a statistic in the script's lists.
fn place_of(statistic: &Definition) -> usize {
    GROUPS.iter().flat_map(|group| group.statistics).take_while(|other| other.key != statistic.key).count()
}

/// The first account's value, which the script replaces when another is chosen.
fn first_value(input: &ReportInput<'_>, statistic: &Definition) -> String {
    input.result.accounts.first().map_or_else(String::new, |account| statistic.text(account))
}

fn accounts(input: &ReportInput<'_>, page: &mut String) {
    if input.result.accounts.len() > 1 {
        page.push_str(
            "<section class=\"card\" id=\"accounts\"><h2>Accounts</h2><div class=\"scroll tall\">\
             <table class=\"sortable\" id=\"by-account\"></table></div></section>\n",
        );
    }
}

fn statistics(input: &ReportInput<'_>, page: &mut String) {
    page.push_str("<section class=\"card\" id=\"statistics\"><h2>Statistics</h2><div class=\"groups\">");
    for group in GROUPS {
        page.push_str(&format!("<table class=\"plain\"><caption>{}</caption>", group.name));
        for statistic in group.statistics {
            page.push_str(&format!(
                "<tr><th scope=\"row\"><dfn title=\"{}\">{}</dfn></th><td data-stat=\"{}\">{}</td></tr>",
                Escaped(statistic.definition),
                statistic.name,
                place_of(statistic),
                first_value(input, statistic)
            ));
        }
        page.push_str("</table>");
    }
    page.push_str("</div><ul class=\"note\" id=\"account-notes\"></ul>");
    page.push_str(
        "<details><summary>Definitions, and how other programs differ</summary><div class=\"scroll\">\
         <table class=\"definitions\"><thead><tr><th>Statistic</th><th>Definition</th><th>Elsewhere</th></tr></thead><tbody>",
    );
    for statistic in GROUPS.iter().flat_map(|group| group.statistics) {
        page.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
            statistic.name,
            Escaped(statistic.definition),
            Escaped(statistic.differs)
        ));
    }
    page.push_str("</tbody></table></div></details></section>\n");
}

fn data(input: &ReportInput<'_>, page: &mut String) {
    const SERIES_MAX: usize = 500;
    let series = &input.result.series;
    page.push_str("<section class=\"card\" id=\"series\"><h2>Data</h2>");
    if !input.result.warnings.is_empty() {
        page.push_str("<ul class=\"warnings\">");
        input
            .result
            .warnings
            .iter()
            .for_each(|warning| page.push_str(&format!("<li>{}</li>", Escaped(warning))));
        page.push_str("</ul>");
    }
    page.push_str(
        "<div class=\"scroll tall\"><table><thead><tr><th>Symbol</th><th>Series</th><th class=\"n\">Rows</th><th>Span</th>\
         <th>Notes</th><th>Data hash</th></tr></thead><tbody>",
    );
    for series in series.iter().take(SERIES_MAX) {
        let built =
            series.aggregated_from.as_ref().map_or_else(String::new, |from| format!(", built from {from}"));
        let hash = series.data_hash.as_deref().unwrap_or("");
        page.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td>{} {}{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td>\
             <td><code title=\"{}\">{}</code></td></tr>",
            Escaped(&series.symbol),
            Escaped(&series.timeframe),
            Escaped(&series.kind),
            Escaped(&built),
            count(series.rows),
            series.span_ns.map_or_else(String::new, span),
            Escaped(&series.notes.join("; ")),
            Escaped(hash),
            Escaped(&hash.chars().take(12).collect::<String>()),
        ));
    }
    page.push_str("</tbody></table></div>");
    if series.len() > SERIES_MAX {
        let more = count((series.len() - SERIES_MAX) as u64);
        page.push_str(&format!("<p class=\"note\">and {more} more in the JSON report</p>"));
    }
    page.push_str("</section>\n");
}

fn machinery(input: &ReportInput<'_>, page: &mut String) {
    let (result, used) = (input.result, &input.meta.resources);
    page.push_str(&format!(
        "<section class=\"card\" id=\"machinery\"><h2>Run</h2><p class=\"proof\"><b>Indicator hub:</b> {}.</p><div class=\"groups\">",
        Escaped(&input.hub_proof())
    ));
    let some = |value: Option<String>| value.unwrap_or_else(|| crate::format::NOTHING.into());
    let hub = &result.hub;
    let tables = [
        (
            "Resources",
            vec![
                ("Wall time", milliseconds(input.meta.wall_ms)),
                ("Processor time", some(used.cpu_ms.map(milliseconds))),
                ("Rows per second", some(input.rows_per_second().map(short))),
                ("Private memory, peak", some(used.private_bytes_peak.map(bytes))),
                ("Resident memory, peak", some(used.resident_bytes_peak.map(bytes))),
                (
                    "Cores, shards",
                    format!(
                        "{}, {}",
                        some(used.cores.map(|n| n.to_string())),
                        some(used.shards.map(|n| n.to_string()))
                    ),
                ),
            ],
        ),
        (
            "Indicator hub",
            vec![
                ("Distinct indicators", count(hub.keys)),
                ("Subscriptions", count(hub.subscriptions)),
                ("Computed (expected)", format!("{} ({})", count(hub.computed), count(hub.expected))),
                ("Recomputed", count(hub.recomputed)),
                ("Values shared", count(hub.shared)),
                (
                    "Cache hits, misses, evictions",
                    format!(
                        "{}, {}, {}",
                        count(hub.cache_hits),
                        count(hub.cache_misses),
                        count(hub.cache_evictions)
                    ),
                ),
            ],
        ),
    ];
    for (caption, rows) in tables {
        page.push_str(&format!("<table class=\"plain\"><caption>{caption}</caption>"));
        for (name, value) in rows {
            page.push_str(&format!("<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", Escaped(&value)));
        }
        page.push_str("</table>");
    }
    page.push_str("</div><h3>Restarts</h3>");
    if result.restarts.is_empty() {
        page.push_str("<p class=\"note\">None.</p>");
    } else {
        page.push_str("<ul class=\"warnings\">");
        for restart in &result.restarts {
            page.push_str(&format!(
                "<li><b>{}</b>, attempt {}: {}</li>",
                Escaped(&restart.part),
                restart.attempt,
                Escaped(&restart.reason)
            ));
        }
        page.push_str("</ul>");
    }
    if !result.bus.is_empty() {
        page.push_str(
            "<details><summary>Event bus</summary><div class=\"scroll\"><table><thead><tr><th>Topic</th><th>Subscriber</th>\
             <th class=\"n\">Messages</th><th class=\"n\">Events</th><th class=\"n\">Dropped</th><th class=\"n\">Longest queue</th></tr></thead><tbody>",
        );
        for topic in result.bus.iter().take(200) {
            page.push_str(&format!(
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                Escaped(&topic.topic),
                Escaped(&topic.subscriber),
                count(topic.messages),
                count(topic.events),
                count(topic.dropped),
                count(topic.queue_peak)
            ));
        }
        page.push_str("</tbody></table></div></details>");
    }
    page.push_str("</section>\n");
}

fn configuration(input: &ReportInput<'_>, page: &mut String) {
    let meta = input.meta;
    let place =
        meta.config_path.as_ref().map_or_else(String::new, |path| format!(" <code>{}</code>", Escaped(path)));
    page.push_str(&format!(
        "<section class=\"card\" id=\"configuration\"><h2>Configuration</h2><p class=\"note\">{place}"
    ));
    for change in &meta.overrides {
        page.push_str(&format!(" <code>--set {}</code>", Escaped(change)));
    }
    page.push_str(&format!("</p><pre tabindex=\"0\">{}</pre></section>\n", Escaped(&meta.config_text)));
}

fn foot(input: &ReportInput<'_>, page: &mut String) {
    let (result, meta) = (input.result, input.meta);
    let started = meta.started_ns.map_or_else(String::new, |ts_ns| {
        format!("<dt>Started</dt><dd>{} UTC</dd>", stamp(ts_ns - ts_ns.rem_euclid(1_000_000_000)))
    });
    page.push_str(&format!(
        "<footer><dl><dt>Result hash</dt><dd><code>{}</code></dd><dt>Account hash</dt><dd><code id=\"account-hash\"></code></dd>\
         <dt>Version</dt><dd>barhive {}</dd><dt>Seed</dt><dd>{}</dd>{started}</dl></footer>\n",
        Escaped(&result.result_hash),
        Escaped(&meta.version),
        meta.seed,
    ));
}

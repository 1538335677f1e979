//! The report as one HTML page: no network, no other file, nothing that others wrote.
//!
//! The page carries its style, its scripts and its data. Everything that a user named is escaped here,
//! or travels as JSON and is set as text by the script; a content security policy forbids the rest.

mod data;
mod escape;
mod sections;

use crate::ReportInput;

pub(crate) use escape::{Escaped, script_safe};

pub(crate) const STYLE: &str = include_str!("page.css");
pub(crate) const CHART: &str = include_str!("chart.js");
const TABLES: &str = include_str!("tables.js");
const PAGE: &str = include_str!("page.js");
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      base-uri 'none'; form-action 'none'";

/// The page as text, to be written as a file. O(size of the result); the curves are bounded.
pub fn html(input: &ReportInput<'_>) -> String {
    let data = serde_json::to_string(&data::Island::new(input)).unwrap_or_else(|_| "null".into());
    let mut page = String::with_capacity(data.len() + (96 << 10));
    page.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.push_str(&format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n"));
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n");
    page.push_str(&format!("<title>{} \u{b7} barhive report</title>\n", Escaped(&input.meta.name)));
    page.push_str(&format!("<style>\n{STYLE}</style>\n</head>\n<body>\n"));
    sections::body(input, &mut page);
    page.push_str(&format!(
        "<script type=\"application/json\" id=\"data\">{}</script>\n",
        script_safe(&data)
    ));
    page.push_str(&format!("<script>\n{CHART}{TABLES}{PAGE}</script>\n</body>\n</html>\n"));
    page
}

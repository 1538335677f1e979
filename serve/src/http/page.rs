//! The page's files, built in.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::problem::Problem;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Names, media types and texts.
const FILES: &[(&str, &str, &str)] = &[
    ("style.css", "text/css; charset=utf-8", include_str!("page/style.css")),
    ("icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ("api.js", JAVASCRIPT, include_str!("page/api.js")),
    ("chart.js", JAVASCRIPT, include_str!("page/chart.js")),
    ("dom.js", JAVASCRIPT, include_str!("page/dom.js")),
    ("format.js", JAVASCRIPT, include_str!("page/format.js")),
    ("jobs.js", JAVASCRIPT, include_str!("page/jobs.js")),
    ("log.js", JAVASCRIPT, include_str!("page/log.js")),
    ("main.js", JAVASCRIPT, include_str!("page/main.js")),
    ("state.js", JAVASCRIPT, include_str!("page/state.js")),
    ("tiles.js", JAVASCRIPT, include_str!("page/tiles.js")),
];

/// `GET /`.
pub(super) async fn index() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], include_str!("page/index.html")).into_response()
}

/// `GET /page/{file}`.
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let found = FILES.iter().find(|(file, _, _)| *file == name);
    let (_, media, text) =
        found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "the page has no such part"))?;
    Ok(([(header::CONTENT_TYPE, *media)], *text).into_response())
}

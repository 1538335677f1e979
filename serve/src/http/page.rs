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
    ("main.js", JAVASCRIPT, include_str!("page/main.js")),
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

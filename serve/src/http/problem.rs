//! What is answered when something is refused: RFC 9457, with the reason and what to do.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use barhive_engine::jobs::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::view::ServeError;

/// Its media type.
pub(super) const MEDIA: &str = "application/problem+json";

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What is wrong, and what to do.
    pub detail: String,
    /// All that is wrong, where that is more than one thing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            faults: Vec::new(),
        }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// What was asked for can be read and makes no sense.
    pub(super) fn unfit(faults: Vec<String>) -> Self {
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, faults.join("; "));
        if faults.len() > 1 {
            problem.faults = faults;
        }
        problem
    }
}

impl From<ServeError> for Problem {
    fn from(error: ServeError) -> Self {
        let status = match &error {
            ServeError::Unknown(_) | ServeError::Refused(Refusal::Unknown { .. }) => StatusCode::NOT_FOUND,
            ServeError::Refused(Refusal::Invalid { faults }) => return Self::unfit(faults.clone()),
            ServeError::Refused(Refusal::LevelFull { .. } | Refusal::Full { .. }) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            ServeError::Refused(_) => StatusCode::CONFLICT,
            ServeError::NotHeeded(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ServeError::NotKept(_) => StatusCode::INSUFFICIENT_STORAGE,
            ServeError::Overloaded(_) | ServeError::Ending | ServeError::Gone => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Texts and numbers can always be said in JSON.
        let mut response = Response::new(Body::from(serde_json::to_vec(&self).unwrap_or_default()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers
                    .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"barhive\""));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

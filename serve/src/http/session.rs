//! How a page gets the right to read without keeping the token.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    access::{Peer, bearer, may_have_session},
    jobs::read,
    problem::Problem,
    token::Grant,
};

/// What opens a session, where the token itself is not shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// What `barhive page` printed behind the `#`.
    pub link: String,
}

/// The right to read for some hours.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Goes where the token would: `Authorization: Bearer SESSION`.
    pub session: String,
    /// When it ends, UTC nanoseconds.
    pub ends_ns: i64,
}

/// `POST /v1/session`, with the token as for everything else, or with a link in the body.
pub(super) async fn open(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let (parts, body) = request.into_parts();
    let said = match bearer(&parts.headers) {
        Some(token) => token.to_owned(),
        None if parts.headers.contains_key(header::CONTENT_TYPE) => {
            read::<SessionRequest>(&parts.headers, body).await?.link
        }
        None => {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "expected `Authorization: Bearer TOKEN`, or a body {\"link\": ...} with what `barhive page` printed",
            ));
        }
    };
    let now_ns = shared.clock.now_ns();
    if !may_have_session(&shared.token, &said, now_ns) {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        return Err(shared.failures.refuse(peer, now_ns));
    }
    let granted = shared.token.grant(Grant::Session, now_ns);
    let (session, ends_ns) = granted.map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no random bytes: {error}"))
    })?;
    Ok((StatusCode::CREATED, Json(Session { session, ends_ns })))
}

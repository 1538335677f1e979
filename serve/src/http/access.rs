//! What every request has to pass: the name that it was sent to, the page that it comes from, and who asks.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    Shared,
    problem::Problem,
    token::{Grant, Token},
};

/// Wrong credentials of one address within a minute until they are not looked at any more.
const FAILURES_MAX: u32 = 10;
const MINUTE_NS: i64 = 60_000_000_000;
/// Addresses whose failures are remembered.
const ADDRESSES_MAX: usize = 4_096;

/// Who may ask for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody who can connect.
    Open,
    /// Whoever has a session or the token.
    Read,
    /// Whoever has the token.
    Change,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Headers that every answer has: nothing is loaded from elsewhere, framed, sniffed or kept.
const HEADERS: [(header::HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Refuses what was sent to another name or comes from another page; DNS that points a foreign name here
/// passes neither. Adds [`HEADERS`] to all answers.
pub(super) async fn gate(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut response = match sent_here(&shared, &request).and_then(|()| from_here(&shared, request.headers()))
    {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Whether the request names this server.
fn sent_here(shared: &Shared, request: &Request) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Problem::bad("expected one Host header"));
    };
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    let in_line = request.uri().authority().cloned();
    let names: Vec<_> = host.into_iter().chain(in_line).collect();
    let is_ours = !names.is_empty() && names.iter().all(|name| shared.answers_to(name.host()));
    if is_ours {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "this server does not answer to the name in the Host header: ask it by its address, or name it under \
         `http.hosts` in the server's file",
    ))
}

/// Whether the page that asks, if a page asks, is this server's own.
fn from_here(shared: &Shared, headers: &HeaderMap) -> Result<(), Problem> {
    let foreign = || {
        Problem::new(
            StatusCode::FORBIDDEN,
            "the request comes from a page of another origin, and only this server's own may ask",
        )
    };
    if let Some(origin) = headers.get(header::ORIGIN) {
        let scheme = if shared.is_tls { "https://" } else { "http://" };
        let authority = origin.to_str().ok().and_then(|origin| origin.strip_prefix(scheme));
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if authority.is_none() || authority != host {
            return Err(foreign());
        }
    }
    // Browsers say it of every request. What somebody typed or a link leads to may be a page, never data.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let is_visit = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    match site {
        Some(b"cross-site" | b"same-site") if !is_visit => Err(foreign()),
        _ => Ok(()),
    }
}

/// Refuses whoever has not what [`Access`] asks for.
pub(super) fn admit(shared: &Shared, access: Access, request: &Request) -> Result<(), Problem> {
    if access == Access::Open {
        return Ok(());
    }
    let Some(said) = bearer(request.headers()) else {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "expected `Authorization: Bearer TOKEN`; the token is in the file `token` of the server's folder, and \
             `barhive page` prints a link to the page",
        ));
    };
    let now_ns = shared.clock.now_ns();
    if shared.token.is(said) {
        return Ok(());
    }
    if shared.token.accepts(Grant::Session, said, now_ns) {
        return match access {
            Access::Change => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "a session only reads: use the token to change something, or `barhive jobs`",
            )),
            _ => Ok(()),
        };
    }
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    Err(shared.failures.refuse(peer, now_ns))
}

/// What a request shows as its credential.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let said = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = said.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Wrong credentials by address and minute.
#[derive(Default)]
pub(super) struct Failures(Mutex<BTreeMap<IpAddr, (i64, u32)>>);

impl Failures {
    /// Counts a wrong credential and says what is answered to it. A right one is never refused for the wrong ones
    /// of a neighbour: the token is too long to be guessed, and nobody can lock its owner out.
    pub(super) fn refuse(&self, peer: Option<IpAddr>, now_ns: i64) -> Problem {
        let minute = now_ns.div_euclid(MINUTE_NS);
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES_MAX {
            failures.retain(|_, (of, _)| *of == minute);
        }
        let count = peer.map_or(1, |peer| {
            let entry = failures.entry(peer).or_insert((minute, 0));
            if entry.0 != minute {
                *entry = (minute, 0);
            }
            entry.1 = entry.1.saturating_add(1);
            entry.1
        });
        if count > FAILURES_MAX {
            return Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("{FAILURES_MAX} wrong tokens within a minute: wait a minute, and look the token up"),
            );
        }
        if count == FAILURES_MAX {
            // What was said is not repeated: it may be the token of something else.
            tracing::warn!(
                "{FAILURES_MAX} wrong tokens within a minute from {}",
                peer.map_or_else(String::new, |peer| peer.to_string())
            );
        }
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "the token is wrong or the session has ended: the token is in the file `token` of the server's folder, \
             and `barhive page` prints a link to the page",
        )
    }
}

/// Who is let in with a link or the token, and gets a session.
pub(super) fn may_have_session(token: &Token, said: &str, now_ns: i64) -> bool {
    token.is(said) || token.accepts(Grant::Link, said, now_ns)
}

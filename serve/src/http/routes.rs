//! Everything that can be asked, in one table: requests are routed by it and the description is made from it.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use schemars::{Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    access::{Access, admit, gate},
    desk::{JobResults, Submission},
    events, jobs, machine, metrics, openapi, page,
    problem::Problem,
    session::{self, Session, SessionRequest},
};
use crate::view::{JobView, ServerStatus};

/// The schema of something, in a generator that collects what it refers to.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

fn schema<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What an answer consists of.
pub(super) enum Content {
    /// JSON of a schema.
    Json(SchemaOf),
    /// Something else, of this media type.
    Text(&'static str),
}

/// A value that may stand behind the `?`.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) schema: SchemaOf,
}

/// Something that can be asked.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) access: Access,
    /// Its name for programs.
    pub(super) id: &'static str,
    pub(super) what: &'static str,
    pub(super) query: &'static [Parameter],
    pub(super) body: Option<SchemaOf>,
    pub(super) answer: (u16, Content),
    /// Statuses of refusals beyond those that access and names bring.
    pub(super) refusals: &'static [u16],
    handler: fn() -> MethodRouter<Arc<Shared>>,
}

/// Whether the server works.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
}

const fn read(path: &'static str, id: &'static str, what: &'static str, answer: Content) -> Route {
    Route {
        method: "get",
        path,
        access: Access::Read,
        id,
        what,
        query: &[],
        body: None,
        answer: (200, answer),
        refusals: &[503],
        handler: || get(missing),
    }
}

const fn change(
    path: &'static str,
    id: &'static str,
    what: &'static str,
    handler: fn() -> MethodRouter<Arc<Shared>>,
) -> Route {
    Route {
        method: "post",
        access: Access::Change,
        refusals: &[404, 409, 503, 507],
        handler,
        ..read(path, id, what, Content::Json(schema::<JobView>))
    }
}

/// Everything that can be asked.
pub(super) const ROUTES: &[Route] = &[
    Route {
        handler: || get(jobs::status),
        ..read("/v1/status", "status", "How the server is doing.", Content::Json(schema::<ServerStatus>))
    },
    Route {
        query: &[Parameter {
            name: "state",
            what: "Only jobs in this state.",
            schema: schema::<barhive_engine::jobs::JobState>,
        }],
        handler: || get(jobs::list),
        ..read(
            "/v1/jobs",
            "listJobs",
            "All jobs in order of submission, each with its last transition only.",
            Content::Json(schema::<Vec<JobView>>),
        )
    },
    Route {
        method: "post",
        access: Access::Change,
        body: Some(schema::<Submission>),
        answer: (201, Content::Json(schema::<jobs::Submitted>)),
        refusals: &[408, 409, 413, 415, 422, 429, 503, 507],
        handler: || post(jobs::submit),
        ..read(
            "/v1/jobs",
            "submitJob",
            "Checks a set or sweep and takes it in. It is on disk when this answers.",
            Content::Json(schema::<jobs::Submitted>),
        )
    },
    Route {
        refusals: &[404, 503],
        handler: || get(jobs::show),
        ..read(
            "/v1/jobs/{job}",
            "showJob",
            "What a job asked for, how far it is, and what happened to it.",
            Content::Json(schema::<JobView>),
        )
    },
    change(
        "/v1/jobs/{job}/pause",
        "pauseJob",
        "Holds a job back; a running one stops between two slices of work.",
        || post(jobs::pause),
    ),
    change("/v1/jobs/{job}/resume", "resumeJob", "Lets a job that was paused go on.", || post(jobs::resume)),
    change(
        "/v1/jobs/{job}/cancel",
        "cancelJob",
        "Calls a job off. What it has brought so far is kept.",
        || post(jobs::cancel),
    ),
    Route {
        query: &[Parameter {
            name: "lines",
            what: "How many lines, from the end: 1 to 10000, by default 200.",
            schema: schema::<u32>,
        }],
        refusals: &[404, 500, 503],
        handler: || get(jobs::log),
        ..read(
            "/v1/jobs/{job}/log",
            "tailLog",
            "The last lines of what a job's process has said, over all starts.",
            Content::Text("text/plain; charset=utf-8"),
        )
    },
    Route {
        query: &[Parameter {
            name: "top",
            what: "How many of the best: 1 to 1000, by default 10.",
            schema: schema::<u32>,
        }],
        refusals: &[404, 500, 503],
        handler: || get(jobs::results),
        ..read(
            "/v1/jobs/{job}/results",
            "jobResults",
            "The best of what a job has brought, also while it runs.",
            Content::Json(schema::<JobResults>),
        )
    },
    Route {
        handler: || get(machine::history),
        ..read(
            "/v1/history",
            "history",
            "What was measured in the last ten minutes, a moment a second.",
            Content::Json(schema::<Vec<machine::Moment>>),
        )
    },
    Route {
        method: "post",
        access: Access::Change,
        body: Some(schema::<machine::ModeRequest>),
        refusals: &[408, 413, 415, 422, 503],
        handler: || post(machine::set_mode),
        ..read(
            "/v1/mode",
            "setMode",
            "Shares the machine differently from now on; answers the status.",
            Content::Json(schema::<ServerStatus>),
        )
    },
    Route {
        method: "post",
        access: Access::Change,
        body: Some(schema::<barhive_machine::LiveReport>),
        refusals: &[408, 413, 415, 422, 503],
        handler: || post(machine::report),
        ..read(
            "/v1/live",
            "reportLive",
            "Live work says how far it is behind; jobs stand back for it as far as the mode says. Answers the report \
             with its defaults.",
            Content::Json(schema::<barhive_machine::LiveReport>),
        )
    },
    Route {
        handler: || get(events::listen),
        ..read(
            "/v1/events",
            "events",
            "What happens, as server-sent events: first `snapshot` (SnapshotEvent), then `job` (JobView, last \
             transition only) at every change, `progress` (ProgressEvent), `status` (ServerStatus) every second, \
             and `ending` before the server ends. A client that is too slow gets `missed` (MissedEvent) and a new \
             `snapshot`; one that has stopped reading is disconnected.",
            Content::Text("text/event-stream"),
        )
    },
    Route {
        handler: || get(metrics::metrics),
        ..read("/metrics", "metrics", "The server in numbers, for Prometheus.", Content::Text(metrics::MEDIA))
    },
    Route {
        method: "post",
        access: Access::Open,
        body: Some(schema::<SessionRequest>),
        answer: (201, Content::Json(schema::<Session>)),
        refusals: &[401, 408, 413, 415, 422, 429, 500],
        handler: || post(session::open),
        ..read(
            "/v1/session",
            "openSession",
            "The right to read for twelve hours, for the token in the header or a link in the body. A link opens \
             one session.",
            Content::Json(schema::<Session>),
        )
    },
    Route {
        access: Access::Open,
        handler: || get(health),
        ..read("/health", "health", "Whether the server works.", Content::Json(schema::<Health>))
    },
    Route {
        access: Access::Open,
        refusals: &[],
        handler: || get(described),
        ..read("/openapi.json", "describe", "This description.", Content::Json(schema::<serde_json::Value>))
    },
    Route {
        access: Access::Open,
        refusals: &[],
        handler: || get(page::index),
        ..read("/", "page", "The page for people.", Content::Text("text/html; charset=utf-8"))
    },
    Route {
        access: Access::Open,
        refusals: &[404],
        handler: || get(page::file),
        ..read(
            "/page/{file}",
            "pageFile",
            "A part of the page.",
            Content::Text("text/javascript; charset=utf-8"),
        )
    },
];

/// All of them, behind what every request has to pass.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let (guard, access) = (Arc::clone(shared), route.access);
        let admitted = move |request: Request, next: Next| {
            let admitted = admit(&guard, access, &request);
            async move {
                match admitted {
                    Ok(()) => next.run(request).await,
                    Err(problem) => problem.into_response(),
                }
            }
        };
        router = router.route(route.path, (route.handler)().layer(from_fn(admitted)));
    }
    router
        .method_not_allowed_fallback(wrong_method)
        .fallback(missing)
        .layer(from_fn_with_state(Arc::clone(shared), gate))
        .with_state(Arc::clone(shared))
}

async fn missing(request: Request) -> Problem {
    let detail = format!("there is no {}; /openapi.json describes what there is", request.uri().path());
    Problem::new(StatusCode::NOT_FOUND, detail)
}

async fn wrong_method(request: Request) -> Problem {
    let (method, path) = (request.method(), request.uri().path());
    let methods: Vec<_> =
        ROUTES.iter().filter(|route| route.path == path).map(|route| route.method.to_uppercase()).collect();
    let methods = if methods.is_empty() { "another method".to_owned() } else { methods.join(" or ") };
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} makes no sense here: use {methods}; /openapi.json describes what there is"),
    )
}

async fn health(State(shared): State<Arc<Shared>>) -> Result<Json<Health>, Problem> {
    if shared.manager.is_working() && !*shared.closing.borrow() {
        return Ok(Json(Health { status: "ok".to_owned() }));
    }
    Err(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the server is shutting down, or its journal has failed",
    ))
}

async fn described() -> Response {
    Json(openapi::description()).into_response()
}

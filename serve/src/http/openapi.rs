//! The description of the interface, OpenAPI 3.1, made from the table of routes.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value as Json, json};

use super::{
    access::Access,
    events::{MissedEvent, ProgressEvent, SnapshotEvent},
    problem::{MEDIA, Problem},
    routes::{Content, ROUTES, Route},
};

/// The description.
pub(super) fn description() -> Json {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in ROUTES {
        let operation = operation(route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    // Nothing answers these as a whole: they are what events carry.
    generator.subschema_for::<SnapshotEvent>();
    generator.subschema_for::<ProgressEvent>();
    generator.subschema_for::<MissedEvent>();
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "barhive serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The job server of barhive. Names that end in _ns are nanoseconds; moments are UTC.",
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token in the file `token` of the server's folder: reads and changes.",
                },
                "session": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "What `POST /v1/session` answers: reads.",
                },
            },
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Json {
    let mut parameters: Vec<Json> = Vec::new();
    for name in route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let (what, kind) = match name {
            "job" => ("The job's number.", "integer"),
            _ => ("Its name.", "string"),
        };
        let schema = json!({ "type": kind });
        parameters.push(
            json!({ "name": name, "in": "path", "required": true, "description": what, "schema": schema }),
        );
    }
    for parameter in route.query {
        parameters.push(json!({
            "name": parameter.name,
            "in": "query",
            "description": parameter.what,
            "schema": (parameter.schema)(generator),
        }));
    }
    let (status, content) = &route.answer;
    let content = match content {
        Content::Json(schema) => json!({ "application/json": { "schema": schema(generator) } }),
        Content::Text(media) => json!({ *media: { "schema": { "type": "string" } } }),
    };
    let mut responses = Map::new();
    responses.insert(status.to_string(), json!({ "description": "Done.", "content": content }));
    for status in refusals(route) {
        let schema = generator.subschema_for::<Problem>();
        let content = json!({ MEDIA: { "schema": schema } });
        responses.insert(status.to_string(), json!({ "description": meaning(status), "content": content }));
    }
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.what,
        "parameters": parameters,
        "responses": responses,
        "security": match route.access {
            Access::Open => json!([]),
            Access::Read => json!([{ "token": [] }, { "session": [] }]),
            Access::Change => json!([{ "token": [] }]),
        },
    });
    if let Some(body) = route.body {
        // A session is also opened by a header alone.
        operation["requestBody"] = json!({
            "required": route.access == Access::Change,
            "content": { "application/json": { "schema": body(generator) } },
        });
    }
    operation
}

/// All statuses that a refusal of a route may have.
pub(super) fn refusals(route: &Route) -> Vec<u16> {
    let mut statuses = vec![400, 403, 421];
    if route.access != Access::Open {
        statuses.extend([401, 429]);
    }
    statuses.extend(route.refusals);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request is malformed, or a value in its address makes no sense.",
        401 => "No token, a wrong one, or a session that has ended.",
        403 => "The request comes from another page, or a session wants to change something.",
        404 => "There is no such thing.",
        408 => "The body took too long.",
        409 => "The job is not in a state for it.",
        413 => "The body is too long.",
        415 => "The body is not JSON.",
        421 => "The server does not answer to the name in the Host header.",
        422 => "What was asked for makes no sense; all that is wrong is said.",
        429 => "Too many jobs, or too many wrong tokens.",
        503 => "The server is shutting down or has no room for one more.",
        507 => "The disk does not take it; nothing was changed.",
        _ => "The server failed.",
    }
}

//! The OpenAPI 3.1 document, made from the same declarations that serve the routes: neither can be without the other.
//!
//! Bodies of answers are described by the types that write them ([`wire::schema::Describe`]), bodies of requests
//! beside the routes that read them ([`requests`]).

pub mod requests;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use payments::api_key::Scope;
use serde_json::{Map, Value, json};
use wire::Problem;
use wire::problem::BitvoraError;
use wire::schema::{Describe, Schemas};

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Open,
    /// API keys with a scope.
    Key(Scope),
    /// The operator: the admin token, or a person with a session.
    Operator,
}

/// Describes the body of an answer, and what it refers to.
type Form = fn(&mut Schemas) -> Value;

/// One operation: a method of a path.
#[derive(Clone)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path, with its variable segments in braces.
    pub path: String,
    id: String,
    says: &'static str,
    query: Vec<Value>,
    request: Option<Value>,
    /// Whether the body may be left out, or null.
    is_request_optional: bool,
    status: u16,
    answer: Option<Form>,
    is_csv_too: bool,
}

impl Operation {
    /// An operation. `id` is its name for programs.
    #[must_use]
    pub fn new(method: Method, path: &str, id: &str, says: &'static str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            id: id.to_owned(),
            says,
            query: Vec::new(),
            request: None,
            is_request_optional: false,
            status: 200,
            answer: None,
            is_csv_too: false,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(path: &str, id: &str, says: &'static str) -> Self {
        Self::new(Method::GET, path, id, says)
    }

    /// A POST.
    #[must_use]
    pub fn post(path: &str, id: &str, says: &'static str) -> Self {
        Self::new(Method::POST, path, id, says)
    }

    /// With an optional parameter of the query.
    #[must_use]
    pub fn query(mut self, name: &str, says: &str, schema: Value) -> Self {
        self.query.push(json!({
            "name": name, "in": "query", "required": false, "description": says, "schema": schema,
        }));
        self
    }

    /// With `limit` and `cursor`.
    #[must_use]
    pub fn paged(self, cursor: Value) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": 1000});
        self.query("limit", "How many rows.", limit).query(
            "cursor",
            "The next_cursor of the page before.",
            cursor,
        )
    }

    /// With a body that may be left out, or null.
    #[must_use]
    pub fn may_take(mut self, schema: &Value) -> Self {
        self.request = Some(json!({"anyOf": [schema, {"type": "null"}]}));
        self.is_request_optional = true;
        self
    }

    /// With a body.
    #[must_use]
    pub fn takes(mut self, schema: Value) -> Self {
        self.request = Some(schema);
        self
    }

    /// Answered with a `T`.
    #[must_use]
    pub fn answers<T: Describe>(mut self, status: u16) -> Self {
        self.status = status;
        self.answer = Some(T::describe);
        self
    }

    /// Answered as CSV, when the query asks for it.
    #[must_use]
    pub const fn or_csv(mut self) -> Self {
        self.is_csv_too = true;
        self
    }

    /// Answered with an array of `T`.
    #[must_use]
    pub fn lists<T: Describe>(mut self) -> Self {
        self.answer = Some(|schemas| json!({"type": "array", "items": T::describe(schemas)}));
        self
    }

    /// Answered with a `T` in the contract's envelope.
    #[must_use]
    pub fn envelops<T: Describe>(mut self, status: u16) -> Self {
        self.status = status;
        self.answer = Some(|schemas| enveloped(T::describe(schemas)));
        self
    }

    /// Answered with an array of `T` in the contract's envelope.
    #[must_use]
    pub fn envelops_list<T: Describe>(mut self) -> Self {
        self.answer =
            Some(|schemas| enveloped(json!({"type": "array", "items": T::describe(schemas)})));
        self
    }

    fn describe(&self, access: Access, schemas: &mut Schemas) -> Value {
        let mut answer = match self.answer {
            Some(describe) => json!({"application/json": {"schema": describe(schemas)}}),
            None => json!({"application/json": {"schema": {}}}),
        };
        if self.is_csv_too {
            answer["text/csv"] = json!({"schema": {"type": "string"}});
        }
        let mut responses = Map::new();
        let good = json!({"description": self.says, "content": answer});
        responses.insert(self.status.to_string(), good);
        for status in self.problems(access) {
            let problem = json!({"$ref": "#/components/responses/Problem"});
            responses.insert(status.to_string(), problem);
        }
        let mut body = json!({
            "operationId": self.id,
            "summary": self.says,
            "parameters": self.parameters(access),
            "responses": responses,
        });
        match access {
            Access::Open => body["security"] = json!([]),
            Access::Key(scope) => {
                body["security"] = json!([{"apiKey": []}]);
                body["x-scope"] = json!(scope.name());
            }
            Access::Operator => body["security"] = json!([{"adminToken": []}]),
        }
        if let Some(schema) = &self.request {
            body["requestBody"] = json!({
                "required": !self.is_request_optional,
                "content": {"application/json": {"schema": schema}},
            });
        }
        body
    }

    fn parameters(&self, access: Access) -> Vec<Value> {
        let segments = self.path.split('/').filter_map(|segment| {
            let name = segment.strip_prefix('{')?.strip_suffix('}')?;
            let schema = json!({"type": "string", "minLength": 1});
            Some(json!({"name": name, "in": "path", "required": true, "schema": schema}))
        });
        let mut parameters: Vec<Value> = segments.collect();
        parameters.extend(self.query.iter().cloned());
        if self.method == Method::POST
            && matches!(access, Access::Key(Scope::Receive | Scope::Send))
        {
            parameters.push(json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "A repeat with the same key and body gets the stored answer.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }));
        }
        parameters
    }

    /// The statuses of the problems that it may be answered with.
    fn problems(&self, access: Access) -> Vec<u16> {
        let mut statuses = vec![400, 429, 500, 503];
        if access != Access::Open || self.id.contains("Session") {
            statuses.extend([401, 403]);
        }
        if self.path.contains('{') || self.method != Method::GET {
            statuses.push(404);
        }
        if self.method != Method::GET {
            statuses.extend([409, 413, 415, 502]);
        }
        statuses.sort_unstable();
        statuses
    }
}

fn enveloped(data: Value) -> Value {
    json!({
        "type": "object",
        "required": ["status", "message", "data"],
        "properties": {
            "status": {"type": "integer"},
            "message": {"type": "string"},
            "data": data,
            "next_cursor": {"type": "string"},
        },
    })
}

/// The document over `operations`.
#[must_use]
pub fn document(operations: &[(Access, Operation)]) -> Value {
    let mut schemas = Schemas::default();
    let problem = BitvoraError::describe(&mut schemas);
    if let Some(described) = schemas.0.get_mut("BitvoraError") {
        let codes: BTreeSet<_> = Problem::catalogue().iter().map(Problem::code).collect();
        described["properties"]["code"]["enum"] = json!(codes);
    }
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (access, operation) in operations {
        let described = operation.describe(*access, &mut schemas);
        let method = operation.method.as_str().to_ascii_lowercase();
        paths
            .entry(&operation.path)
            .or_default()
            .insert(method, described);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Leyden",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Bitcoin and Lightning payments. Every error is a Problem.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.0,
            "responses": {
                "Problem": {
                    "description": "What is wrong, and what to do.",
                    "content": {"application/json": {"schema": problem}},
                },
            },
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, NUMBER|UUID."},
                "adminToken": {
                    "type": "http", "scheme": "bearer",
                    "description": "The operator's token. A person has a session's cookie instead.",
                },
            },
        },
    })
}

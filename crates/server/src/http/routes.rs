//! Declares routes, each with who may call it: nothing is served without saying so.
//!
//! The check stands around the handler and runs before it, on the method of the route alone: a path that is not served
//! is 404, a method 405, whoever asks.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use payments::api_key::Scope;

use super::answer::{encode, stored};
use super::auth::{Actor, bearer};
use super::openapi::{Access, Operation, document};
use super::{HttpState, acting, client_address, on_behalf, session};
use crate::identity::identify;
use crate::problem::ApiError;

/// Routes that are being declared.
pub struct Routes {
    state: HttpState,
    router: Router<HttpState>,
    operations: Vec<(Access, Operation)>,
}

impl Routes {
    /// None yet.
    #[must_use]
    pub fn new(state: HttpState) -> Self {
        Self {
            state,
            router: Router::new(),
            operations: Vec::new(),
        }
    }

    /// Serves an operation by `handler` for those that `access` lets in.
    ///
    /// # Panics
    /// When the same operation is declared twice, which every start of the server shows.
    #[must_use]
    pub fn serve<H, T>(mut self, access: Access, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, HttpState>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(operation.method.clone());
        let methods = on(filter.expect("a method of HTTP"), handler);
        let methods = match access {
            Access::Open => methods,
            Access::Key(scope) => {
                methods.route_layer(from_fn_with_state((self.state.clone(), scope), customer))
            }
            Access::Operator => {
                methods.route_layer(from_fn_with_state(self.state.clone(), operator))
            }
        };
        self.router = self.router.route(&operation.path, methods);
        self.operations.push((access, operation));
        self
    }

    /// For API keys with a scope.
    #[must_use]
    pub fn key<H, T>(self, scope: Scope, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, HttpState>,
        T: 'static,
    {
        self.serve(Access::Key(scope), operation, handler)
    }

    /// For the operator.
    #[must_use]
    pub fn operator<H, T>(self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, HttpState>,
        T: 'static,
    {
        self.serve(Access::Operator, operation, handler)
    }

    /// For everybody.
    #[must_use]
    pub fn open<H, T>(self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, HttpState>,
        T: 'static,
    {
        self.serve(Access::Open, operation, handler)
    }

    /// The routes, ready to be served, and the document over them at `/openapi.json`.
    pub fn finish(self) -> Router {
        let document = Arc::new(encode(&document(&self.operations)));
        let serve = move || {
            let document = Vec::clone(&document);
            async move { stored(200, document) }
        };
        self.router
            .with_state(self.state)
            .route("/openapi.json", get(serve))
    }
}

/// Lets an API key in that has the scope; what it administers is written down.
async fn customer(
    State((state, scope)): State<(HttpState, Scope)>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(account) = on_behalf::account(request.headers()) {
        return on_behalf::of(&state, account, request, next).await;
    }
    let address = client_address::of(request.extensions());
    let identity = match bearer(request.headers()) {
        Ok(token) => identify(&state.app, token, address).await,
        Err(error) => Err(error),
    };
    let allowed = identity.and_then(|identity| {
        identity.need(scope)?;
        Ok(identity)
    });
    let identity = match allowed {
        Ok(identity) => identity,
        Err(error) => return error.into_response(),
    };
    let left = match state.rate.count(identity.api_key_id, state.app.clock.now()) {
        Ok(left) => left,
        Err(problem) => return ApiError::from(problem).into_response(),
    };
    request.extensions_mut().insert(identity);
    let mut response = if matches!(scope, Scope::Webhooks | Scope::Admin) {
        let actor = format!("key {}", identity.key_number);
        acting::written_down(&state, actor, request, next).await
    } else {
        next.run(request).await
    };
    if let Some(left) = left {
        left.tell(response.headers_mut());
    }
    response
}

/// Lets the operator in, by the admin token or a session, and writes down what it does.
pub async fn operator(
    State(state): State<HttpState>,
    mut request: Request,
    next: Next,
) -> Response {
    let actor = match session::actor(&state, request.method(), request.headers()).await {
        Ok(actor) => actor,
        Err(error) => return ApiError::into_response(error),
    };
    let name = Actor::to_string(&actor);
    request.extensions_mut().insert(actor);
    acting::written_down(&state, name, request, next).await
}

//! Declares routes, each with who may call it: nothing is served without saying so.
//!
//! The check stands around the handler and runs before it, on the method of the route alone: a path that is not served
//! is 404, a method 405, whoever asks.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use payments::api_key::Scope;

use super::auth::{Actor, bearer};
use super::{HttpState, acting, client_address, session};
use crate::identity::identify;
use crate::problem::ApiError;

/// Routes that are being declared.
pub struct Routes {
    state: HttpState,
    router: Router<HttpState>,
}

impl Routes {
    /// None yet.
    #[must_use]
    pub fn new(state: HttpState) -> Self {
        Self {
            state,
            router: Router::new(),
        }
    }

    /// For API keys with a scope.
    #[must_use]
    pub fn key(self, scope: Scope, path: &str, methods: MethodRouter<HttpState>) -> Self {
        let check = from_fn_with_state((self.state.clone(), scope), customer);
        self.add(path, methods.route_layer(check))
    }

    /// For the operator.
    #[must_use]
    pub fn operator(self, path: &str, methods: MethodRouter<HttpState>) -> Self {
        let check = from_fn_with_state(self.state.clone(), operator);
        self.add(path, methods.route_layer(check))
    }

    /// For everybody.
    #[must_use]
    pub fn open(self, path: &str, methods: MethodRouter<HttpState>) -> Self {
        self.add(path, methods)
    }

    fn add(self, path: &str, methods: MethodRouter<HttpState>) -> Self {
        Self {
            router: self.router.route(path, methods),
            state: self.state,
        }
    }

    /// The routes, ready to be served.
    #[must_use]
    pub fn finish(self) -> Router {
        self.router.with_state(self.state)
    }
}

/// Lets an API key in that has the scope; what it administers is written down.
async fn customer(
    State((state, scope)): State<(HttpState, Scope)>,
    mut request: Request,
    next: Next,
) -> Response {
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
    request.extensions_mut().insert(identity);
    if matches!(scope, Scope::Webhooks | Scope::Admin) {
        let actor = format!("key {}", identity.key_number);
        return acting::written_down(&state, actor, request, next).await;
    }
    next.run(request).await
}

/// Lets the operator in, by the admin token or a session, and writes down what it does.
async fn operator(State(state): State<HttpState>, mut request: Request, next: Next) -> Response {
    let actor = match session::actor(&state, request.method(), request.headers()).await {
        Ok(actor) => actor,
        Err(error) => return ApiError::into_response(error),
    };
    let name = Actor::to_string(&actor);
    request.extensions_mut().insert(actor);
    acting::written_down(&state, name, request, next).await
}

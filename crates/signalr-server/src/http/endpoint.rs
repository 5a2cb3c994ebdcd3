//! `{base}` itself: WebSocket upgrades, and the refusals of everything that is not offered.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Version, header};
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use crate::auth::User;
use crate::connection::{self, Origin};
use crate::hub::Core;
use crate::query::Query;
use crate::registry::SlotError;
use crate::transport::{self, Transport};

/// What a request to the base path wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    WebSocket,
    Events,
    Poll,
    Post,
    Delete,
}

impl Wish {
    fn of(parts: &Parts) -> Option<Self> {
        match parts.method {
            Method::CONNECT if parts.version == Version::HTTP_2 => Some(Self::WebSocket),
            Method::GET if has(&parts.headers, &header::UPGRADE, "websocket") => {
                Some(Self::WebSocket)
            }
            Method::GET if has(&parts.headers, &header::ACCEPT, "text/event-stream") => {
                Some(Self::Events)
            }
            Method::GET => Some(Self::Poll),
            Method::POST => Some(Self::Post),
            Method::DELETE => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Whether a list-valued header has that item, parameters aside.
fn has(headers: &HeaderMap, name: &header::HeaderName, item: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|value| value.split(';').next())
        .any(|value| value.trim().eq_ignore_ascii_case(item))
}

pub(super) async fn handle(core: Arc<Core>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let Some(wish) = Wish::of(&parts) else {
        return Refusal::Method("GET, POST, DELETE").into_response();
    };
    let query = Query::parse(parts.uri.query());
    let user = match super::authenticate(&core, &parts, &query).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    if wish == Wish::WebSocket {
        return match upgrade(core, &mut parts, query, user).await {
            Ok(response) | Err(response) => response,
        };
    }
    refuse(&core, wish, id(&query)).into_response()
}

fn id(query: &Query) -> Option<&str> {
    query.get("id").filter(|id| !id.is_empty())
}

/// Every wish but a WebSocket: the order of the checks is ASP.NET Core's.
fn refuse(core: &Core, wish: Wish, id: Option<&str>) -> Refusal {
    let Some(id) = id else {
        return Refusal::NoId;
    };
    let Ok(transport) = core.registry.transport(id) else {
        return Refusal::UnknownId;
    };
    match wish {
        Wish::Post if transport == Some(Transport::WebSockets) => Refusal::PostToWebSocket,
        Wish::Delete => Refusal::NotLongPolling,
        Wish::Events => Refusal::NotSupported(Transport::ServerSentEvents),
        Wish::WebSocket | Wish::Poll | Wish::Post => Refusal::NotSupported(Transport::LongPolling),
    }
}

async fn upgrade(
    core: Arc<Core>,
    parts: &mut Parts,
    query: Query,
    user: Option<User>,
) -> Result<Response, Response> {
    let refuse = |refusal: Refusal| refusal.into_response();
    if !core.is_open() {
        return Err(refuse(Refusal::Closing));
    }
    if !core.origins.allow(&parts.headers) {
        return Err(refuse(Refusal::ForeignOrigin));
    }
    // Looked at before the upgrade is checked, and taken after, so that a request which is
    // no WebSocket upgrade does not use up the id.
    if let Some(token) = id(&query) {
        let taken = core
            .registry
            .transport(token)
            .map_err(slot)
            .map_err(refuse)?;
        if let Some(transport) = taken {
            return Err(refuse(slot(SlotError::Taken(transport))));
        }
    }
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &())
        .await
        .map_err(IntoResponse::into_response)?;
    let claim = core
        .registry
        .claim(id(&query), Transport::WebSockets)
        .map_err(slot)
        .map_err(refuse)?;
    let mut headers = std::mem::take(&mut parts.headers);
    if let Some(value) = headers.get_mut(header::AUTHORIZATION) {
        value.set_sensitive(true);
    }
    let origin = Origin {
        number: core.registry.next_number(),
        id: Arc::clone(&claim.id),
        user,
        query: query.without_secrets(),
        headers,
        transport: Transport::WebSockets,
    };
    let tracked = core.connections.token();
    Ok(
        transport::configure(upgrade, &core.options).on_upgrade(move |socket| async move {
            let (source, sink) = transport::run(socket);
            connection::serve(core, origin, source, sink).await;
            drop((claim, tracked));
        }),
    )
}

const fn slot(error: SlotError) -> Refusal {
    match error {
        SlotError::Unknown => Refusal::UnknownId,
        SlotError::Taken(Transport::WebSockets) => Refusal::InUse,
        SlotError::Taken(_) => Refusal::OtherTransport,
    }
}

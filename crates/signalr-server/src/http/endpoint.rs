//! `{base}` itself: which transport a request is for, and the refusals of everything that is
//! not offered.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::refusal::Refusal;
use super::{polls, streams, upgrades};
use crate::auth::User;
use crate::connection::{self, Opening, Origin};
use crate::hub::Core;
use crate::query::Query;
use crate::registry::{Claim, Found, SlotError};
use crate::transport::{FrameSink, FrameSource, InletSource, Transport};

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

/// A request that was let in.
pub(super) struct Admitted {
    pub(super) core: Arc<Core>,
    pub(super) parts: Parts,
    pub(super) query: Query,
    pub(super) user: Option<User>,
}

impl Admitted {
    /// Takes that id, or one made on the spot, for a connection that this request opens.
    pub(super) fn begin(self, id: Option<&str>, transport: Transport) -> Result<Begun, Refusal> {
        let claim = self.core.registry.claim(id, transport);
        let claim = claim.map_err(slot_for(transport))?;
        let tracked = self.core.connections.token();
        let core = Arc::clone(&self.core);
        let origin = Box::new(self.origin(&claim, transport));
        Ok(Begun {
            core,
            claim,
            origin,
            tracked,
        })
    }

    /// What is known of a connection that this request opens.
    fn origin(mut self, claim: &Claim, transport: Transport) -> Origin {
        let mut headers = owned(&self.parts.headers);
        if let Some(value) = headers.get_mut(header::AUTHORIZATION) {
            value.set_sensitive(true);
        }
        Origin {
            number: self.core.registry.next_number(),
            id: Arc::clone(&claim.id),
            user: self.user.take().or_else(|| claim.user.clone()),
            query: self.query.without_secrets(),
            headers,
            transport,
        }
    }

    /// Whether new connections of that transport are let in.
    pub(super) fn offers(&self, transport: Transport) -> Result<(), Refusal> {
        if !self.core.options.transports.contains(&transport) {
            return Err(Refusal::NotSupported(transport));
        }
        if !self.core.is_open() {
            return Err(Refusal::Closing);
        }
        Ok(())
    }
}

/// Headers that are nobody else's: those of a request are parts of the buffer that it was read into,
/// all of which they would keep for as long as the connection lives.
fn owned(headers: &HeaderMap) -> HeaderMap {
    let copies = headers.iter().filter_map(|(name, value)| {
        let copy = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        Some((name.clone(), copy))
    });
    copies.collect()
}

/// A connection that a request has opened. Its id is in use, and the hub's end waits for it, as
/// long as this lives.
pub(super) struct Begun {
    core: Arc<Core>,
    pub(super) claim: Claim,
    /// On the heap, because it passes through many hands.
    origin: Box<Origin>,
    tracked: TaskTrackerToken,
}

impl Begun {
    /// Serves it to its end.
    pub(super) async fn serve<R: FrameSource, W: FrameSink>(self, opening: Opening<R, W>) {
        let (_claim, _tracked) = (self.claim, self.tracked);
        connection::serve(self.core, self.origin, opening).await;
    }

    /// Serves it in a task of its own, with what the client sends by POST.
    pub(super) fn serve_posts<W: FrameSink>(self, sink: W) {
        let source = InletSource(Arc::clone(&self.claim.inlet));
        tokio::spawn(self.serve(Opening {
            source,
            sink,
            again: None,
        }));
    }
}

pub(super) async fn handle(core: Arc<Core>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(wish) = Wish::of(&parts) else {
        return Refusal::Method("GET, POST, DELETE").into_response();
    };
    let query = Query::parse(parts.uri.query());
    let id = query.get("id").filter(|id| !id.is_empty());
    let id = id.map(str::to_owned);
    let found = id.as_deref().map(|id| core.registry.slot(id));
    // Requests without a token of their own stand for whoever negotiated: the id is a secret,
    // and signalrcore polls without a header. A WebSocket always brings one.
    let negotiator = match &found {
        Some(Ok(found)) if wish != Wish::WebSocket => found.user.clone(),
        _ => None,
    };
    let user = match super::admit(&core, &parts, &query, negotiator).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    let admitted = Admitted {
        core,
        parts,
        query,
        user,
    };
    let answer = match (wish, id, found) {
        (Wish::WebSocket, None, _) => upgrades::first(admitted, None).await,
        (_, None, _) | (_, _, None) => Err(Refusal::NoId),
        (_, _, Some(Err(_))) => Err(Refusal::UnknownId),
        (Wish::WebSocket, Some(id), Some(Ok(found))) => {
            upgrades::with_id(admitted, &id, found).await
        }
        (Wish::Events, Some(id), Some(Ok(_))) => streams::events(admitted, &id),
        (Wish::Poll, Some(id), Some(Ok(found))) => polls::poll(admitted, &id, found).await,
        (Wish::Post, Some(id), Some(Ok(found))) => post(&admitted.core, &id, &found, body).await,
        (Wish::Delete, Some(id), Some(Ok(found))) => delete(&admitted.core, &id, &found),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

async fn post(
    core: &Core,
    id: &str,
    found: &Found,
    body: axum::body::Body,
) -> Result<Response, Refusal> {
    if found.transport == Some(Transport::WebSockets) {
        return Err(Refusal::PostToWebSocket);
    }
    let inlet = core.registry.inlet(id).map_err(slot)?;
    streams::receive(&inlet, body).await
}

fn delete(core: &Core, id: &str, found: &Found) -> Result<Response, Refusal> {
    if found.transport != Some(Transport::LongPolling) {
        return Err(Refusal::NotLongPolling);
    }
    core.registry.forget(id);
    if let Some(inlet) = &found.inlet {
        inlet.end(crate::transport::Inbound::Closed);
    }
    if let Some(outlet) = &found.outlet {
        outlet.abandon();
    }
    Ok(StatusCode::ACCEPTED.into_response())
}

pub(super) const fn slot(error: SlotError) -> Refusal {
    match error {
        SlotError::Unknown => Refusal::UnknownId,
        SlotError::Taken(Transport::LongPolling) => Refusal::OtherTransport,
        SlotError::Taken(_) => Refusal::InUse,
    }
}

/// As [`slot`], for a request of that transport: another transport cannot be changed to.
pub(super) fn slot_for(transport: Transport) -> impl Fn(SlotError) -> Refusal {
    move |error| match error {
        SlotError::Taken(taken) if taken != transport => Refusal::OtherTransport,
        error => slot(error),
    }
}

//! `/admin/v1/node…`: the Lightning node in its operator's hands.
//!
//! Only the process that runs the node answers; every other says where it runs. Nothing here touches a customer's
//! money, and what it does to the operator's is booked by the reconciler.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bitcoin::secp256k1::PublicKey;
use payments::ports::{
    ChannelRequest, ChannelStatus, NodeOperator, NodeOperatorError, NodeStatus, PeerStatus,
};
use store::queries::node::lease_holder;
use wire::Problem;
use wire::admin::{
    CloseChannelRequest, ClosingChannel, ConnectPeerRequest, Node, NodeAddress, NodeChannel,
    NodePeer, NodeWallet, OpenChannelRequest,
};

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use super::super::body::JsonBody;
use super::super::segment::Segment;
use crate::compose::NODE;
use crate::problem::ApiError;

/// What the node has.
///
/// # Errors
/// [`ApiError`]; so for every handler.
pub async fn get(
    State(state): State<HttpState>,
    _operator: Operator,
) -> Result<Response, ApiError> {
    let status = ask(&state, |node| Ok(node.status())).await?;
    Ok(json(200, &shown(&status)))
}

/// A fresh on-chain address for funding the node.
pub async fn address(
    State(state): State<HttpState>,
    _operator: Operator,
) -> Result<Response, ApiError> {
    let address = ask(&state, |node| node.fresh_address()).await?;
    Ok(json(201, &NodeAddress { address }))
}

/// Connects to a peer, now and after every restart.
pub async fn connect(
    State(state): State<HttpState>,
    _operator: Operator,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let (peer, address) = peer(&ConnectPeerRequest::parse(&body)?.peer)?;
    let at = address.clone();
    ask(&state, move |node| node.connect(peer, &at)).await?;
    let connected = PeerStatus {
        node_id: peer,
        address,
        is_connected: true,
    };
    Ok(json(200, &shown_peer(&connected)))
}

/// Begins to open a channel. It is never repeated by itself.
pub async fn open(
    State(state): State<HttpState>,
    _operator: Operator,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = OpenChannelRequest::parse(&body)?;
    let (peer, address) = peer(&request.peer)?;
    let asked = ChannelRequest {
        peer,
        address,
        amount_sat: request.amount_sats,
        is_announced: request.announced,
    };
    let opened = ask(&state, move |node| {
        let name = node.open_channel(&asked)?;
        let mut channels = node.status().channels.into_iter();
        channels
            .find(|channel| channel.name == name)
            .ok_or_else(|| NodeOperatorError::Refused("the peer has backed out".into()))
    });
    let opened = opened.await?;
    tracing::warn!(%peer, amount_sats = request.amount_sats, "the operator opens a channel");
    Ok(json(201, &shown_channel(&opened)))
}

/// Begins to close a channel.
pub async fn close(
    State(state): State<HttpState>,
    _operator: Operator,
    Segment(id): Segment,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let forced = CloseChannelRequest::parse(&body)?.force;
    let mut channel_id = [0; 32];
    hex::decode_to_slice(&id, &mut channel_id).map_err(|_| ApiError::not_found("channel"))?;
    ask(&state, move |node| node.close_channel(channel_id, forced)).await?;
    tracing::warn!(channel = id, forced, "the operator closes a channel");
    Ok(json(200, &ClosingChannel { id, forced }))
}

/// Asks the node, if it runs in this process.
async fn ask<T: Send + 'static>(
    state: &HttpState,
    call: impl FnOnce(&dyn NodeOperator) -> Result<T, NodeOperatorError> + Send + 'static,
) -> Result<T, ApiError> {
    let Some(node) = state.app.node.operator() else {
        return Err(elsewhere(state).await?.into());
    };
    let asked = tokio::task::spawn_blocking(move || call(Arc::as_ref(&node))).await;
    Ok(asked.map_err(|panic| ApiError::internal(&panic))??)
}

async fn elsewhere(state: &HttpState) -> Result<Problem, ApiError> {
    let read = state.app.store.read_async(|tx| lease_holder(tx, NODE));
    Ok(match read.await? {
        Some(lease) if lease.is_live => Problem::NodeElsewhere {
            holder: lease.holder,
        },
        _ => Problem::RailUnavailable {
            rail: "lightning".into(),
        },
    })
}

fn peer(text: &str) -> Result<(PublicKey, String), Problem> {
    let wrong = || Problem::InvalidParameter {
        name: "peer".into(),
        why: "it must be PUBKEY@HOST:PORT".into(),
    };
    let (key, address) = text.trim().split_once('@').ok_or_else(wrong)?;
    let key = key.parse().map_err(|_| wrong())?;
    Ok((key, address.to_owned()))
}

fn shown(status: &NodeStatus) -> Node {
    Node {
        node_id: status.node_id.to_string(),
        block_height: status.block_height,
        wallet: NodeWallet {
            total_sats: status.wallet.total_sat,
            spendable_sats: status.wallet.spendable_sat,
            anchor_reserve_sats: status.wallet.anchor_reserve_sat,
        },
        channels: status.channels.iter().map(shown_channel).collect(),
        closing_channels: status.closing.len(),
        peers: status.peers.iter().map(shown_peer).collect(),
    }
}

fn shown_channel(channel: &ChannelStatus) -> NodeChannel {
    NodeChannel {
        id: hex::encode(channel.channel_id),
        peer: channel.peer.to_string(),
        state: match (channel.is_ready, channel.is_usable) {
            (_, true) => "usable",
            (true, false) => "offline",
            (false, false) => "opening",
        },
        funding: channel.funding.map(|funding| funding.to_string()),
        capacity_sats: channel.capacity_sat,
        outbound_msat: channel.outbound_msat.get(),
        inbound_msat: channel.inbound_msat.get(),
        opened_by_us: channel.is_outbound,
        announced: channel.is_announced,
    }
}

fn shown_peer(peer: &PeerStatus) -> NodePeer {
    NodePeer {
        node_id: peer.node_id.to_string(),
        address: peer.address.clone(),
        connected: peer.is_connected,
    }
}

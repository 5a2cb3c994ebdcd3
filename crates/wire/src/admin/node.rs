//! The Lightning node in the admin API: what it has, and what its operator asks of it.

use serde::Serialize;

use crate::Problem;
use crate::fields::{Fields, invalid, missing};
use crate::schema::describe;

/// GET `/admin/v1/node`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its public key, in hex.
    pub node_id: String,
    /// The newest block that it has seen.
    pub block_height: u32,
    /// Its own on-chain wallet.
    pub wallet: NodeWallet,
    /// The channels that are open or being opened.
    pub channels: Vec<NodeChannel>,
    /// How many channels are closed and not fetched yet.
    pub closing_channels: usize,
    /// The peers that are connected or known.
    pub peers: Vec<NodePeer>,
}

/// The node's own on-chain wallet, in satoshi.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeWallet {
    /// Everything, with the reserve and what is not confirmed.
    pub total_sats: u64,
    /// What a new channel may take, before the fee and its own reserve.
    pub spendable_sats: u64,
    /// What is kept for closing the channels that are open.
    pub anchor_reserve_sats: u64,
}

/// A channel of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeChannel {
    /// Its id, in hex. It changes once while it is opened.
    pub id: String,
    /// The other side, in hex.
    pub peer: String,
    /// `opening`, `offline` or `usable`.
    pub state: &'static str,
    /// The funding output as `txid:index`, when there is one.
    pub funding: Option<String>,
    /// Its size, in satoshi.
    pub capacity_sats: u64,
    /// What can be sent now.
    pub outbound_msat: i64,
    /// What can be received now.
    pub inbound_msat: i64,
    /// Whether we opened it.
    pub opened_by_us: bool,
    /// Whether it is announced in the gossip.
    pub announced: bool,
}

/// A peer of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodePeer {
    /// Its public key, in hex.
    pub node_id: String,
    /// Where it is.
    pub address: String,
    /// Whether it is connected now.
    pub connected: bool,
}

/// The answer of POST `/admin/v1/node/address`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeAddress {
    /// An on-chain address of the node's own wallet. Coins that come there are the operator's.
    pub address: String,
}

/// POST `/admin/v1/node/peers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectPeerRequest {
    /// `pubkey@host:port`, as it was written.
    pub peer: String,
}

impl ConnectPeerRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field; so for every `parse` here.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        Ok(Self {
            peer: Fields::parse(body)?.required_string("peer")?,
        })
    }
}

/// POST `/admin/v1/node/channels`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenChannelRequest {
    /// `pubkey@host:port`, as it was written.
    pub peer: String,
    /// The size, in satoshi.
    pub amount_sats: u64,
    /// Whether it is announced in the gossip; not unless asked for.
    pub announced: bool,
}

impl OpenChannelRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// See [`ConnectPeerRequest::parse`].
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        let amount_sats = fields.raw("amount_sats")?;
        let amount_sats = amount_sats.ok_or_else(|| missing("amount_sats"))?;
        let amount_sats: u64 = amount_sats
            .parse()
            .map_err(|_| invalid("amount_sats", "it must be a whole number of satoshi"))?;
        Ok(Self {
            peer: fields.required_string("peer")?,
            amount_sats,
            announced: fields.flag("announced")?,
        })
    }
}

/// POST `/admin/v1/node/channels/{id}/close`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseChannelRequest {
    /// Whether it is closed alone, over the chain; not unless asked for.
    pub force: bool,
}

impl CloseChannelRequest {
    /// Reads a body, which may be empty.
    ///
    /// # Errors
    ///
    /// See [`ConnectPeerRequest::parse`].
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        Ok(Self {
            force: Fields::parse_optional(body)?.flag("force")?,
        })
    }
}

/// The answer of POST `/admin/v1/node/channels/{id}/close`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClosingChannel {
    /// Which.
    pub id: String,
    /// Whether it is closed alone.
    pub forced: bool,
}

describe! { Node, "Node", flat [],
    node_id => "node_id",
    block_height => "block_height",
    wallet => "wallet",
    channels => "channels",
    closing_channels => "closing_channels",
    peers => "peers",
}

describe! { NodeWallet, "NodeWallet", flat [],
    total_sats => "total_sats",
    spendable_sats => "spendable_sats",
    anchor_reserve_sats => "anchor_reserve_sats",
}

describe! { NodeChannel, "NodeChannel", flat [],
    id => "id",
    peer => "peer",
    state => "state",
    funding => "funding",
    capacity_sats => "capacity_sats",
    outbound_msat => "outbound_msat",
    inbound_msat => "inbound_msat",
    opened_by_us => "opened_by_us",
    announced => "announced",
}

describe! { NodePeer, "NodePeer", flat [],
    node_id => "node_id",
    address => "address",
    connected => "connected",
}

describe! { NodeAddress, "NodeAddress", flat [],
    address => "address",
}

describe! { ClosingChannel, "ClosingChannel", flat [],
    id => "id",
    forced => "forced",
}

//! What the owner of a Lightning node does with it: look at it, fund it, open and close channels.
//!
//! No customer's money is decided by any of it. Opening a channel is never repeated blindly: whoever asked looks at
//! the node's channels first.

use std::error::Error;

use bitcoin::OutPoint;
use bitcoin::secp256k1::PublicKey;
use money::Msat;

/// A node, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its public key.
    pub node_id: PublicKey,
    /// The newest block that it has seen.
    pub block_height: u32,
    /// Its own on-chain wallet.
    pub wallet: WalletStatus,
    /// The channels that are open or being opened.
    pub channels: Vec<ChannelStatus>,
    /// The ids of channels that are closed, and hold something of ours that is not fetched.
    pub closing: Vec<[u8; 32]>,
    /// The peers that are connected or known.
    pub peers: Vec<PeerStatus>,
}

/// A node's own on-chain wallet, in satoshi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalletStatus {
    /// Everything, with the reserve and what is not confirmed.
    pub total_sat: u64,
    /// What may be spent now, without the reserve.
    pub spendable_sat: u64,
    /// What is kept for closing the channels that are open.
    pub anchor_reserve_sat: u64,
}

/// A channel that is open or being opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelStatus {
    /// Its id, which changes once while it is opened.
    pub channel_id: [u8; 32],
    /// The node's own name for it, which does not change.
    pub name: u128,
    /// The other side.
    pub peer: PublicKey,
    /// The funding output, when there is one.
    pub funding: Option<OutPoint>,
    /// The value of the funding output, in satoshi.
    pub capacity_sat: u64,
    /// What can be sent now.
    pub outbound_msat: Msat,
    /// What can be received now.
    pub inbound_msat: Msat,
    /// Whether we opened it.
    pub is_outbound: bool,
    /// Whether it is announced in the gossip.
    pub is_announced: bool,
    /// Whether its funding is confirmed deep enough for both sides.
    pub is_ready: bool,
    /// Whether it is ready, and its peer is connected.
    pub is_usable: bool,
}

/// A peer that is connected, or that the node connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its public key.
    pub node_id: PublicKey,
    /// Where it is: `host:port`.
    pub address: String,
    /// Whether it is connected now.
    pub is_connected: bool,
}

/// A channel to be opened from the node's own on-chain wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRequest {
    /// With whom.
    pub peer: PublicKey,
    /// Where it is: `host:port`.
    pub address: String,
    /// The size, in satoshi.
    pub amount_sat: u64,
    /// Whether it is announced in the gossip, so that it forwards payments of others.
    pub is_announced: bool,
}

/// Why a node did not do what its owner asked.
#[derive(Debug, thiserror::Error)]
pub enum NodeOperatorError {
    /// It is not running.
    #[error("the Lightning node is not running")]
    NotRunning,
    /// The address of a peer is none.
    #[error("the address of the peer is not HOST:PORT")]
    InvalidAddress,
    /// A peer does not answer there, or is another.
    #[error("the peer cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// Too few coins for the channel and the anchor reserve.
    #[error("the node's on-chain wallet holds too little for the channel and its reserve")]
    InsufficientFunds {
        /// What it may spend, in satoshi.
        spendable_sat: u64,
    },
    /// There is no such channel.
    #[error("the node has no such channel")]
    UnknownChannel,
    /// The node said no.
    #[error("the Lightning node refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

/// A Lightning node in its owner's hands. Calls may block: never make one inside a database transaction or on an
/// async worker.
pub trait NodeOperator: Send + Sync {
    /// The node, as it stands now.
    fn status(&self) -> NodeStatus;

    /// A fresh address of its own on-chain wallet.
    ///
    /// # Errors
    /// [`NodeOperatorError`]; so for every call below.
    fn fresh_address(&self) -> Result<String, NodeOperatorError>;

    /// Connects to a peer at `host:port`, now and after every restart.
    fn connect(&self, peer: PublicKey, address: &str) -> Result<(), NodeOperatorError>;

    /// Begins to open a channel, and answers the node's own name for it. After an error, too, only the node's channels
    /// tell whether one is being opened.
    fn open_channel(&self, request: &ChannelRequest) -> Result<u128, NodeOperatorError>;

    /// Begins to close the channel with this id: together with the peer, or with `force` alone, over the chain.
    fn close_channel(&self, channel_id: [u8; 32], force: bool) -> Result<(), NodeOperatorError>;
}

//! Channels, peers, balances and the chain, for operators and the sandbox.
//!
//! These are views and commands of a node's owner: the domain must never decide anything by them.

use std::sync::PoisonError;

use bitcoin::secp256k1::PublicKey;
use bitcoin::{Address, OutPoint};
use ldk_node::config::ChannelConfig;
use ldk_node::{ChannelDetails, NodeError, UserChannelId};
use lightning::ln::msgs::SocketAddress;
use lightning::ln::types::ChannelId;
use money::Msat;

use crate::node::LdkNode;
use crate::node_event::msat;
use crate::plain_thread::on_plain_thread;

/// A channel, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its id, which changes once while it is opened.
    pub channel_id: ChannelId,
    /// Our own name for it, which does not change.
    pub user_channel_id: u128,
    /// The other side.
    pub counterparty: PublicKey,
    /// The funding output, when there is one; its `txid` is the funding transaction.
    pub funding: Option<OutPoint>,
    /// The value of the funding output, in satoshi.
    pub capacity_sat: u64,
    /// What we can send now, without what is in flight.
    pub outbound_capacity_msat: Msat,
    /// What we can receive now, without what is in flight.
    pub inbound_capacity_msat: Msat,
    /// Whether we opened it.
    pub is_outbound: bool,
    /// Whether it is announced in the gossip.
    pub is_announced: bool,
    /// Whether its funding is confirmed deep enough for both sides.
    pub is_ready: bool,
    /// Whether it is ready, and its peer is connected.
    pub is_usable: bool,
    /// What the other side asks for forwarding a payment to us, once it has said so.
    pub peer_forwarding_fee: Option<ForwardingFee>,
}

/// What a node asks for forwarding a payment through a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardingFee {
    /// For each HTLC, in millisatoshi.
    pub base_msat: u32,
    /// For each million of what is forwarded.
    pub proportional_millionths: u32,
}

impl From<ChannelDetails> for Channel {
    fn from(details: ChannelDetails) -> Self {
        Self {
            channel_id: details.channel_id,
            user_channel_id: details.user_channel_id.0,
            counterparty: details.counterparty_node_id,
            funding: details.funding_txo,
            capacity_sat: details.channel_value_sats,
            outbound_capacity_msat: msat(details.outbound_capacity_msat),
            inbound_capacity_msat: msat(details.inbound_capacity_msat),
            is_outbound: details.is_outbound,
            is_announced: details.is_announced,
            is_ready: details.is_channel_ready,
            is_usable: details.is_usable,
            peer_forwarding_fee: details
                .counterparty_forwarding_info_fee_base_msat
                .zip(details.counterparty_forwarding_info_fee_proportional_millionths)
                .map(|(base_msat, proportional_millionths)| ForwardingFee {
                    base_msat,
                    proportional_millionths,
                }),
        }
    }
}

/// What the node has, in whole satoshi. HTLCs are rounded, so books are compared with channels
/// instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balances {
    /// On-chain, with the reserve and what is not confirmed.
    pub onchain_total_sat: u64,
    /// On-chain, without the reserve.
    pub onchain_spendable_sat: u64,
    /// What of the on-chain coins is kept for closing anchor channels.
    pub anchor_reserve_sat: u64,
    /// What we would get if every channel were closed now.
    pub lightning_total_sat: u64,
}

/// A peer that is connected, or that we connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its public key.
    pub node_id: PublicKey,
    /// Where it is.
    pub address: SocketAddress,
    /// Whether it is connected now.
    pub is_connected: bool,
    /// Whether we connect to it again after a restart.
    pub is_persisted: bool,
}

/// Why a peer is not connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Our node is not running.
    #[error("the Lightning node is not running")]
    NotRunning,
    /// The peer did not answer there, or is another.
    #[error("peer {0} cannot be reached")]
    Unreachable(PublicKey, #[source] NodeError),
}

/// Why no channel is being opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenChannelError {
    /// Our node is not running.
    #[error("the Lightning node is not running")]
    NotRunning,
    /// The peer cannot be reached.
    #[error("peer {0} cannot be reached")]
    Unreachable(PublicKey, #[source] NodeError),
    /// Too few coins for the channel and the anchor reserve.
    #[error("the node's on-chain wallet holds too little for the channel and its reserve")]
    InsufficientFunds,
    /// LDK refused: the size, the pushed amount, or (announced) no alias and listening address.
    #[error("the channel was refused")]
    Refused(#[source] NodeError),
}

/// Why a command to the node failed.
#[derive(Debug, thiserror::Error)]
pub enum NodeCallError {
    /// Our node is not running.
    #[error("the Lightning node is not running")]
    NotRunning,
    /// It took longer than the node waits: a look at the chain that has much to look for.
    #[error("the Lightning node took too long")]
    TimedOut(#[source] NodeError),
    /// The node said no.
    #[error("the Lightning node failed")]
    Failed(#[source] NodeError),
}

impl From<NodeError> for NodeCallError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::NotRunning => Self::NotRunning,
            error @ (NodeError::TxSyncTimeout | NodeError::WalletOperationTimeout) => {
                Self::TimedOut(error)
            }
            error => Self::Failed(error),
        }
    }
}

/// A channel to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenChannel {
    /// With whom.
    pub peer: PublicKey,
    /// Where it is.
    pub address: SocketAddress,
    /// The size, in satoshi; ldk-node refuses more than 16,777,215 as the acceptor.
    pub capacity_sat: u64,
    /// What is the other side's from the beginning: given away.
    pub push_msat: Option<Msat>,
    /// Whether it is announced in the gossip, so that it forwards payments of others.
    pub is_announced: bool,
    /// What we ask for forwarding payments to the other side: 1,000 msat for each when it is left out.
    pub forwarding_fee: Option<ForwardingFee>,
}

impl LdkNode {
    /// The channels that are open or being opened.
    pub fn channels(&self) -> Vec<Channel> {
        self.node
            .list_channels()
            .into_iter()
            .map(Channel::from)
            .collect()
    }

    /// What the node has.
    pub fn balances(&self) -> Balances {
        let balances = self.node.list_balances();
        Balances {
            onchain_total_sat: balances.total_onchain_balance_sats,
            onchain_spendable_sat: balances.spendable_onchain_balance_sats,
            anchor_reserve_sat: balances.total_anchor_channels_reserve_sats,
            lightning_total_sat: balances.total_lightning_balance_sats,
        }
    }

    /// The peers that are connected or known.
    pub fn peers(&self) -> Vec<Peer> {
        let peers = self.node.list_peers().into_iter();
        peers
            .map(|peer| Peer {
                node_id: peer.node_id,
                address: peer.address,
                is_connected: peer.is_connected,
                is_persisted: peer.is_persisted,
            })
            .collect()
    }

    /// Where the node takes connections; nothing when it does not listen.
    pub fn listening_addresses(&self) -> Vec<SocketAddress> {
        self.node.listening_addresses().unwrap_or_default()
    }

    /// Connects to a peer, now and after every restart. Does nothing when it is connected.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect(&self, peer: PublicKey, address: SocketAddress) -> Result<(), ConnectError> {
        on_plain_thread(|| self.node.connect(peer, address, true)).map_err(|error| match error {
            NodeError::NotRunning => ConnectError::NotRunning,
            error => ConnectError::Unreachable(peer, error),
        })
    }

    /// Tries once to connect to every known peer that is away, and answers how many still are. The
    /// node itself tries only once a minute: call this after a start until it answers 0.
    pub fn reconnect_peers(&self) -> usize {
        let away = self
            .peers()
            .into_iter()
            .filter(|peer| peer.is_persisted && !peer.is_connected);
        away.filter(|peer| self.connect(peer.node_id, peer.address.clone()).is_err())
            .count()
    }

    /// Disconnects a peer and forgets where it is: it is not connected to again.
    ///
    /// # Errors
    /// [`NodeCallError`].
    pub fn disconnect(&self, peer: PublicKey) -> Result<(), NodeCallError> {
        Ok(on_plain_thread(|| self.node.disconnect(peer))?)
    }

    /// Begins to open a channel from the node's on-chain coins, and answers our own name for it. It
    /// can be used when its funding is confirmed; the events tell.
    ///
    /// # Errors
    /// [`OpenChannelError`].
    pub fn open_channel(&self, channel: &OpenChannel) -> Result<u128, OpenChannelError> {
        let push_msat = channel.push_msat.map(Msat::unsigned);
        let config = channel.forwarding_fee.map(|fee| ChannelConfig {
            forwarding_fee_base_msat: fee.base_msat,
            forwarding_fee_proportional_millionths: fee.proportional_millionths,
            ..ChannelConfig::default()
        });
        let opened = on_plain_thread(|| {
            let (peer, address, sat) =
                (channel.peer, channel.address.clone(), channel.capacity_sat);
            if channel.is_announced {
                self.node
                    .open_announced_channel(peer, address, sat, push_msat, config)
            } else {
                self.node
                    .open_channel(peer, address, sat, push_msat, config)
            }
        });
        opened
            .map(|UserChannelId(id)| id)
            .map_err(|error| match error {
                NodeError::NotRunning => OpenChannelError::NotRunning,
                NodeError::InsufficientFunds => OpenChannelError::InsufficientFunds,
                NodeError::ConnectionFailed | NodeError::InvalidSocketAddress => {
                    OpenChannelError::Unreachable(channel.peer, error)
                }
                error => OpenChannelError::Refused(error),
            })
    }

    /// Closes the channel that we call `user_channel_id`, together with its peer. Does nothing for
    /// a channel that is not there.
    ///
    /// # Errors
    /// [`NodeCallError`].
    pub fn close_channel(
        &self,
        user_channel_id: u128,
        peer: PublicKey,
    ) -> Result<(), NodeCallError> {
        let id = UserChannelId(user_channel_id);
        Ok(on_plain_thread(|| self.node.close_channel(&id, peer))?)
    }

    /// Closes the channel that we call `user_channel_id` alone, over the chain: what is ours comes after a delay. Does
    /// nothing for a channel that is not there.
    ///
    /// # Errors
    /// [`NodeCallError`].
    pub fn force_close_channel(
        &self,
        user_channel_id: u128,
        peer: PublicKey,
    ) -> Result<(), NodeCallError> {
        let id = UserChannelId(user_channel_id);
        Ok(on_plain_thread(|| {
            self.node.force_close_channel(&id, peer, None)
        })?)
    }

    /// A fresh address of the node's own on-chain wallet. Never give it to a customer: the node
    /// does not say which address was paid.
    ///
    /// # Errors
    /// [`NodeCallError`].
    pub fn new_onchain_address(&self) -> Result<Address, NodeCallError> {
        Ok(on_plain_thread(|| {
            self.node.onchain_payment().new_address()
        })?)
    }

    /// Brings the channels and the on-chain wallet to the tip of the chain as it is when the call
    /// begins.
    ///
    /// One call at a time: ldk-node lets a call that finds another one running answer with that
    /// one's result, which may not know the newest block.
    ///
    /// # Errors
    /// [`NodeCallError`].
    pub fn sync_wallets(&self) -> Result<(), NodeCallError> {
        let _turn = self
            .chain_turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(on_plain_thread(|| self.node.sync_wallets())?)
    }
}

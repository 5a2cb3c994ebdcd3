//! The port `NodeOperator`: a node in its owner's hands.
//!
//! It decides nothing: whether a channel may be opened twice is its caller's to find out.

use std::str::FromStr;
use std::time::{Duration, Instant};

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::PublicKey;
use lightning::ln::channelmanager::PaymentId;
use lightning::ln::msgs::SocketAddress;
use payments::ports::{
    ChannelRequest, ChannelStatus, NodeOperator, NodeOperatorError, NodeStatus, NodeView,
    PeerStatus, WalletStatus,
};

use crate::channels::{Channel, ConnectError, NodeCallError, OpenChannel, OpenChannelError};
use crate::rail::LdkRail;

/// How long the peer and the chain may take before a call answers all the same.
const SEEN_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

impl NodeOperator for LdkRail {
    fn status(&self) -> NodeStatus {
        let node = self.node();
        let balances = node.balances();
        let peers = node.peers().into_iter().map(|peer| PeerStatus {
            node_id: peer.node_id,
            address: peer.address.to_string(),
            is_connected: peer.is_connected,
        });
        NodeStatus {
            node_id: node.node_id(),
            block_height: node.block_height(),
            wallet: WalletStatus {
                total_sat: balances.onchain_total_sat,
                spendable_sat: balances.onchain_spendable_sat,
                anchor_reserve_sat: balances.anchor_reserve_sat,
            },
            channels: node.channels().into_iter().map(status).collect(),
            closing: self.funds().closing.iter().map(|c| c.channel_id).collect(),
            peers: peers.collect(),
        }
    }

    fn fresh_address(&self) -> Result<String, NodeOperatorError> {
        let address = self.node().new_onchain_address().map_err(refused)?;
        Ok(address.to_string())
    }

    fn connect(&self, peer: PublicKey, address: &str) -> Result<(), NodeOperatorError> {
        let connected = self.node().connect(peer, parse(address)?);
        connected.map_err(|error| match error {
            ConnectError::NotRunning => NodeOperatorError::NotRunning,
            error @ ConnectError::Unreachable(..) => {
                NodeOperatorError::Unreachable(Box::new(error))
            }
        })
    }

    fn open_channel(&self, request: &ChannelRequest) -> Result<u128, NodeOperatorError> {
        let node = self.node();
        let opened = node.open_channel(&OpenChannel {
            peer: request.peer,
            address: parse(&request.address)?,
            capacity_sat: request.amount_sat,
            push_msat: None,
            is_announced: request.is_announced,
            forwarding_fee: None,
        });
        let name = opened.map_err(|error| match error {
            OpenChannelError::NotRunning => NodeOperatorError::NotRunning,
            error @ OpenChannelError::Unreachable(..) => {
                NodeOperatorError::Unreachable(Box::new(error))
            }
            OpenChannelError::InsufficientFunds => NodeOperatorError::InsufficientFunds {
                spendable_sat: node.balances().onchain_spendable_sat,
            },
            error @ OpenChannelError::Refused(_) => NodeOperatorError::Refused(Box::new(error)),
        })?;
        self.let_the_wallet_see(name);
        Ok(name)
    }

    fn close_channel(&self, channel_id: [u8; 32], force: bool) -> Result<(), NodeOperatorError> {
        let channels = self.node().channels();
        let found = channels.iter().find(|c| c.channel_id.0 == channel_id);
        let channel = found.ok_or(NodeOperatorError::UnknownChannel)?;
        let (name, peer) = (channel.user_channel_id, channel.counterparty);
        let closed = if force {
            self.node().force_close_channel(name, peer)
        } else {
            self.node().close_channel(name, peer)
        };
        closed.map_err(refused)
    }
}

impl LdkRail {
    /// ldk-node's wallet knows a funding transaction only from the chain: until it has looked there, it counts the
    /// coins as its own and would spend them on the next channel once more.
    fn let_the_wallet_see(&self, name: u128) {
        let deadline = Instant::now() + SEEN_WITHIN;
        while Instant::now() < deadline {
            let channels = self.node().channels();
            let Some(channel) = channels.iter().find(|c| c.user_channel_id == name) else {
                // The peer has backed out.
                return;
            };
            if let Some(funding) = channel.funding {
                if let Err(error) = self.node().sync_wallets() {
                    tracing::warn!(%error, "the wallet cannot look at the chain");
                }
                let record = PaymentId(funding.txid.to_byte_array());
                if self.node().node.payment(&record).is_some() {
                    return;
                }
            }
            std::thread::sleep(POLL);
        }
        tracing::warn!("the wallet has not seen the funding of a channel yet");
    }
}

fn status(channel: Channel) -> ChannelStatus {
    ChannelStatus {
        channel_id: channel.channel_id.0,
        name: channel.user_channel_id,
        peer: channel.counterparty,
        funding: channel.funding,
        capacity_sat: channel.capacity_sat,
        outbound_msat: channel.outbound_capacity_msat,
        inbound_msat: channel.inbound_capacity_msat,
        is_outbound: channel.is_outbound,
        is_announced: channel.is_announced,
        is_ready: channel.is_ready,
        is_usable: channel.is_usable,
    }
}

fn parse(address: &str) -> Result<SocketAddress, NodeOperatorError> {
    SocketAddress::from_str(address).map_err(|_| NodeOperatorError::InvalidAddress)
}

fn refused(error: NodeCallError) -> NodeOperatorError {
    match error {
        NodeCallError::NotRunning => NodeOperatorError::NotRunning,
        error @ (NodeCallError::TimedOut(_) | NodeCallError::Failed(_)) => {
            NodeOperatorError::Refused(Box::new(error))
        }
    }
}

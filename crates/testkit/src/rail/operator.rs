//! The port `NodeOperator` of [`FakeRail`]: its owner finds what the test put there.

use bitcoin::OutPoint;
use bitcoin::Txid;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::PublicKey;
use money::Msat;
use payments::ports::{
    ChannelRequest, ChannelStatus, NodeOperator, NodeOperatorError, NodeStatus, PeerStatus, Rail,
    WalletStatus,
};

use super::FakeRail;

/// What the owner of the fake node finds and does.
#[derive(Default)]
pub(super) struct Owned {
    wallet: WalletStatus,
    channels: Vec<ChannelStatus>,
    peers: Vec<PeerStatus>,
    requests: Vec<ChannelRequest>,
    closed: Vec<([u8; 32], bool)>,
    addresses: usize,
    /// Whether openings end with an error: with a channel all the same, or with none.
    failing: Option<bool>,
    peers_are_away: bool,
}

impl FakeRail {
    /// What the node's own wallet may spend.
    pub fn set_spendable(&self, spendable_sat: u64) {
        self.state().owned.wallet = WalletStatus {
            total_sat: spendable_sat,
            spendable_sat,
            anchor_reserve_sat: 0,
        };
    }

    /// Every channel that the node was asked to open, in order.
    #[must_use]
    pub fn opening_requests(&self) -> Vec<ChannelRequest> {
        self.state().owned.requests.clone()
    }

    /// Every channel that the node was asked to close, in order, and whether by force.
    #[must_use]
    pub fn closed_channels(&self) -> Vec<([u8; 32], bool)> {
        self.state().owned.closed.clone()
    }

    /// Lets openings end with an error, though a channel comes of them if `opened`; `None`: they succeed again.
    pub fn fail_openings(&self, opened: Option<bool>) {
        self.state().owned.failing = opened;
    }

    /// Makes every peer unreachable while `away` is true.
    pub fn take_peers_away(&self, away: bool) {
        self.state().owned.peers_are_away = away;
    }

    /// The funding of the node's channels is confirmed: all can be used.
    pub fn confirm_channels(&self) {
        for channel in &mut self.state().owned.channels {
            (channel.is_ready, channel.is_usable) = (true, true);
        }
    }

    /// The node has no channel any more.
    pub fn lose_channels(&self) {
        self.state().owned.channels.clear();
    }
}

/// The id of the fake node's channel with this name.
fn channel_id(name: u128) -> [u8; 32] {
    let mut id = [0xc0; 32];
    id[16..].copy_from_slice(&name.to_be_bytes());
    id
}

fn channel(request: &ChannelRequest, name: u128) -> ChannelStatus {
    let amount_sat = i64::try_from(request.amount_sat).expect("an amount");
    ChannelStatus {
        channel_id: channel_id(name),
        name,
        peer: request.peer,
        funding: Some(OutPoint::new(Txid::from_byte_array(channel_id(name)), 0)),
        capacity_sat: request.amount_sat,
        outbound_msat: Msat::from_sat(amount_sat).expect("an amount"),
        inbound_msat: Msat::ZERO,
        is_outbound: true,
        is_announced: request.is_announced,
        is_ready: false,
        is_usable: false,
    }
}

impl NodeOperator for FakeRail {
    fn status(&self) -> NodeStatus {
        let node_id = self.node_id();
        let state = self.state();
        NodeStatus {
            node_id,
            block_height: state.funds.block_height,
            wallet: state.owned.wallet,
            channels: state.owned.channels.clone(),
            closing: state.funds.closing.iter().map(|c| c.channel_id).collect(),
            peers: state.owned.peers.clone(),
        }
    }

    fn fresh_address(&self) -> Result<String, NodeOperatorError> {
        let mut state = self.state();
        if state.down {
            return Err(NodeOperatorError::NotRunning);
        }
        state.owned.addresses += 1;
        Ok(format!("bcrt1qfake{}", state.owned.addresses))
    }

    fn connect(&self, peer: PublicKey, address: &str) -> Result<(), NodeOperatorError> {
        let owned = &mut self.state().owned;
        if owned.peers_are_away {
            return Err(NodeOperatorError::Unreachable("nobody answers".into()));
        }
        owned.peers.retain(|known| known.node_id != peer);
        owned.peers.push(PeerStatus {
            node_id: peer,
            address: address.to_owned(),
            is_connected: true,
        });
        Ok(())
    }

    fn open_channel(&self, request: &ChannelRequest) -> Result<u128, NodeOperatorError> {
        self.connect(request.peer, &request.address)?;
        let owned = &mut self.state().owned;
        let spendable_sat = owned.wallet.spendable_sat;
        if spendable_sat < request.amount_sat {
            return Err(NodeOperatorError::InsufficientFunds { spendable_sat });
        }
        owned.requests.push(request.clone());
        let name = u128::try_from(owned.requests.len()).expect("a name");
        if owned.failing != Some(false) {
            owned.channels.push(channel(request, name));
        }
        match owned.failing {
            Some(_) => Err(NodeOperatorError::Refused("told to fail".into())),
            None => Ok(name),
        }
    }

    fn close_channel(&self, channel_id: [u8; 32], force: bool) -> Result<(), NodeOperatorError> {
        let owned = &mut self.state().owned;
        let before = owned.channels.len();
        owned
            .channels
            .retain(|channel| channel.channel_id != channel_id);
        if owned.channels.len() == before {
            return Err(NodeOperatorError::UnknownChannel);
        }
        owned.closed.push((channel_id, force));
        Ok(())
    }
}

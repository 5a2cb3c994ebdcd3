//! Lightning by ldk-node: the rail, its event pump and its key-value store.
//!
//! [`LdkNode::start`] runs a node on the domain's byte store, and [`LdkRail`] is the port `Rail`
//! over it. Before a node starts, [`StoredNode`] proves which payments LDK knows nothing of. The
//! rest is for the node's owner: channels and peers, and the payments by hand that the sandbox's
//! counterparty makes.
//!
//! This crate must never decide about money: it reports what is certain, and `Unknown` for the
//! rest.

mod channels;
mod config;
mod event_queue;
mod events;
mod failures;
mod kv;
mod log;
mod manual;
mod node;
mod node_event;
mod node_view;
mod operator;
mod past_attempts;
mod plain_thread;
mod proof;
mod rail;
mod reach;
mod records;
mod wallet;

pub use channels::{
    Balances, Channel, ConnectError, ForwardingFee, NodeCallError, OpenChannel, OpenChannelError,
    Peer,
};
pub use config::{NodeConfig, NodeSeed, SeedError, SyncIntervals};
pub use kv::{ChannelManagerMark, NodeStateKv};
pub use ldk_node::bip39::Mnemonic;
pub use ldk_node::{BuildError, NodeError};
pub use lightning::ln::msgs::SocketAddress;
pub use lightning::ln::types::ChannelId;
pub use manual::{HeldPaymentError, ReceiveError, SendError};
pub use node::{LdkNode, NODE_THREAD, StartError, StopError};
pub use node_event::{ChannelChange, NodeEvent};
pub use proof::StoredNode;
pub use rail::LdkRail;
pub use records::SettledPayment;

//! What can go wrong with the chain and the nodes of the sandbox.

use rail_ldk::NodeCallError;
use store::LeaseError;

use crate::compose::ComposeError;

/// Why the chain or the nodes are not there.
#[derive(Debug, thiserror::Error)]
pub enum EconomyError {
    /// The chain.
    #[error("the chain of the sandbox cannot be opened")]
    Chain(#[from] devchain::OpenError),
    /// A block could not be mined.
    #[error("no block can be mined")]
    Mine(#[from] devchain::MineError),
    /// An opener of channels could not be given coins.
    #[error("a node could not be given coins")]
    Faucet(#[from] devchain::PayError),
    /// Another branch could not take over.
    #[error("no other branch can take over")]
    Reorganise(#[from] devchain::ReorganiseError),
    /// The branch would begin before the sandbox was started: its channels would be undone.
    #[error("at most {most} blocks can leave the chain")]
    TooDeep {
        /// How many there are since.
        most: u32,
    },
    /// The lease of another node on its state.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// A node that is not ours.
    #[error("a node of the sandbox did not start")]
    Node(#[from] rail_ldk::StartError),
    /// Our node under its server.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// A node refused a call.
    #[error("a node of the sandbox refused a call")]
    Call(#[from] NodeCallError),
    /// A channel could not be opened.
    #[error("a channel of the sandbox could not be opened")]
    OpenChannel(#[from] rail_ldk::OpenChannelError),
    /// The nodes do not find each other.
    #[error("the nodes of the sandbox do not connect or have no channel after {} s", super::nodes::PATIENCE.as_secs())]
    Slow,
    /// An address or thread could not be had.
    #[error("the sandbox cannot listen or start a thread")]
    Io(#[from] std::io::Error),
    /// The channel could not be booked.
    #[error("the channel could not be booked")]
    Books(#[from] store::acts::posting::PostError),
}

//! The ports: what the domain asks of the world, and nothing about how it is done.
//!
//! These are the only traits that tests replace. A port must never be called inside a database transaction,
//! except [`EventBodies`], which is pure.

mod chain_wallet;
mod clock;
mod event_bodies;
mod node_operator;
mod node_state;
mod node_view;
mod rail;

pub use chain_wallet::{
    ChainPosition, ChainTip, ChainUnavailable, ChainView, ChainWallet, Fate, Keychain, WalletCoin,
    WalletDescriptors,
};
pub use clock::{Clock, Entropy, SystemClock, SystemEntropy};
pub use event_bodies::{EventBodies, EventBody};
pub use node_operator::{
    ChannelRequest, ChannelStatus, NodeOperator, NodeOperatorError, NodeStatus, PeerStatus,
    WalletStatus,
};
pub use node_state::{Durable, NodeState, NodeStateError, StateChange, StateKey};
pub use node_view::{
    ChannelFunds, ClosingFunds, Htlc, NodeFunds, NodePayment, NodePaymentState, NodePayments,
    NodeView, WalletMove, WalletTransaction, possible_fundings,
};
pub use rail::{
    CreateInvoiceError, Direction, ForgetError, InvoiceRequest, PayAnswer, PayRequest,
    PaymentFailure, Rail, RailEvent, RailInvoice, RailPayment, RailRecord, Rejection,
    StoredPayments,
};

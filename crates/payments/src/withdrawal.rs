//! [`Withdrawal`]: money on its way out over Lightning.
//!
//! Its states are moved by [`state::transition`] alone. `Dispatched` means that the outcome is not known, and
//! only the rail's word leaves it; no timer and no error may.

pub mod pending;
pub mod request;
pub mod retry;
pub mod state;

use bitcoin::secp256k1::PublicKey;
use jiff::Timestamp;
use ledger::postings::withdrawal::{Amounts, UnusedReserve};
use money::Msat;

pub use self::request::{Asked, NewWithdrawal, RequestWithdrawalError, SendAll};
pub use self::state::{Input, Transition, WithdrawalFailure, WithdrawalState};
use crate::ids::{AccountId, ApiKeyId, PostingId, WithdrawalId};
use crate::metadata::Metadata;
use crate::payment_hash::{PaymentHash, PaymentPreimage};

/// A Lightning withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// Its id.
    pub id: WithdrawalId,
    /// Who pays.
    pub account_id: AccountId,
    /// The key that asked for it: its hub events go to this key's connections.
    pub api_key_id: ApiKeyId,
    /// The client's own id for it, when it came over the hub.
    pub client_id: Option<String>,
    /// The invoice to pay.
    pub bolt11: String,
    /// That invoice's payment hash.
    pub payment_hash: PaymentHash,
    /// The payee's node.
    pub destination: PublicKey,
    /// What is held for it.
    pub amounts: Amounts,
    /// What becomes of the reserve that no route takes.
    pub unused_reserve: UnusedReserve,
    /// The customer's notes.
    pub metadata: Option<Metadata>,
    /// Where it stands.
    pub state: WithdrawalState,
    /// What the routing nodes took, once it is settled.
    pub fee_msat: Option<Msat>,
    /// The proof of payment, once it is settled.
    pub preimage: Option<PaymentPreimage>,
    /// Why it failed, once it has.
    pub failure: Option<WithdrawalFailure>,
    /// The posting that holds its money.
    pub hold_posting_id: PostingId,
    /// How often it was dispatched.
    pub attempts: i64,
    /// While it is reserved: when it may be dispatched.
    pub next_attempt_at: Timestamp,
    /// Whether its payment hash must not be sent again yet: its latest attempt came back, and a crash could bring
    /// that failure back once more.
    pub resend_barred: bool,
    /// How often no route was found for it.
    pub routes_not_found: i64,
    /// Whether it waits for a payment under way to end, because the channels are full.
    pub waits_for_room: bool,
    /// When the invoice runs out.
    pub expires_at: Timestamp,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Withdrawal {
    /// What the customer pays for routing, as far as it is known: never more than was held, and all that was held
    /// when the withdrawal emptied the account.
    pub fn charged_routing_fee_msat(&self) -> Msat {
        match (self.fee_msat, self.unused_reserve) {
            (None, _) => Msat::ZERO,
            (Some(_), UnusedReserve::Kept) => self.amounts.fee_reserve_msat,
            (Some(fee_msat), UnusedReserve::Returned) => {
                fee_msat.min(self.amounts.fee_reserve_msat)
            }
        }
    }
}

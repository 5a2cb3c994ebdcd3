//! Why a withdrawal is pending, and when it can be over at the latest: a view, decided from its arguments.
//!
//! It explains and must never decide: no time it names releases a hold.

use jiff::{SignedDuration, Timestamp};
use money::Msat;

use super::{Withdrawal, WithdrawalState};

/// What a block takes on average.
const BLOCK: SignedDuration = SignedDuration::from_mins(10);
/// The longest that a payment may hang on its way, in blocks (LDK: `DEFAULT_MAX_TOTAL_CLTV_EXPIRY_DELTA`).
const LONGEST_BLOCKS: u32 = 1_008;
/// What the chain may take after that to end it, in blocks: the close (LDK: `LATENCY_GRACE_PERIOD_BLOCKS`, 3), its
/// transactions, and the confirmations that count (LDK: `ANTI_REORG_DELAY`, 6).
const CHAIN_BLOCKS: u32 = 12;

/// What a pending withdrawal waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PendingReason {
    /// Nothing of it was sent: somebody has to approve it first.
    WaitsForApproval,
    /// Nothing of it was sent: it is about to be.
    Queued,
    /// Nothing of it is under way: the channels are full of other payments.
    WaitsForRoom,
    /// Nothing of it is under way: it came back, and is sent again once no crash can bring that failure back.
    WaitsForProof,
    /// Nothing of it is under way: no route was found, or no peer is connected. It is tried again.
    TriedAgain,
    /// It was given to the node, which has not told what became of it.
    WithTheNode,
    /// It is on its way: it stands on a commitment transaction of ours.
    InFlight,
}

impl PendingReason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::WaitsForApproval,
        Self::Queued,
        Self::WaitsForRoom,
        Self::WaitsForProof,
        Self::TriedAgain,
        Self::WithTheNode,
        Self::InFlight,
    ];

    /// Its name, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WaitsForApproval => "waits_for_approval",
            Self::Queued => "queued",
            Self::WaitsForRoom => "waits_for_room",
            Self::WaitsForProof => "waits_for_proof",
            Self::TriedAgain => "tried_again",
            Self::WithTheNode => "with_the_node",
            Self::InFlight => "in_flight",
        }
    }

    /// What it means, for people.
    pub const fn says(self) -> &'static str {
        match self {
            Self::WaitsForApproval => {
                "Its amount is above what this API key may send alone: somebody has to approve it before the invoice \
                 runs out."
            }
            Self::Queued => "Accepted; it waits for its turn to be sent.",
            Self::WaitsForRoom => {
                "Nothing is under way: the channels are full of other payments. It is sent when one of them ends."
            }
            Self::WaitsForProof => {
                "Nothing is under way: the last attempt came back. It is sent again as soon as it is proven that no \
                 crash can bring that failure back."
            }
            Self::TriedAgain => {
                "Nothing is under way: no route was found, or no peer is connected. It is tried again until the \
                 invoice runs out."
            }
            Self::WithTheNode => {
                "It was given to the node, which has not said what became of it. The hold stays until it does."
            }
            Self::InFlight => "It is on its way: the recipient, or a node on the route, holds it.",
        }
    }

    /// What a restart of the server would do to it.
    pub const fn after_restart(self) -> &'static str {
        match self {
            Self::WaitsForApproval => "It would wait for its approval as before.",
            Self::Queued | Self::WaitsForRoom | Self::WaitsForProof | Self::TriedAgain => {
                "It would be sent after the restart."
            }
            Self::WithTheNode => {
                "It would stay pending, unless the node's stored state proves that it was never sent: then it would be \
                 sent after the restart."
            }
            Self::InFlight => "It would stay pending, and end as it will end now.",
        }
    }
}

/// What the node knows of a payment that stands on commitment transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnCommitment {
    /// What it carries, fees of later hops included, in whole satoshi.
    pub amount_msat: Msat,
    /// The block height at which the last part of it runs out.
    pub expires_height: u32,
    /// The newest block the node had seen.
    pub block_height: u32,
    /// When that was.
    pub as_of: Timestamp,
}

/// Why it is pending, and until when at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// What it waits for.
    pub reason: PendingReason,
    /// When it can be over at the latest: when the invoice runs out while nothing is under way, and when the chain
    /// must have ended it while something may be. Blocks are reckoned at ten minutes.
    pub resolves_by: Timestamp,
    /// The block height of that, when the node knows the payment.
    pub resolves_by_height: Option<u32>,
}

/// Why `withdrawal` is pending; `None` once it is not.
pub fn pending(withdrawal: &Withdrawal, commitment: Option<&OnCommitment>) -> Option<Pending> {
    let after = |time: Timestamp, blocks: u32| {
        let blocks = i32::try_from(blocks).unwrap_or(i32::MAX);
        BLOCK
            .checked_mul(blocks)
            .and_then(|span| time.checked_add(span).ok())
            .unwrap_or(Timestamp::MAX)
    };
    let unsent = |reason| Pending {
        reason,
        resolves_by: withdrawal.expires_at,
        resolves_by_height: None,
    };
    match (withdrawal.state, commitment) {
        (WithdrawalState::Settled | WithdrawalState::Failed, _) => None,
        (WithdrawalState::Unapproved, _) => Some(unsent(PendingReason::WaitsForApproval)),
        (WithdrawalState::Reserved, _) => Some(unsent(unsent_reason(withdrawal))),
        (WithdrawalState::Dispatched, Some(known)) => {
            let height = known.expires_height.saturating_add(CHAIN_BLOCKS);
            Some(Pending {
                reason: PendingReason::InFlight,
                resolves_by: after(known.as_of, height.saturating_sub(known.block_height)),
                resolves_by_height: Some(height),
            })
        }
        // It was last changed when it was dispatched.
        (WithdrawalState::Dispatched, None) => Some(Pending {
            reason: PendingReason::WithTheNode,
            resolves_by: after(withdrawal.updated_at, LONGEST_BLOCKS + CHAIN_BLOCKS),
            resolves_by_height: None,
        }),
    }
}

const fn unsent_reason(withdrawal: &Withdrawal) -> PendingReason {
    if withdrawal.resend_barred {
        PendingReason::WaitsForProof
    } else if withdrawal.waits_for_room {
        PendingReason::WaitsForRoom
    } else if withdrawal.attempts == 0 {
        PendingReason::Queued
    } else {
        PendingReason::TriedAgain
    }
}

#[cfg(test)]
mod tests;

//! [`Posting`]: the transfers of one business event, which are written together or not at all.
//!
//! Every leg has two sides, so a posting cannot be out of balance; [`Posting::check`] refuses the rest of what
//! could be wrong with one before it reaches a database.

use money::Msat;

use crate::account::AccountNumber;
use crate::hold::HeldTransfer;

/// Which business event a posting books. The names stand in the database and must not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PostingCode {
    /// A withdrawal's amount and fees are held.
    WithdrawalHeld,
    /// A held withdrawal was paid.
    WithdrawalSettled,
    /// A held withdrawal came back.
    WithdrawalFailed,
    /// A withdrawal booked as failed was paid after all: the operator bears it.
    WithdrawalContradicted,
    /// The node paid what no withdrawal asked for: the operator bears it.
    PaymentUnasked,
    /// A deposit arrived.
    DepositSettled,
    /// Another account of this server paid: the money came from there, not from the rail.
    DepositTransferred,
    /// Money arrived that belongs to nobody known.
    DepositSuspended,
    /// A person said to whom suspended money belongs.
    SuspenseAssigned,
    /// The operator put money of its own into the node.
    CapitalAdded,
    /// Coins came into the node's wallet from outside.
    WalletFunded,
    /// The node's wallet paid for a transaction of a channel.
    WalletSpent,
    /// The node's wallet funded a channel.
    ChannelOpened,
    /// Coins of a closed channel came into the node's wallet.
    ChannelSwept,
    /// A closed channel is fetched: what was too small for the chain is gone.
    ChannelEnded,
    /// An on-chain deposit has enough confirmations.
    OnchainDepositSettled,
    /// A credited on-chain deposit was double-spent.
    OnchainDepositReversed,
    /// Coins came to an address of the on-chain wallet that was given to nobody.
    OnchainCoinSuspended,
    /// Coins of the operator came to the on-chain wallet.
    HotWalletFunded,
    /// An on-chain withdrawal's amount and fees are held.
    OnchainWithdrawalHeld,
    /// An on-chain withdrawal is in a block for good.
    OnchainWithdrawalSettled,
    /// An on-chain withdrawal was never sent, and never will be.
    OnchainWithdrawalFailed,
}

impl PostingCode {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::WithdrawalHeld,
        Self::WithdrawalSettled,
        Self::WithdrawalFailed,
        Self::WithdrawalContradicted,
        Self::PaymentUnasked,
        Self::DepositSettled,
        Self::DepositTransferred,
        Self::DepositSuspended,
        Self::SuspenseAssigned,
        Self::CapitalAdded,
        Self::WalletFunded,
        Self::WalletSpent,
        Self::ChannelOpened,
        Self::ChannelSwept,
        Self::ChannelEnded,
        Self::OnchainDepositSettled,
        Self::OnchainDepositReversed,
        Self::OnchainCoinSuspended,
        Self::HotWalletFunded,
        Self::OnchainWithdrawalHeld,
        Self::OnchainWithdrawalSettled,
        Self::OnchainWithdrawalFailed,
    ];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WithdrawalHeld => "withdrawal_held",
            Self::WithdrawalSettled => "withdrawal_settled",
            Self::WithdrawalFailed => "withdrawal_failed",
            Self::WithdrawalContradicted => "withdrawal_contradicted",
            Self::PaymentUnasked => "payment_unasked",
            Self::DepositSettled => "deposit_settled",
            Self::DepositTransferred => "deposit_transferred",
            Self::DepositSuspended => "deposit_suspended",
            Self::SuspenseAssigned => "suspense_assigned",
            Self::CapitalAdded => "capital_added",
            Self::WalletFunded => "wallet_funded",
            Self::WalletSpent => "wallet_spent",
            Self::ChannelOpened => "channel_opened",
            Self::ChannelSwept => "channel_swept",
            Self::ChannelEnded => "channel_ended",
            Self::OnchainDepositSettled => "onchain_deposit_settled",
            Self::OnchainDepositReversed => "onchain_deposit_reversed",
            Self::OnchainCoinSuspended => "onchain_coin_suspended",
            Self::HotWalletFunded => "hot_wallet_funded",
            Self::OnchainWithdrawalHeld => "onchain_withdrawal_held",
            Self::OnchainWithdrawalSettled => "onchain_withdrawal_settled",
            Self::OnchainWithdrawalFailed => "onchain_withdrawal_failed",
        }
    }
}

/// What kind of fact outside the books a posting answers to. The names stand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FactKind {
    /// A withdrawal of ours, by its id: its hold.
    WithdrawalHold,
    /// A withdrawal of ours, by its id: its end.
    WithdrawalEnd,
    /// A withdrawal of ours, by its id: its contradiction.
    WithdrawalContradiction,
    /// A payment that went out over Lightning and that no withdrawal asked for, by its payment hash.
    LightningSent,
    /// A payment that came in over Lightning, by its payment hash.
    LightningReceived,
    /// A second payment that came in over Lightning for one payment hash, by the hash and its amount.
    LightningReceivedAgain,
    /// A payment from one account of ours to another, by its payment hash. It is not
    /// [`Self::LightningReceived`]: money that comes for the same hash from outside is other money.
    InternalPayment,
    /// A suspended item, by its id: where it went.
    SuspenseAssignment,
    /// A channel, by its id, that carries money of the operator.
    Channel,
    /// A transaction of the node's on-chain wallet, by its txid.
    ChainTransaction,
    /// A closed channel, by its id: its end.
    ChannelEnd,
    /// An output that came to the on-chain wallet, by its outpoint and how often it was credited before.
    ChainOutput,
    /// The same, when the credit was taken back.
    ChainOutputReversal,
    /// An on-chain withdrawal of ours, by its id: its hold.
    OnchainWithdrawalHold,
    /// An on-chain withdrawal of ours, by its id: its end.
    OnchainWithdrawalEnd,
}

impl FactKind {
    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WithdrawalHold => "withdrawal_hold",
            Self::WithdrawalEnd => "withdrawal_end",
            Self::WithdrawalContradiction => "withdrawal_contradiction",
            Self::LightningSent => "lightning_sent",
            Self::LightningReceived => "lightning_received",
            Self::LightningReceivedAgain => "lightning_received_again",
            Self::InternalPayment => "internal_payment",
            Self::SuspenseAssignment => "suspense_assignment",
            Self::Channel => "channel",
            Self::ChainTransaction => "chain_transaction",
            Self::ChannelEnd => "channel_end",
            Self::ChainOutput => "chain_output",
            Self::ChainOutputReversal => "chain_output_reversal",
            Self::OnchainWithdrawalHold => "onchain_withdrawal_hold",
            Self::OnchainWithdrawalEnd => "onchain_withdrawal_end",
        }
    }
}

/// The fact a posting books. The books accept one posting for each fact (a unique index keeps it).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fact {
    /// Its kind.
    pub kind: FactKind,
    /// Its id within the kind.
    pub id: Vec<u8>,
}

/// One line of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// Moves an amount at once.
    Transfer {
        /// Who pays.
        debit: AccountNumber,
        /// Who receives.
        credit: AccountNumber,
        /// How much, above zero.
        amount_msat: Msat,
    },
    /// Holds an amount: the payer cannot spend it, the receiver does not have it.
    Hold {
        /// Who would pay.
        debit: AccountNumber,
        /// Who would receive.
        credit: AccountNumber,
        /// How much, above zero.
        amount_msat: Msat,
    },
    /// Resolves a hold by moving `amount_msat` of it and giving the rest back.
    Post {
        /// The hold.
        held: HeldTransfer,
        /// How much moves: above zero, at most what is held.
        amount_msat: Msat,
    },
    /// Resolves a hold by giving all of it back.
    Void {
        /// The hold.
        held: HeldTransfer,
    },
}

/// Why a posting may not be written. Each is a fault of the program, never of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    /// A posting without a line books nothing.
    #[error("the posting has no leg")]
    Empty,
    /// A line moves nothing.
    #[error("leg {0} moves nothing")]
    Zero(usize),
    /// A line goes from an account to itself.
    #[error("leg {0} debits and credits the same account")]
    SameAccount(usize),
    /// A line posts more than was held.
    #[error("leg {0} posts more than was held")]
    MoreThanHeld(usize),
    /// Two lines resolve the same hold.
    #[error("leg {0} resolves a hold that another leg resolves")]
    ResolvedTwice(usize),
}

/// The transfers of one business event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Which event.
    pub code: PostingCode,
    /// The fact it books.
    pub fact: Fact,
    /// Its lines, in the order in which they are written.
    pub legs: Vec<Leg>,
}

impl Posting {
    /// Whether the posting may be written.
    ///
    /// # Errors
    /// [`PostingError`], which names the line that is wrong.
    pub fn check(&self) -> Result<(), PostingError> {
        if self.legs.is_empty() {
            return Err(PostingError::Empty);
        }
        let mut resolved = Vec::new();
        for (number, leg) in self.legs.iter().enumerate() {
            let (debit, credit, moved) = match leg {
                Leg::Transfer {
                    debit,
                    credit,
                    amount_msat,
                }
                | Leg::Hold {
                    debit,
                    credit,
                    amount_msat,
                } => (debit, credit, *amount_msat),
                Leg::Post { held, amount_msat } => {
                    if *amount_msat > held.amount_msat {
                        return Err(PostingError::MoreThanHeld(number));
                    }
                    (&held.debit, &held.credit, *amount_msat)
                }
                Leg::Void { held } => (&held.debit, &held.credit, held.amount_msat),
            };
            if moved.is_zero() {
                return Err(PostingError::Zero(number));
            }
            if debit == credit {
                return Err(PostingError::SameAccount(number));
            }
            if let Leg::Post { held, .. } | Leg::Void { held } = leg {
                if resolved.contains(&held.id) {
                    return Err(PostingError::ResolvedTwice(number));
                }
                resolved.push(held.id);
            }
        }
        Ok(())
    }
}

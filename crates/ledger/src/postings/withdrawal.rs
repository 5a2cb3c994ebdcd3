//! A Lightning withdrawal: held, then settled or failed.
//!
//! | outcome | postings |
//! | --- | --- |
//! | requested | hold the amount, the routing reserve and the platform's fee |
//! | paid, routing fee `f` | post the amount, post `f` of the reserve, post the platform's fee; the float pays |
//! | the same, of a wallet that was emptied | as above, and post the rest of the reserve too: it is the platform's |
//! | paid to another account of ours | post the amount and the platform's fee; the deposit takes it from clearing |
//! | came back | void all three |
//! | unknown | nothing: the hold stays, however long it takes |

use money::{AmountError, Msat};

use crate::account::{AccountNumber, SystemAccount};
use crate::hold::{HeldTransfer, WithdrawalHold};
use crate::posting::{Fact, FactKind, Leg, Posting, PostingCode};

/// What a withdrawal holds, in millisatoshi.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// What the payee gets.
    pub amount_msat: Msat,
    /// The most that may go to routing nodes.
    pub fee_reserve_msat: Msat,
    /// What the platform takes.
    pub platform_fee_msat: Msat,
}

impl Amounts {
    /// All of it: what the customer must have.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`] above all bitcoin.
    pub fn total_msat(&self) -> Result<Msat, AmountError> {
        self.amount_msat
            .checked_add(self.fee_reserve_msat)?
            .checked_add(self.platform_fee_msat)
    }
}

/// What becomes of the part of a routing reserve that no route took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusedReserve {
    /// The customer has it back.
    Returned,
    /// The platform keeps it: the withdrawal took all that the account had, and must leave nothing.
    Kept,
}

/// Holds a withdrawal's amount and fees. The legs stand in the order amount, routing fee, platform fee.
pub fn held(withdrawal_id: [u8; 16], customer: AccountNumber, amounts: &Amounts) -> Posting {
    let parts = [
        (SystemAccount::LightningOutClearing, amounts.amount_msat),
        (SystemAccount::RoutingFee, amounts.fee_reserve_msat),
        (SystemAccount::PlatformFee, amounts.platform_fee_msat),
    ];
    let legs = parts
        .into_iter()
        .filter(|(_, part_msat)| !part_msat.is_zero())
        .map(|(account, amount_msat)| Leg::Hold {
            debit: customer,
            credit: account.number(),
            amount_msat,
        })
        .collect();
    Posting {
        code: PostingCode::WithdrawalHeld,
        fact: Fact {
            kind: FactKind::WithdrawalHold,
            id: withdrawal_id.to_vec(),
        },
        legs,
    }
}

/// Books a withdrawal that was paid with the routing fee `fee_msat`.
///
/// A fee above the reserve (a fault of the node: the reserve is its limit) is not taken from any customer:
/// the operator bears the shortfall.
pub fn settled(
    withdrawal_id: [u8; 16],
    hold: &WithdrawalHold,
    fee_msat: Msat,
    unused: UnusedReserve,
) -> Posting {
    let float = SystemAccount::LightningFloat.number();
    let reserve_msat = hold.routing_fee.map_or(Msat::ZERO, |held| held.amount_msat);
    let from_reserve_msat = fee_msat.min(reserve_msat);
    let charged_msat = match unused {
        UnusedReserve::Returned => from_reserve_msat,
        UnusedReserve::Kept => reserve_msat,
    };
    let mut legs = vec![post(hold.amount, hold.amount.amount_msat)];
    if let Some(routing) = hold.routing_fee {
        legs.push(if charged_msat.is_zero() {
            Leg::Void { held: routing }
        } else {
            post(routing, charged_msat)
        });
    }
    if let Some(platform) = hold.platform_fee {
        legs.push(post(platform, platform.amount_msat));
    }
    let shortfall_msat = fee_msat
        .checked_sub(from_reserve_msat)
        .unwrap_or(Msat::ZERO);
    let paid_out = [
        (SystemAccount::LightningOutClearing, hold.amount.amount_msat),
        (SystemAccount::RoutingFee, from_reserve_msat),
        (SystemAccount::OperatorLoss, shortfall_msat),
    ];
    for (account, amount_msat) in paid_out {
        if !amount_msat.is_zero() {
            legs.push(Leg::Transfer {
                debit: account.number(),
                credit: float,
                amount_msat,
            });
        }
    }
    let kept_msat = charged_msat
        .checked_sub(from_reserve_msat)
        .unwrap_or(Msat::ZERO);
    if !kept_msat.is_zero() {
        legs.push(Leg::Transfer {
            debit: SystemAccount::RoutingFee.number(),
            credit: SystemAccount::PlatformFee.number(),
            amount_msat: kept_msat,
        });
    }
    Posting {
        code: PostingCode::WithdrawalSettled,
        fact: end(withdrawal_id),
        legs,
    }
}

/// Books a withdrawal that another account of ours receives. The amount stands in clearing until
/// [`super::deposit::transferred`], in the same transaction, takes it out again.
pub fn settled_internally(withdrawal_id: [u8; 16], hold: &WithdrawalHold) -> Posting {
    let mut legs = vec![post(hold.amount, hold.amount.amount_msat)];
    legs.extend(hold.routing_fee.map(|held| Leg::Void { held }));
    legs.extend(hold.platform_fee.map(|held| post(held, held.amount_msat)));
    Posting {
        code: PostingCode::WithdrawalSettled,
        fact: end(withdrawal_id),
        legs,
    }
}

/// Gives a withdrawal's hold back, all of it.
pub fn failed(withdrawal_id: [u8; 16], hold: &WithdrawalHold) -> Posting {
    let legs = [Some(hold.amount), hold.routing_fee, hold.platform_fee]
        .into_iter()
        .flatten()
        .map(|held| Leg::Void { held })
        .collect();
    Posting {
        code: PostingCode::WithdrawalFailed,
        fact: end(withdrawal_id),
        legs,
    }
}

/// Books a payment that went out although its withdrawal stands as failed: the customer has the hold back, so
/// the operator bears it. Seeing one is an alarm.
pub fn contradicted(withdrawal_id: [u8; 16], paid_out_msat: Msat) -> Posting {
    Posting {
        code: PostingCode::WithdrawalContradicted,
        fact: Fact {
            kind: FactKind::WithdrawalContradiction,
            id: withdrawal_id.to_vec(),
        },
        legs: vec![Leg::Transfer {
            debit: SystemAccount::OperatorLoss.number(),
            credit: SystemAccount::LightningFloat.number(),
            amount_msat: paid_out_msat,
        }],
    }
}

/// Books a payment of the node that no withdrawal asked for: no customer bears it. Seeing one is an alarm.
pub fn unasked(payment_hash: [u8; 32], paid_out_msat: Msat) -> Posting {
    Posting {
        code: PostingCode::PaymentUnasked,
        fact: Fact {
            kind: FactKind::LightningSent,
            id: payment_hash.to_vec(),
        },
        legs: vec![Leg::Transfer {
            debit: SystemAccount::OperatorLoss.number(),
            credit: SystemAccount::LightningFloat.number(),
            amount_msat: paid_out_msat,
        }],
    }
}

fn post(held: HeldTransfer, amount_msat: Msat) -> Leg {
    Leg::Post { held, amount_msat }
}

fn end(withdrawal_id: [u8; 16]) -> Fact {
    Fact {
        kind: FactKind::WithdrawalEnd,
        id: withdrawal_id.to_vec(),
    }
}

#[cfg(test)]
mod tests;

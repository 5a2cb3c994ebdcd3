//! A Lightning deposit: money arrived at our node, or came from another account of ours.
//!
//! What arrived is booked in full: the customer's part, the platform's part, or all of it to suspense. It must
//! never be dropped because it cannot be placed.

use money::{AmountError, Msat};

use crate::account::{AccountNumber, SystemAccount};
use crate::posting::{Fact, FactKind, Leg, Posting, PostingCode};

/// Credits `amount_msat` less `platform_fee_msat` to the customer.
///
/// # Errors
/// [`AmountError::Negative`] when the fee is more than the amount.
pub fn settled(
    payment_hash: [u8; 32],
    customer: AccountNumber,
    amount_msat: Msat,
    platform_fee_msat: Msat,
) -> Result<Posting, AmountError> {
    Ok(Posting {
        code: PostingCode::DepositSettled,
        fact: received(payment_hash),
        legs: parts(
            SystemAccount::LightningFloat,
            customer,
            amount_msat,
            platform_fee_msat,
        )?,
    })
}

/// Credits `amount_msat` less `platform_fee_msat` to the customer, out of the payment of another account: what
/// [`super::withdrawal::settled_internally`] put into clearing leaves it again, and the float is not touched.
///
/// # Errors
/// [`AmountError::Negative`] when the fee is more than the amount.
pub fn transferred(
    payment_hash: [u8; 32],
    customer: AccountNumber,
    amount_msat: Msat,
    platform_fee_msat: Msat,
) -> Result<Posting, AmountError> {
    Ok(Posting {
        code: PostingCode::DepositTransferred,
        fact: Fact {
            kind: FactKind::InternalPayment,
            id: payment_hash.to_vec(),
        },
        legs: parts(
            SystemAccount::LightningOutClearing,
            customer,
            amount_msat,
            platform_fee_msat,
        )?,
    })
}

fn parts(
    from: SystemAccount,
    customer: AccountNumber,
    amount_msat: Msat,
    platform_fee_msat: Msat,
) -> Result<Vec<Leg>, AmountError> {
    let credited_msat = amount_msat.checked_sub(platform_fee_msat)?;
    let parts = [
        (customer, credited_msat),
        (SystemAccount::PlatformFee.number(), platform_fee_msat),
    ];
    let legs = parts
        .into_iter()
        .filter(|(_, part_msat)| !part_msat.is_zero())
        .map(|(credit, amount_msat)| Leg::Transfer {
            debit: from.number(),
            credit,
            amount_msat,
        });
    Ok(legs.collect())
}

/// Books money that belongs to nobody known.
pub fn suspended(payment_hash: [u8; 32], amount_msat: Msat) -> Posting {
    to_suspense(received(payment_hash), amount_msat)
}

/// Books a second payment for a hash that is booked with another amount.
pub fn suspended_again(payment_hash: [u8; 32], amount_msat: Msat) -> Posting {
    let fact = Fact {
        kind: FactKind::LightningReceivedAgain,
        id: [payment_hash.as_slice(), &amount_msat.get().to_be_bytes()].concat(),
    };
    to_suspense(fact, amount_msat)
}

/// Gives a suspended item to the customer it belongs to: all of it, for no fee.
pub fn assigned(item_id: [u8; 16], customer: AccountNumber, amount_msat: Msat) -> Posting {
    Posting {
        code: PostingCode::SuspenseAssigned,
        fact: Fact {
            kind: FactKind::SuspenseAssignment,
            id: item_id.to_vec(),
        },
        legs: vec![Leg::Transfer {
            debit: SystemAccount::Suspense.number(),
            credit: customer,
            amount_msat,
        }],
    }
}

fn to_suspense(fact: Fact, amount_msat: Msat) -> Posting {
    Posting {
        code: PostingCode::DepositSuspended,
        fact,
        legs: vec![Leg::Transfer {
            debit: SystemAccount::LightningFloat.number(),
            credit: SystemAccount::Suspense.number(),
            amount_msat,
        }],
    }
}

fn received(payment_hash: [u8; 32]) -> Fact {
    Fact {
        kind: FactKind::LightningReceived,
        id: payment_hash.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_is_booked_in_full() {
        let customer = AccountNumber::customer(1_000).expect("a customer");
        let amount = Msat::new(100_001).expect("in range");
        let fee = Msat::new(501).expect("in range");
        let posting = settled([7; 32], customer, amount, fee).expect("the fee is less");
        posting.check().expect("a sound posting");
        let booked: i64 = posting
            .legs
            .iter()
            .map(|leg| match leg {
                Leg::Transfer { amount_msat, .. } => amount_msat.get(),
                other => panic!("a deposit holds nothing: {other:?}"),
            })
            .sum();
        assert_eq!(booked, amount.get());
        assert_eq!(
            settled([7; 32], customer, fee, amount),
            Err(AmountError::Negative)
        );
    }

    #[test]
    fn no_fee_makes_no_leg() {
        let customer = AccountNumber::customer(1_000).expect("a customer");
        let amount = Msat::new(1).expect("in range");
        let posting = settled([7; 32], customer, amount, Msat::ZERO).expect("no fee");
        assert_eq!(posting.legs.len(), 1);
    }
}

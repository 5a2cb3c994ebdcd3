//! The on-chain rail: coins that came to its wallet, and what becomes of them.
//!
//! | what happened | postings |
//! | --- | --- |
//! | a deposit has enough confirmations | hot wallet ← customer, and the platform's part |
//! | a credited deposit was double-spent | customer → hot wallet as far as there is money, the rest: operator's loss |
//! | coins of the operator came | hot wallet ← operator's capital |
//! | coins came to an address that was given to nobody | hot wallet ← suspense |

use money::{AmountError, Msat};

use crate::account::{AccountNumber, SystemAccount};
use crate::posting::{Fact, FactKind, Leg, Posting, PostingCode};

/// An output of the chain: its transaction's id, its number, and how often it was credited before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// The transaction, in the byte order of its hash.
    pub txid: [u8; 32],
    /// Which of its outputs.
    pub vout: u32,
    /// How often it was credited and taken back: a deep reorganisation can bring a double-spent deposit back.
    pub credits: u32,
}

impl Output {
    fn fact(&self, kind: FactKind) -> Fact {
        let mut id = self.txid.to_vec();
        id.extend(self.vout.to_be_bytes());
        id.extend(self.credits.to_be_bytes());
        Fact { kind, id }
    }
}

/// Books a deposit, `platform_fee_msat` of it to the platform.
///
/// # Errors
/// [`AmountError::Negative`] when the fee is more than the amount.
pub fn settled(
    output: &Output,
    customer: AccountNumber,
    amount_msat: Msat,
    platform_fee_msat: Msat,
) -> Result<Posting, AmountError> {
    let wallet = SystemAccount::HotWallet.number();
    let parts = [
        (customer, amount_msat.checked_sub(platform_fee_msat)?),
        (SystemAccount::PlatformFee.number(), platform_fee_msat),
    ];
    let legs = parts.map(|(credit, part_msat)| (wallet, credit, part_msat));
    let fact = output.fact(FactKind::ChainOutput);
    Ok(posting(PostingCode::OnchainDepositSettled, fact, &legs))
}

/// What a double-spent deposit is taken back from, in millisatoshi; the sum is what was credited for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenBack {
    /// From the customer: what there is, at most what was credited.
    pub customer_msat: Msat,
    /// The platform's part of the deposit.
    pub platform_fee_msat: Msat,
    /// What the customer has spent since: the operator bears it.
    pub loss_msat: Msat,
}

/// Takes the credit of a double-spent deposit back.
pub fn reversed(output: &Output, customer: AccountNumber, taken: &TakenBack) -> Posting {
    let wallet = SystemAccount::HotWallet.number();
    let legs = [
        (customer, taken.customer_msat),
        (SystemAccount::PlatformFee.number(), taken.platform_fee_msat),
        (SystemAccount::OperatorLoss.number(), taken.loss_msat),
    ]
    .map(|(debit, part_msat)| (debit, wallet, part_msat));
    let fact = output.fact(FactKind::ChainOutputReversal);
    posting(PostingCode::OnchainDepositReversed, fact, &legs)
}

/// Books coins that the operator sent to the wallet.
pub fn funded(output: &Output, amount_msat: Msat) -> Posting {
    arrived(
        PostingCode::HotWalletFunded,
        output,
        SystemAccount::OperatorCapital,
        amount_msat,
    )
}

/// Books coins that came to an address of the wallet which nobody was given.
pub fn suspended(output: &Output, amount_msat: Msat) -> Posting {
    arrived(
        PostingCode::OnchainCoinSuspended,
        output,
        SystemAccount::Suspense,
        amount_msat,
    )
}

fn arrived(code: PostingCode, output: &Output, owner: SystemAccount, amount_msat: Msat) -> Posting {
    let legs = [(
        SystemAccount::HotWallet.number(),
        owner.number(),
        amount_msat,
    )];
    posting(code, output.fact(FactKind::ChainOutput), &legs)
}

fn posting(
    code: PostingCode,
    fact: Fact,
    legs: &[(AccountNumber, AccountNumber, Msat)],
) -> Posting {
    let legs = legs
        .iter()
        .filter(|(_, _, amount_msat)| !amount_msat.is_zero())
        .map(|&(debit, credit, amount_msat)| Leg::Transfer {
            debit,
            credit,
            amount_msat,
        });
    Posting {
        code,
        fact,
        legs: legs.collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn msat(amount: i64) -> Msat {
        Msat::new(amount).expect("in range")
    }

    fn output(credits: u32) -> Output {
        Output {
            txid: [7; 32],
            vout: 1,
            credits,
        }
    }

    #[test]
    fn what_is_taken_back_is_what_was_credited() {
        let customer = AccountNumber::customer(1_000).expect("a customer");
        let taken = TakenBack {
            customer_msat: msat(60_000),
            platform_fee_msat: msat(1_000),
            loss_msat: msat(39_000),
        };
        let life = [
            settled(&output(0), customer, msat(100_000), msat(1_000)).expect("a fee below"),
            reversed(&output(0), customer, &taken),
        ];
        let mut net: BTreeMap<AccountNumber, i64> = BTreeMap::new();
        for posting in life {
            posting.check().expect("a sound posting");
            for leg in posting.legs {
                let Leg::Transfer {
                    debit,
                    credit,
                    amount_msat,
                } = leg
                else {
                    panic!("nothing is held: {leg:?}");
                };
                *net.entry(debit).or_default() += amount_msat.get();
                *net.entry(credit).or_default() -= amount_msat.get();
            }
        }
        assert_eq!(net[&SystemAccount::HotWallet.number()], 0);
        assert_eq!(net[&SystemAccount::PlatformFee.number()], 0);
        assert_eq!(net[&customer], -39_000);
        assert_eq!(net[&SystemAccount::OperatorLoss.number()], 39_000);
    }

    #[test]
    fn an_output_is_one_fact_until_it_was_taken_back() {
        let fact = |credits| funded(&output(credits), msat(1)).fact;
        assert_eq!(fact(0), suspended(&output(0), msat(2)).fact);
        assert_ne!(fact(0), fact(1));
        let customer = AccountNumber::customer(1_000).expect("a customer");
        let refused = settled(&output(0), customer, msat(1), msat(2));
        assert_eq!(refused, Err(AmountError::Negative));
    }
}

//! What moves between the node's channels, its on-chain wallet and the chain. No customer's money is touched.
//!
//! | what happened | postings |
//! | --- | --- |
//! | coins came from outside | wallet ← operator's capital |
//! | the wallet funded a channel | float ← wallet; the fee: chain fee ← wallet |
//! | a closed channel was fetched | wallet ← float what arrived; the fee: chain fee ← float |
//! | the wallet paid for a transaction of a channel | chain fee ← wallet |
//! | a closed channel is fetched for good | what was too small for the chain: chain fee ← float |

use money::Msat;

use crate::account::SystemAccount;
use crate::posting::{Fact, FactKind, Leg, Posting, PostingCode};

/// Books coins that came into the wallet from outside.
pub fn funded(txid: [u8; 32], arrived_msat: Msat) -> Posting {
    let legs = [(
        SystemAccount::NodeWallet,
        SystemAccount::OperatorCapital,
        arrived_msat,
    )];
    posting(PostingCode::WalletFunded, transaction(txid), &legs)
}

/// Books a channel that the wallet funded, and the fee of its transaction.
pub fn opened(txid: [u8; 32], channel_msat: Msat, fee_msat: Msat) -> Posting {
    let legs = [
        (
            SystemAccount::LightningFloat,
            SystemAccount::NodeWallet,
            channel_msat,
        ),
        (SystemAccount::ChainFee, SystemAccount::NodeWallet, fee_msat),
    ];
    posting(PostingCode::ChannelOpened, transaction(txid), &legs)
}

/// Books coins of closed channels that came into the wallet, and the fee that the way cost.
pub fn swept(txid: [u8; 32], arrived_msat: Msat, fee_msat: Msat) -> Posting {
    let legs = [
        (
            SystemAccount::NodeWallet,
            SystemAccount::LightningFloat,
            arrived_msat,
        ),
        (
            SystemAccount::ChainFee,
            SystemAccount::LightningFloat,
            fee_msat,
        ),
    ];
    posting(PostingCode::ChannelSwept, transaction(txid), &legs)
}

/// Books what the wallet paid for a transaction of a channel.
pub fn spent(txid: [u8; 32], left_msat: Msat) -> Posting {
    let legs = [(
        SystemAccount::ChainFee,
        SystemAccount::NodeWallet,
        left_msat,
    )];
    posting(PostingCode::WalletSpent, transaction(txid), &legs)
}

/// Books what a closed channel did not give back: parts of a satoshi, and payments too small for an output.
pub fn ended(channel_id: [u8; 32], lost_msat: Msat) -> Posting {
    let fact = Fact {
        kind: FactKind::ChannelEnd,
        id: channel_id.to_vec(),
    };
    let legs = [(
        SystemAccount::ChainFee,
        SystemAccount::LightningFloat,
        lost_msat,
    )];
    posting(PostingCode::ChannelEnded, fact, &legs)
}

fn transaction(txid: [u8; 32]) -> Fact {
    Fact {
        kind: FactKind::ChainTransaction,
        id: txid.to_vec(),
    }
}

fn posting(
    code: PostingCode,
    fact: Fact,
    legs: &[(SystemAccount, SystemAccount, Msat)],
) -> Posting {
    let legs = legs
        .iter()
        .filter(|(_, _, amount_msat)| !amount_msat.is_zero())
        .map(|(debit, credit, amount_msat)| Leg::Transfer {
            debit: debit.number(),
            credit: credit.number(),
            amount_msat: *amount_msat,
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
    use crate::account::AccountNumber;

    #[test]
    fn what_leaves_the_channels_is_in_the_wallet_or_a_fee() {
        let msat = |amount| Msat::new(amount).expect("in range");
        let life = [
            funded([1; 32], msat(10_000)),
            opened([2; 32], msat(7_000), msat(300)),
            spent([3; 32], msat(50)),
            swept([4; 32], msat(6_500), msat(400)),
            ended([5; 32], msat(100)),
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
        let of = |account: SystemAccount| net[&account.number()];
        assert_eq!(of(SystemAccount::LightningFloat), 0);
        assert_eq!(of(SystemAccount::NodeWallet), 9_150);
        assert_eq!(of(SystemAccount::ChainFee), 850);
        assert_eq!(of(SystemAccount::OperatorCapital), -10_000);
    }
}

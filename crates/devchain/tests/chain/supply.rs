//! Coins are neither made nor lost: all that is unspent is all subsidies without what was burnt.

use bitcoin::hashes::Hash;
use bitcoin::script::PushBytesBuf;
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, TxOut, WPubkeyHash};
use devchain::{Chain, subsidy_sat};
use proptest::prelude::*;

use crate::coins::{FEE_SAT, anyone, input, output, tx};

#[derive(Debug, Clone)]
enum Act {
    Mine(u32),
    Pay { sat: u64, rate: u32 },
    Burn { sat: u64 },
    Overspend { sat: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..40u32).prop_map(Act::Mine),
        (300..20_000_000_000u64, 0..9u32).prop_map(|(sat, rate)| Act::Pay { sat, rate }),
        (0..100_000_000u64).prop_map(|sat| Act::Burn { sat }),
        (1..1_000_000u64).prop_map(|sat| Act::Overspend { sat }),
    ]
}

/// The first coin anyone may spend now.
fn coin(chain: &Chain) -> Option<(OutPoint, u64)> {
    let next = chain.height() + 1;
    let mut utxos = chain.utxos(&anyone()).into_iter();
    let utxo = utxos.find(|utxo| utxo.may_be_spent_at(next))?;
    Some((utxo.outpoint, utxo.output.value.to_sat()))
}

fn perform(chain: &Chain, act: &Act) {
    // Many of these are refused, and must then change nothing.
    match *act {
        Act::Mine(blocks) => drop(chain.mine(blocks, anyone()).unwrap()),
        Act::Pay { sat, rate } => {
            let payee = ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array([5; 20]));
            drop(
                chain
                    .faucet()
                    .pay(payee, sat, FeeRate::from_sat_per_vb_u32(rate)),
            );
        }
        Act::Burn { sat } => {
            let Some((outpoint, held_sat)) = coin(chain) else {
                return;
            };
            let push = PushBytesBuf::try_from(vec![1, 2, 3]).unwrap();
            let script_pubkey = ScriptBuf::new_op_return(push);
            let burnt = TxOut {
                value: Amount::from_sat(sat),
                script_pubkey,
            };
            let rest_sat = held_sat.saturating_sub(sat + FEE_SAT);
            drop(chain.submit(tx(vec![input(outpoint)], vec![burnt, output(rest_sat)])));
        }
        Act::Overspend { sat } => {
            let Some((outpoint, held_sat)) = coin(chain) else {
                return;
            };
            let spend = tx(vec![input(outpoint)], vec![output(held_sat + sat)]);
            assert!(chain.submit(spend).is_err());
        }
    }
}

fn expected_sat(chain: &Chain) -> u64 {
    let mut expected_sat = 0;
    for height in 1..=chain.height() {
        let info = chain.block_at(height).unwrap();
        let outputs = info.block.txdata.iter().flat_map(|tx| &tx.output);
        let burnt = outputs.filter(|output| output.script_pubkey.is_op_return());
        expected_sat += subsidy_sat(height);
        expected_sat -= burnt.map(|output| output.value.to_sat()).sum::<u64>();
    }
    expected_sat
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn all_unspent_coins_are_all_subsidies_without_what_was_burnt(
        acts in prop::collection::vec(act(), 1..40),
    ) {
        let chain = Chain::in_memory_with_clock(|| 1_700_000_000);
        chain.faucet().mine(20).unwrap();
        chain.mine(120, anyone()).unwrap();
        for act in &acts {
            perform(&chain, act);
            prop_assert_eq!(chain.supply_sat(), expected_sat(&chain));
        }
    }
}

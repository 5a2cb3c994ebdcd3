//! What is told of the money on its way from closed channels to the wallet.

use super::*;

const SWEEP: [u8; 32] = [7; 32];

fn matured(confirmation_height: u32) -> PendingSweepBalance {
    PendingSweepBalance::AwaitingThresholdConfirmations {
        channel_id: None,
        latest_spending_txid: Txid::from_byte_array(SWEEP),
        confirmation_hash: bitcoin::BlockHash::all_zeros(),
        confirmation_height,
        amount_satoshis: 500,
    }
}

#[test]
fn a_sweep_is_on_its_way_until_it_is_final_and_the_wallet_has_seen_it() {
    let sweeping = |block_height, seen| {
        sweeping_sat(block_height, &[matured(100)], |txid| {
            assert_eq!(txid.to_byte_array(), SWEEP);
            seen
        })
    };
    assert_eq!(sweeping(104, false), 500, "five confirmations");
    assert_eq!(sweeping(104, true), 500, "it may be taken back");
    // The channels have seen the block before the wallet has.
    assert_eq!(sweeping(105, false), 500);
    assert_eq!(sweeping(1_000, false), 500);
    assert_eq!(sweeping(105, true), 0);
}

//! A channel is closed with a payment on it: the node's view of its money stays whole to the end, block by block.

use std::collections::BTreeSet;
use std::time::Duration;

use bitcoin::OutPoint;
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{NodeView, Rail, RailEvent, WalletMove};
use payments::reconciliation::{BookedTotals, Slack, Totals, compare_totals};

use super::economy::{Economy, wait_until};
use super::{await_held, held_invoice};

/// Our side of the channel.
const OURS_MSAT: i64 = 8_000_000_000;
/// What is held.
const HELD_MSAT: i64 = 2_000_000;
/// The most that a closed channel may keep back.
const KEPT_BACK_MSAT: i64 = 3_000_000;
/// More blocks than a close with a payment that nobody claims takes.
const BLOCKS: u32 = 400;

/// Books that follow the node's own word, as the server's do.
struct Books {
    totals: BookedTotals,
    fees_msat: i64,
    booked: BTreeSet<[u8; 32]>,
    fundings: BTreeSet<OutPoint>,
}

impl Books {
    fn new(funding: OutPoint) -> Self {
        Self {
            totals: BookedTotals {
                float_msat: OURS_MSAT,
                wallet_msat: 0,
            },
            fees_msat: 0,
            booked: BTreeSet::new(),
            fundings: BTreeSet::from([funding]),
        }
    }

    /// Books what is final, and answers with what is not.
    fn follow(&mut self, view: &dyn NodeView) -> Slack {
        let mut slack = Slack {
            closing_msat: KEPT_BACK_MSAT,
            ..Slack::default()
        };
        for transaction in view.wallet_transactions(&self.booked, &self.fundings) {
            match transaction.moved {
                Some(WalletMove::Swept {
                    arrived_msat,
                    fee_msat,
                }) if transaction.is_final => {
                    self.totals.wallet_msat += arrived_msat.get();
                    self.totals.float_msat -= arrived_msat.get() + fee_msat.get();
                    self.fees_msat += fee_msat.get();
                    self.booked.insert(transaction.txid);
                }
                Some(WalletMove::Swept { arrived_msat, .. }) => {
                    slack.wallet_in_msat += arrived_msat.get();
                }
                other => panic!("the wallet did what nobody asked for: {other:?}"),
            }
        }
        slack
    }

    fn agree(&mut self, view: &dyn NodeView) -> bool {
        let slack = self.follow(view);
        let totals = Totals::of(self.totals, &view.funds(), &[]).with(&slack);
        compare_totals(&totals).is_none()
    }
}

/// A channel with a held payment on it, which the counterparty closes alone.
fn closed_with_a_held_payment(preimage: &PaymentPreimage) -> (Economy, Books, PaymentHash, Msat) {
    let economy = Economy::new();
    let funds = economy.rail.funds();
    let [channel] = funds.channels.as_slice() else {
        panic!("one channel: {funds:?}");
    };
    let own = (channel.own_min_msat.get(), channel.own_max_msat.get());
    assert_eq!(own, (OURS_MSAT, OURS_MSAT), "exact to the millisatoshi");
    assert!(channel.in_flight_msat.is_zero());
    let books = Books::new(channel.funding.expect("funded"));

    let out = held_invoice(&economy, preimage);
    economy.rail.pay(&out);
    let claimable_msat = await_held(&economy, out.payment_hash);
    wait_until("the payment on our commitment transaction", || {
        economy.rail.funds().outbound.len() == 1
    });
    let funds = economy.rail.funds();
    assert_eq!(funds.channels[0].own_min_msat.get(), OURS_MSAT - HELD_MSAT);
    assert_eq!(funds.channels[0].in_flight_msat.get(), HELD_MSAT);
    assert_eq!(funds.outbound[0].payment_hash, out.payment_hash);
    assert!(funds.outbound[0].expires_height > funds.block_height);

    let channel = economy.counterparty.channels().remove(0);
    economy
        .counterparty
        .force_close_channel(channel.user_channel_id, economy.rail.node_id())
        .expect("closed");
    let closed = |event: &RailEvent| matches!(event, RailEvent::ChannelClosed { .. });
    economy.rail_event(closed);
    (economy, books, out.payment_hash, claimable_msat)
}

/// Mines until the event about `hash` comes and everything is in the wallet for good.
fn mine_to_the_end(economy: &Economy, books: &mut Books, hash: PaymentHash) -> RailEvent {
    let mut ended = None;
    for block in 0..BLOCKS {
        economy.mine(1);
        while let Some(event) = economy.rail.next_event(Duration::from_millis(5)) {
            economy.rail.acknowledge();
            if super::is_of(&event, hash) {
                if matches!(event, RailEvent::PaymentSucceeded { .. }) {
                    books.totals.float_msat -= HELD_MSAT;
                }
                ended = Some((event, block));
            }
        }
        let books = std::cell::RefCell::new(&mut *books);
        wait_until("books and node that agree", || {
            books.borrow_mut().agree(&economy.rail)
        });
        let funds = economy.rail.funds();
        let is_home = funds.closing.is_empty() && funds.sweeping_msat.is_zero();
        if let (true, Some((event, at))) = (is_home && funds.wallet_msat.get() > 0, &ended) {
            eprintln!("ended at block {at}, home at block {block}");
            return event.clone();
        }
    }
    panic!("it did not end: {:?}", economy.rail.funds());
}

fn assert_all_is_home(economy: &Economy, books: &Books, ours_msat: i64) {
    let funds = economy.rail.funds();
    assert_eq!(funds.wallet_msat.get(), books.totals.wallet_msat);
    assert!(books.fees_msat > 0, "the sweeps cost something");
    let kept_back = books.totals.float_msat;
    assert!((0..=KEPT_BACK_MSAT).contains(&kept_back), "{kept_back}");
    let sum = books.totals.wallet_msat + books.fees_msat + kept_back;
    assert_eq!(sum, ours_msat, "nothing is lost");
}

#[test]
fn g7_a_payment_that_nobody_claims_comes_back_over_the_chain_and_nothing_is_lost() {
    let preimage = PaymentPreimage::from_bytes([0x71; 32]);
    let (economy, mut books, hash, _) = closed_with_a_held_payment(&preimage);
    let event = mine_to_the_end(&economy, &mut books, hash);
    assert!(
        matches!(event, RailEvent::PaymentFailed { .. }),
        "{event:?}"
    );
    assert_all_is_home(&economy, &books, OURS_MSAT);
}

#[test]
fn g7_a_payment_that_is_claimed_on_the_chain_is_paid_and_the_rest_comes_home() {
    let preimage = PaymentPreimage::from_bytes([0x72; 32]);
    let (economy, mut books, hash, claimable_msat) = closed_with_a_held_payment(&preimage);
    economy
        .counterparty
        .claim_for_hash(&preimage, claimable_msat)
        .expect("claimed");
    let event = mine_to_the_end(&economy, &mut books, hash);
    assert!(
        matches!(event, RailEvent::PaymentSucceeded { .. }),
        "{event:?}"
    );
    assert_all_is_home(&economy, &books, OURS_MSAT - HELD_MSAT);
}

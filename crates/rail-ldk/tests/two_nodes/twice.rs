//! An invoice of ours that two payers pay.

use payments::ports::{InvoiceRequest, Rail, RailEvent};
use rail_ldk::NodeEvent;

use crate::economy::{Economy, PATIENCE};
use crate::{HOUR_SECONDS, is_of, sat};

/// LDK would take the second payment (rust-lightning #1434); our node sends it back while the record of the first
/// stands, so that the second payer keeps his money and nothing is credited twice.
#[test]
fn d7_an_invoice_that_is_paid_twice_from_outside_is_credited_once_and_the_second_payer_keeps_his_money()
 {
    let economy = Economy::new();
    let second = economy.another_payer();
    for amount_sat in [Some(700), None] {
        let asked = InvoiceRequest {
            amount_msat: amount_sat.map(sat),
            description: "tea".to_owned(),
            expiry_seconds: HOUR_SECONDS,
        };
        let ours = economy.rail.create_invoice(&asked).expect("made");
        let hash = ours.payment_hash;
        // Another amount too, where the payer chooses.
        let (first_sat, second_sat) = match amount_sat {
            Some(_) => (None, None),
            None => (Some(sat(700)), Some(sat(300))),
        };
        let paid = economy.counterparty.send(&ours.bolt11, first_sat, None);
        paid.expect("sent");
        let received = RailEvent::PaymentReceived {
            payment_hash: hash,
            amount_msat: sat(700),
        };
        assert_eq!(economy.rail_event(|event| is_of(event, hash)), received);
        second.send(&ours.bolt11, second_sat, None).expect("sent");
        let end = loop {
            let event = second
                .next_node_event(PATIENCE)
                .expect("an end of the second");
            second.acknowledge_event();
            match event {
                NodeEvent::PaymentSucceeded { payment_hash, .. } if payment_hash == hash => {
                    break "paid";
                }
                NodeEvent::PaymentFailed { payment_hash, .. } if payment_hash == Some(hash) => {
                    break "refused";
                }
                _ => {}
            }
        };
        assert_eq!(end, "refused");
    }
    let received = economy.rail.node().received_payments();
    let total = received
        .iter()
        .filter_map(|p| p.amount_msat)
        .map(money::Msat::get);
    assert_eq!((received.len(), total.sum::<i64>()), (2, 1_400_000));
}

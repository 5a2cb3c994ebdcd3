//! What an invoice itself says about the way to its payee: through which of our neighbours, and for how much at least.
//!
//! It must never rule out a way that may exist: where the network may know more than the invoice, it says nothing.

use bitcoin::secp256k1::PublicKey;
use lightning::routing::gossip::NodeId;
use lightning::routing::router::RouteHint;
use lightning_invoice::Bolt11Invoice;

use crate::node::LdkNode;

/// What a payment in parts may save by rounding each part's fee down: a millisatoshi for each part and hop.
const ROUNDING_MSAT: u64 = 100;

/// The ways to a payee, when the invoice names all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    /// With whom every way begins.
    pub(crate) neighbours: Vec<PublicKey>,
    /// What the cheapest one costs at least.
    pub(crate) least_fee_msat: u64,
}

impl Reach {
    /// The ways to the payee of `invoice`; `None` when the network may know others.
    pub(crate) fn of(invoice: &Bolt11Invoice, node: &LdkNode) -> Option<Self> {
        let channels = node.node.list_channels();
        let graph = node.node.network_graph();
        Self::by(
            invoice,
            |other| {
                let mut channels = channels.iter();
                channels.any(|channel| channel.counterparty_node_id == *other)
            },
            |other| graph.node(&NodeId::from_pubkey(other)).is_some(),
        )
    }

    fn by(
        invoice: &Bolt11Invoice,
        is_neighbour: impl Fn(&PublicKey) -> bool,
        is_announced: impl Fn(&PublicKey) -> bool,
    ) -> Option<Self> {
        let payee = invoice.get_payee_pub_key();
        if is_announced(&payee) {
            return None;
        }
        let amount_msat = invoice.amount_milli_satoshis().unwrap_or(0);
        let direct = is_neighbour(&payee).then_some((payee, 0));
        let mut ways: Vec<(PublicKey, u64)> = direct.into_iter().collect();
        for hint in invoice.route_hints() {
            let first = hint.0.first()?.src_node_id;
            if !is_neighbour(&first) {
                return None;
            }
            ways.push((first, least_fee_msat(&hint, amount_msat)));
        }
        Some(Self {
            least_fee_msat: ways.iter().map(|(_, fee_msat)| *fee_msat).min()?,
            neighbours: ways.into_iter().map(|(first, _)| first).collect(),
        })
    }
}

/// What the hops of a hint ask together, without what rounding may save.
fn least_fee_msat(hint: &RouteHint, amount_msat: u64) -> u64 {
    let mut forwarded_msat = u128::from(amount_msat);
    for hop in hint.0.iter().rev() {
        let proportional = u128::from(hop.fees.proportional_millionths);
        forwarded_msat +=
            u128::from(hop.fees.base_msat) + forwarded_msat * proportional / 1_000_000;
    }
    let fee_msat = u64::try_from(forwarded_msat - u128::from(amount_msat)).unwrap_or(u64::MAX);
    fee_msat.saturating_sub(ROUNDING_MSAT)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bitcoin::hashes::{Hash, sha256};
    use bitcoin::secp256k1::{Secp256k1, SecretKey};
    use lightning::routing::router::RouteHintHop;
    use lightning::types::payment::PaymentSecret;
    use lightning::types::routing::RoutingFees;
    use lightning_invoice::{Currency, InvoiceBuilder};

    use super::*;

    const PAYEE: u8 = 2;
    const ROUTER: u8 = 3;
    const STRANGER: u8 = 4;

    fn node(number: u8) -> PublicKey {
        PublicKey::from_secret_key(&Secp256k1::signing_only(), &key(number))
    }

    fn key(number: u8) -> SecretKey {
        SecretKey::from_slice(&[number; 32]).expect("a key")
    }

    fn hop(number: u8, base_msat: u32, proportional_millionths: u32) -> RouteHintHop {
        RouteHintHop {
            src_node_id: node(number),
            short_channel_id: 1,
            fees: RoutingFees {
                base_msat,
                proportional_millionths,
            },
            cltv_expiry_delta: 72,
            htlc_minimum_msat: None,
            htlc_maximum_msat: None,
        }
    }

    fn invoice(hints: Vec<Vec<RouteHintHop>>) -> Bolt11Invoice {
        let mut builder = InvoiceBuilder::new(Currency::Regtest)
            .description("behind a router".to_owned())
            .payment_hash(sha256::Hash::from_byte_array([1; 32]))
            .payment_secret(PaymentSecret([1; 32]))
            .duration_since_epoch(Duration::from_secs(1_700_000_000))
            .min_final_cltv_expiry_delta(18)
            .amount_milli_satoshis(1_000_000);
        for hint in hints {
            builder = builder.private_route(RouteHint(hint));
        }
        builder
            .build_signed(|hash| {
                Secp256k1::signing_only().sign_ecdsa_recoverable(hash, &key(PAYEE))
            })
            .expect("an invoice")
    }

    fn reach(invoice: &Bolt11Invoice, neighbours: &[u8], announced: &[u8]) -> Option<Reach> {
        let is_in =
            |set: &[u8], other: &PublicKey| set.iter().any(|number| node(*number) == *other);
        Reach::by(
            invoice,
            |other| is_in(neighbours, other),
            |other| is_in(announced, other),
        )
    }

    #[test]
    fn a_payee_behind_a_neighbour_costs_what_the_hints_ask_less_rounding() {
        let greedy = invoice(vec![vec![hop(ROUTER, 1_000, 999_000)]]);
        let reached = reach(&greedy, &[ROUTER], &[]).expect("the only way");
        assert_eq!(reached.neighbours, [node(ROUTER)]);
        assert_eq!(reached.least_fee_msat, 1_000_000 - ROUNDING_MSAT);

        // The first hop is paid for what the second one takes as well.
        let two_hops = vec![hop(ROUTER, 500, 10_000), hop(STRANGER, 0, 100_000)];
        let cheaper = vec![hop(ROUTER, 50_000, 0)];
        let two = reach(&invoice(vec![two_hops.clone()]), &[ROUTER], &[]).expect("the only way");
        assert_eq!(two.least_fee_msat, 100_000 + 11_500 - ROUNDING_MSAT);
        let both = reach(&invoice(vec![two_hops, cheaper]), &[ROUTER], &[]).expect("both ways");
        assert_eq!(both.least_fee_msat, 50_000 - ROUNDING_MSAT);
    }

    #[test]
    fn a_neighbour_costs_nothing_whatever_its_hints_ask() {
        let greedy = invoice(vec![vec![hop(ROUTER, 1_000, 999_000)]]);
        let reached = reach(&greedy, &[PAYEE, ROUTER], &[]).expect("two ways");
        assert_eq!(reached.neighbours, [node(PAYEE), node(ROUTER)]);
        assert_eq!(reached.least_fee_msat, 0);
        let plain = reach(&invoice(vec![]), &[PAYEE], &[]).expect("one way");
        assert_eq!(plain.neighbours, [node(PAYEE)]);
    }

    #[test]
    fn nothing_is_said_where_the_network_may_know_another_way() {
        let greedy = vec![hop(ROUTER, 1_000, 999_000)];
        let elsewhere = vec![hop(STRANGER, 1_000, 0)];
        let announced = invoice(vec![greedy.clone()]);
        assert_eq!(reach(&announced, &[ROUTER], &[PAYEE]), None);
        assert_eq!(
            reach(&invoice(vec![greedy, elsewhere]), &[ROUTER], &[]),
            None
        );
        assert_eq!(reach(&invoice(vec![]), &[ROUTER], &[]), None);
    }
}

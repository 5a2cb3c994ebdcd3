//! The third node, and those that can be paid only through it.
//!
//! Its channels are private: our node learns of a payee behind it from the payee's invoice alone, so that a payment
//! has no other way and pays the fee that the invoice names.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use rail_ldk::ForwardingFee;
use wire::sandbox::Via;

use super::counterparty::Counterparty;
use super::credentials::Place;
use super::error::EconomyError;
use super::nodes::Others;

/// What the router usually asks: 1 sat for each part of a payment.
const USUAL: ForwardingFee = ForwardingFee {
    base_msat: 1_000,
    proportional_millionths: 0,
};
/// What it asks when it is greedy: nearly as much again as is paid.
const GREEDY: ForwardingFee = ForwardingFee {
    base_msat: 1_000,
    proportional_millionths: 999_000,
};

/// The way to a payee.
pub(super) struct Route {
    pub(super) via: Via,
    /// What the router asks for it.
    pub(super) fee: ForwardingFee,
    /// Who is at its end.
    pub(super) payee: Arc<Counterparty>,
    /// Where that one listens.
    pub(super) address: SocketAddr,
}

/// The node that routes.
pub(super) struct Router {
    pub(super) node: Arc<Counterparty>,
    pub(super) address: SocketAddr,
    /// The usual one, then the greedy one.
    pub(super) routes: [Route; 2],
}

impl Router {
    /// Starts those behind a started router.
    pub(super) fn start(
        others: &Others,
        node: Arc<Counterparty>,
        address: SocketAddr,
        [usual, greedy]: &[Place; 2],
    ) -> Result<Self, EconomyError> {
        let id = node.node.node_id();
        let usual = Route {
            via: Via::Router,
            fee: USUAL,
            payee: others.payee(usual, ["payee", "payee-held"], id)?,
            address: usual.address,
        };
        let greedy = Route {
            via: Via::RouterGreedy,
            fee: GREEDY,
            payee: others.payee(greedy, ["greedy-payee", "greedy-payee-held"], id)?,
            address: greedy.address,
        };
        Ok(Self {
            node,
            address,
            routes: [usual, greedy],
        })
    }

    /// The way that an invoice asks for.
    pub(super) fn route(&self, via: Via) -> &Route {
        let [usual, greedy] = &self.routes;
        match via {
            Via::Router => usual,
            Via::RouterGreedy => greedy,
        }
    }

    /// Stops the router and those behind it.
    pub(super) fn stop(&self) {
        thread::scope(|scope| {
            for route in &self.routes {
                scope.spawn(|| route.payee.stop());
            }
            self.node.stop();
        });
    }
}

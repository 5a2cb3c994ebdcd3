//! Invoices of the counterparty, in its own name or in that of a node behind the router.

use std::time::{Duration, Instant};

use money::Msat;
use payments::payment_hash::PaymentHash;
use rail_ldk::ReceiveError;
use wire::sandbox::{Behaviour, ReleaseAction, Via};

use super::counterparty::{Counterparty, MadeInvoice, ReleaseError};
use super::economy::Economy;
use super::nodes::LOOK;

/// How long an invoice waits for the router's channels.
const ROUTE_PATIENCE: Duration = Duration::from_secs(10);

/// Why no invoice was made.
#[derive(Debug)]
pub(super) enum InvoiceError {
    /// The router has no usable channels, to us or to the payee.
    NotRouted,
    /// The node refused.
    Node(ReceiveError),
}

impl Economy {
    /// Makes an invoice with a behaviour; its payee can be reached when this returns.
    pub(super) fn invoice(
        &self,
        via: Option<Via>,
        amount_msat: Option<Msat>,
        description: &str,
        expiry_seconds: u32,
        behaviour: Behaviour,
    ) -> Result<MadeInvoice, InvoiceError> {
        let payee = match via {
            None => &self.counterparty,
            Some(via) => {
                self.wait_until_routed(via)?;
                &self.router.route(via).payee
            }
        };
        payee
            .invoice(amount_msat, description, expiry_seconds, behaviour)
            .map_err(InvoiceError::Node)
    }

    fn wait_until_routed(&self, via: Via) -> Result<(), InvoiceError> {
        let deadline = Instant::now() + ROUTE_PATIENCE;
        while !self.is_routed(via) {
            if Instant::now() > deadline {
                return Err(InvoiceError::NotRouted);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Ends a held payment, whoever holds it.
    pub(super) fn release(
        &self,
        hash: &PaymentHash,
        action: ReleaseAction,
    ) -> Result<(), ReleaseError> {
        let behind = self.router.routes.iter().map(|route| &route.payee);
        let mut payees = std::iter::once(&self.counterparty).chain(behind);
        let holder = payees.find(|payee| payee.knows(hash));
        holder.map_or(
            Err(ReleaseError::NotHeld),
            |payee: &std::sync::Arc<Counterparty>| payee.release(hash, action),
        )
    }
}

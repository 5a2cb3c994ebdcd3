//! The baseline: two bare ldk-node nodes, and nothing else.
//!
//! It must use nothing of ours but the chain: no store, no books, no rail.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ldk_node::lightning::ln::channelmanager::PaymentId;
use ldk_node::lightning_invoice::Bolt11Invoice;

use super::events::{Ended, EventfulNode};
use super::nodes::{BarePayer, Payee};
use super::stores::Kept;
use super::{LightningError, PATIENCE};
use crate::options::Options;
use crate::stats::Measured;
use crate::usage::Meter;

/// Runs the baseline once, on fresh nodes that keep their state so.
pub fn run(options: &Options, payer: Kept, payee: Kept) -> Result<Measured, LightningError> {
    let payee = Payee::start(payee)?;
    let payer = BarePayer::start(&payee, payer)?;
    let warm_up = payee.invoices(options.warm_up())?;
    let invoices = payee.invoices(options.payments())?;
    pay(&payer.node, &warm_up, options)?;
    let meter = Meter::start(std::process::id(), &[]);
    let mut measured = pay(&payer.node, &invoices, options)?;
    measured.spent = meter.read();
    payer.node.stop()?;
    payee.stop()?;
    Ok(measured)
}

/// The payments that were given to the node, and when.
type Sent = HashMap<PaymentId, Instant>;

/// Pays every invoice, at most so many at a time, and waits for the end of the last.
fn pay(
    payer: &EventfulNode,
    invoices: &[Bolt11Invoice],
    options: &Options,
) -> Result<Measured, LightningError> {
    let (give_permit, permits) = mpsc::channel();
    for _ in 0..options.in_flight() {
        // The receiver lives until the end of this function.
        let _ = give_permit.send(());
    }
    let permits = Mutex::new(permits);
    let next = AtomicUsize::new(0);
    let sent = Mutex::new(Sent::with_capacity(invoices.len()));
    let began = Instant::now();
    let ends = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..options.senders())
            .map(|_| scope.spawn(|| send(payer, invoices, &next, &permits, &sent)))
            .collect();
        let mut ends = Vec::with_capacity(invoices.len());
        while ends.len() < invoices.len() {
            // A sender that was refused ends this loop too: its payment never comes.
            let Some(Ended { payment, at }) = payer.ended(PATIENCE) else {
                break;
            };
            ends.push((payment, at));
            let _ = give_permit.send(());
        }
        drop(give_permit);
        for sender in senders {
            sender
                .join()
                .unwrap_or(Err(LightningError::TimedOut("a sender")))?;
        }
        Ok::<_, LightningError>(ends)
    })?;
    if ends.len() < invoices.len() {
        return Err(LightningError::TimedOut("the end of a payment"));
    }
    let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
    measured(began, &sent, ends)
}

/// Sends invoices nobody has sent yet, each with a permit.
fn send(
    payer: &EventfulNode,
    invoices: &[Bolt11Invoice],
    next: &AtomicUsize,
    permits: &Mutex<mpsc::Receiver<()>>,
    sent: &Mutex<Sent>,
) -> Result<(), LightningError> {
    loop {
        let permit = permits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let index = next.fetch_add(1, Ordering::Relaxed);
        let (Ok(()), Some(invoice)) = (permit, invoices.get(index)) else {
            return Ok(());
        };
        let at = Instant::now();
        let id = payer.node.bolt11_payment().send(invoice, None)?;
        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.insert(id, at);
    }
}

fn measured(
    began: Instant,
    sent: &Sent,
    ends: Vec<(Result<PaymentId, String>, Instant)>,
) -> Result<Measured, LightningError> {
    let mut completed = Vec::with_capacity(ends.len());
    let mut last = began;
    for (payment, at) in ends {
        let id = payment.map_err(LightningError::PaymentFailed)?;
        let started = sent
            .get(&id)
            .ok_or(LightningError::TimedOut("the sending of a payment"))?;
        completed.push(at.duration_since(*started));
        last = last.max(at);
    }
    Ok(Measured {
        payments: completed.len(),
        took: last.duration_since(began),
        completed,
        created: Vec::new(),
        webhooks_after: None,
        commits: None,
        spent: None,
    })
}

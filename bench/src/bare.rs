//! The baseline: two ldk-node nodes as anybody gets them, and nothing else.
//!
//! It must use nothing of ours but the chain: no store, no books, no rail.

mod chain;
mod events;
mod pair;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ldk_node::NodeError;
use ldk_node::lightning::ln::channelmanager::PaymentId;
use ldk_node::lightning_invoice::{
    Bolt11Invoice, Bolt11InvoiceDescription, CreationError, Description,
};

use crate::options::Options;
use crate::stats::Measured;
use crate::usage::Meter;
use events::Ended;
use pair::Pair;

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);
/// What every payment carries, as on the other side.
const AMOUNT_MSAT: u64 = 10_000;
const EXPIRY_SECONDS: u32 = 3_600;

/// Whether the nodes write their log files (ldk-node's default, at level Debug).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    /// As they come.
    Default,
    /// Nothing is logged.
    Off,
}

/// Why the baseline has no figures.
#[derive(Debug, thiserror::Error)]
pub enum BareError {
    #[error("a file, socket or runtime was refused")]
    Io(#[from] std::io::Error),
    #[error("a node was not built")]
    Build(#[from] ldk_node::BuildError),
    #[error("a node refused a call")]
    Node(#[from] NodeError),
    #[error("an address is not one")]
    Address,
    #[error("no block was mined")]
    Mine(#[from] devchain::MineError),
    #[error("the faucet did not pay")]
    Faucet(#[from] devchain::PayError),
    #[error("the text of an invoice is not one")]
    Description(#[from] CreationError),
    #[error("a payment failed: {0}")]
    PaymentFailed(String),
    #[error("{0} did not come within {PATIENCE:?}")]
    TimedOut(&'static str),
}

/// Runs the baseline once, on fresh nodes.
pub fn run(options: &Options, logs: Logs) -> Result<Measured, BareError> {
    let pair = Pair::start(logs)?;
    let warm_up = invoices(&pair, options.warm_up())?;
    let invoices = invoices(&pair, options.payments())?;
    pay(&pair, &warm_up, options)?;
    let meter = Meter::start(std::process::id(), &[]);
    let mut measured = pay(&pair, &invoices, options)?;
    measured.spent = meter.read();
    pair.stop()?;
    Ok(measured)
}

fn invoices(pair: &Pair, count: usize) -> Result<Vec<Bolt11Invoice>, BareError> {
    let text = Bolt11InvoiceDescription::Direct(Description::new("bench".to_owned())?);
    (0..count)
        .map(|_| {
            let payee = pair.payee.node.bolt11_payment();
            Ok(payee.receive(AMOUNT_MSAT, &text, EXPIRY_SECONDS)?)
        })
        .collect()
}

/// The payments that were given to the node, and when.
type Sent = HashMap<PaymentId, Instant>;

/// Pays every invoice, at most so many at a time, and waits for the end of the last.
fn pay(pair: &Pair, invoices: &[Bolt11Invoice], options: &Options) -> Result<Measured, BareError> {
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
            .map(|_| scope.spawn(|| send(pair, invoices, &next, &permits, &sent)))
            .collect();
        let mut ends = Vec::with_capacity(invoices.len());
        while ends.len() < invoices.len() {
            // A sender that was refused ends this loop too: its payment never comes.
            let Some(Ended { payment, at }) = pair.payer.ended(PATIENCE) else {
                break;
            };
            ends.push((payment, at));
            let _ = give_permit.send(());
        }
        drop(give_permit);
        for sender in senders {
            sender
                .join()
                .unwrap_or(Err(BareError::TimedOut("a sender")))?;
        }
        Ok::<_, BareError>(ends)
    })?;
    if ends.len() < invoices.len() {
        return Err(BareError::TimedOut("the end of a payment"));
    }
    let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
    measured(began, &sent, ends)
}

/// Sends invoices nobody has sent yet, each with a permit.
fn send(
    pair: &Pair,
    invoices: &[Bolt11Invoice],
    next: &AtomicUsize,
    permits: &Mutex<mpsc::Receiver<()>>,
    sent: &Mutex<Sent>,
) -> Result<(), BareError> {
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
        let id = pair.payer.node.bolt11_payment().send(invoice, None)?;
        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.insert(id, at);
    }
}

fn measured(
    began: Instant,
    sent: &Sent,
    ends: Vec<(Result<PaymentId, String>, Instant)>,
) -> Result<Measured, BareError> {
    let mut completed = Vec::with_capacity(ends.len());
    let mut last = began;
    for (payment, at) in ends {
        let id = payment.map_err(BareError::PaymentFailed)?;
        let started = sent
            .get(&id)
            .ok_or(BareError::TimedOut("the sending of a payment"))?;
        completed.push(at.duration_since(*started));
        last = last.max(at);
    }
    Ok(Measured {
        payments: completed.len(),
        took: last.duration_since(began),
        completed,
        created: Vec::new(),
        webhooks_after: None,
        spent: None,
    })
}

//! The whole stack, commanded over the hub, as its users do.
//!
//! What is measured comes over sockets. A run counts only if every event and webhook came once and the audit says that
//! the books hold.

mod hub;
mod leyden;
mod sink;

use std::time::{Duration, Instant};

use serde_json::Value;

use super::LightningError;
use super::nodes::Payee;
use super::stores::Kept;
use crate::options::Options;
use crate::stats::Measured;
use crate::usage::Meter;
use hub::{Hub, HubError, Told};
use leyden::Leyden;
use sink::Sink;

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the stack has no figures.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    #[error("a file, socket or runtime was refused")]
    Io(#[from] std::io::Error),
    #[error("its database")]
    Store(#[from] store::OpenError),
    #[error("its node")]
    Compose(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it does not serve")]
    Serve(#[source] Box<server::serving::ServeError>),
    #[error("a request failed")]
    Http(#[from] reqwest::Error),
    #[error("{path} was answered with {status}: {body}")]
    Refused {
        path: &'static str,
        status: u16,
        body: String,
    },
    #[error("an answer has no {0}")]
    Missing(&'static str),
    #[error("the audit does not hold: {0}")]
    Audit(Value),
    #[error("the hub")]
    Hub(#[from] HubError),
    #[error("{count} webhooks came, and {expected} should have")]
    Webhooks { count: usize, expected: usize },
    #[error("{0} webhooks came twice")]
    Repeated(usize),
}

/// Runs the stack once, on a fresh database, with a payee that keeps its state so.
pub fn run(options: &Options, kept: Kept, round: usize) -> Result<Measured, LightningError> {
    let payee = Payee::start(kept)?;
    let leyden = Leyden::start(&payee)?;
    let texts = |count| {
        let invoices = payee.invoices(count)?;
        let texts = invoices.iter().map(ToString::to_string);
        Ok::<Vec<_>, LightningError>(texts.collect())
    };
    let (warm_up, invoices) = (texts(options.warm_up())?, texts(options.payments())?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let paying = measure(&leyden, &warm_up, &invoices, options, round);
    let measured = runtime.block_on(paying)?;
    leyden.stop()?;
    payee.stop()?;
    Ok(measured)
}

async fn measure(
    leyden: &Leyden,
    warm_up: &[String],
    invoices: &[String],
    options: &Options,
    round: usize,
) -> Result<Measured, StackError> {
    let sink = Sink::start().await?;
    leyden.register_webhook(&sink.url).await?;
    let mut hub = Hub::connect(&leyden.hub_url(), &leyden.api_key).await?;

    let name = format!("warm-up-{round}");
    pay(&mut hub, &name, warm_up, options.in_flight()).await?;
    // Pending and completed, of every payment.
    let mut expected = 2 * warm_up.len();
    await_webhooks(&sink, expected).await?;

    let commits = leyden.commits();
    let meter = Meter::start(std::process::id(), &[]);
    let name = format!("payment-{round}");
    let mut measured = pay(&mut hub, &name, invoices, options.in_flight()).await?;
    let completed_at = Instant::now();
    expected += 2 * invoices.len();
    await_webhooks(&sink, expected).await?;
    measured.webhooks_after = Some(completed_at.elapsed());
    measured.spent = meter.read();
    measured.commits = Some(leyden.commits() - commits);

    leyden.audit().await?;
    // Once more: nothing may have come late and twice.
    await_webhooks(&sink, expected).await?;
    hub.close().await?;
    Ok(measured)
}

/// When a payment was commanded, created and completed.
struct Course {
    invoked: Instant,
    created: Option<Duration>,
    completed: Option<Duration>,
}

/// Pays every invoice, at most so many at a time, and waits for the end of the last.
async fn pay(
    hub: &mut Hub,
    name: &str,
    invoices: &[String],
    in_flight: usize,
) -> Result<Measured, HubError> {
    let mut courses: Vec<Course> = Vec::with_capacity(invoices.len());
    let mut completed = 0;
    let began = Instant::now();
    while completed < invoices.len() {
        while courses.len() < invoices.len() && courses.len() - completed < in_flight {
            let index = courses.len();
            courses.push(Course {
                invoked: Instant::now(),
                created: None,
                completed: None,
            });
            let client_id = format!("{name}-{index}");
            hub.withdraw(&client_id, &invoices[index]).await?;
        }
        let (told, client_id) = hub.next(PATIENCE).await?;
        let index = client_id
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'));
        let index: Option<usize> = index.and_then(|digits| digits.parse().ok());
        let Some(course) = index.and_then(|index| courses.get_mut(index)) else {
            return Err(HubError::Stray(client_id));
        };
        let (slot, is_end) = match told {
            Told::Created => (&mut course.created, false),
            Told::Completed => (&mut course.completed, true),
        };
        if slot.replace(course.invoked.elapsed()).is_some() {
            return Err(HubError::Repeated(client_id));
        }
        completed += usize::from(is_end);
    }
    let took = began.elapsed();
    let created: Option<Vec<_>> = courses.iter().map(|course| course.created).collect();
    Ok(Measured {
        payments: completed,
        took,
        completed: courses
            .iter()
            .filter_map(|course| course.completed)
            .collect(),
        created: created.ok_or(HubError::NotCreated)?,
        webhooks_after: None,
        commits: None,
        spent: None,
    })
}

/// Waits until as many webhooks have come, and not one more or twice.
async fn await_webhooks(sink: &Sink, expected: usize) -> Result<(), StackError> {
    let count = sink.until(expected, PATIENCE).await;
    let repeated = sink.repeated();
    if repeated > 0 {
        return Err(StackError::Repeated(repeated));
    }
    if count != expected {
        return Err(StackError::Webhooks { count, expected });
    }
    Ok(())
}

//! Records results, many in one transaction, and gives back what was not sent.
//!
//! While the database is away it keeps what it has: a result that was lost would be an attempt made twice.

use std::time::Duration;

use payments::ids::EndpointId;
use payments::webhook::{DeliveryKey, DisableReason};
use store::StoreError;
use store::acts::webhook::claim::give_back;
use store::acts::webhook::endpoint::disable_endpoint;
use store::acts::webhook::record::{FinishedAttempt, Recorded, record_attempts};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::PAUSE;
use crate::app::App;
use crate::problem::chain;

/// The most results in one transaction.
const BATCH: usize = 256;
/// How long a result waits for others.
const LINGER: Duration = Duration::from_millis(3);
/// How often a write is tried again once the server stops.
const LAST_TRIES: u32 = 20;

/// What is to be written.
pub(super) enum Note {
    /// What came of an attempt.
    Finished(Box<FinishedAttempt>),
    /// What was claimed and not sent.
    Back(Vec<DeliveryKey>),
}

/// The way to the recorder; it ends when this is dropped and all is written.
pub(super) struct Recorder(mpsc::UnboundedSender<Note>);

impl Recorder {
    /// Has something written.
    pub(super) fn note(&self, note: Note) {
        if matches!(&note, Note::Back(keys) if keys.is_empty()) {
            return;
        }
        // It goes only after all senders.
        drop(self.0.send(note));
    }
}

/// Starts the recorder.
pub(super) fn start(app: App, stop: CancellationToken) -> (Recorder, JoinHandle<()>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Recorder(sender), tokio::spawn(run(app, receiver, stop)))
}

async fn run(app: App, mut notes: mpsc::UnboundedReceiver<Note>, stop: CancellationToken) {
    let mut taken = Vec::with_capacity(BATCH);
    while notes.recv_many(&mut taken, BATCH).await > 0 {
        if taken.len() < BATCH && !stop.is_cancelled() {
            tokio::time::sleep(LINGER).await;
            while taken.len() < BATCH
                && let Ok(note) = notes.try_recv()
            {
                taken.push(note);
            }
        }
        let (mut finished, mut back) = (Vec::new(), Vec::new());
        for note in taken.drain(..) {
            match note {
                Note::Finished(one) => finished.push(*one),
                Note::Back(keys) => back.extend(keys),
            }
        }
        write(&app, finished, back, &stop).await;
    }
}

async fn write(
    app: &App,
    finished: Vec<FinishedAttempt>,
    back: Vec<DeliveryKey>,
    stop: &CancellationToken,
) {
    match persist(app, &finished, &back, stop).await {
        Ok(recorded) => follow_up(app, &recorded).await,
        Err(error) => {
            tracing::error!(error = %chain(&error), "results are recorded one by one");
            for one in &finished {
                match persist(app, std::slice::from_ref(one), &[], stop).await {
                    Ok(recorded) => follow_up(app, &recorded).await,
                    Err(error) => {
                        let endpoint = one.key.endpoint_id;
                        tracing::error!(%endpoint, error = %chain(&error), "an attempt is not recorded");
                    }
                }
            }
        }
    }
}

/// Writes, also when the database is away for a while.
async fn persist(
    app: &App,
    finished: &[FinishedAttempt],
    back: &[DeliveryKey],
    stop: &CancellationToken,
) -> Result<Recorded, StoreError> {
    let mut last_tries = 0;
    loop {
        let (act, finished, back) = (app.acting(), finished.to_vec(), back.to_vec());
        let written = app.store.write_async(move |tx| {
            let recorded = record_attempts(tx, &act, &finished)?;
            give_back(tx, &back)?;
            Ok::<_, StoreError>(recorded)
        });
        match written.await {
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::error!(error = %chain(&error), "results of webhooks wait for the database");
                if stop.is_cancelled() {
                    last_tries += 1;
                    if last_tries == LAST_TRIES {
                        return Err(error);
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

async fn follow_up(app: &App, recorded: &Recorded) {
    if recorded.late > 0 {
        let count = recorded.late;
        tracing::warn!(count, "late results of webhooks are left out");
    }
    for endpoint in &recorded.gone {
        tracing::warn!(%endpoint, "NOTICE: a webhook answered 410 Gone and is disabled");
    }
    for endpoint in &recorded.hopeless {
        disable(app, *endpoint).await;
    }
}

/// Disables an endpoint that has failed for days. Should that fail, its next failure leads here again.
async fn disable(app: &App, endpoint: EndpointId) {
    let act = app.acting();
    let disabled = app
        .store
        .write_async(move |tx| disable_endpoint(tx, &act, endpoint, DisableReason::Failing));
    match disabled.await {
        Ok(true) => {
            tracing::warn!(%endpoint, "NOTICE: a webhook took nothing for five days and is disabled");
        }
        Ok(false) => {}
        Err(error) => tracing::error!(error = %chain(&error), "a webhook cannot be disabled now"),
    }
}

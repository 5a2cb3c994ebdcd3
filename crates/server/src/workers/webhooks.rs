//! Delivers webhooks: claim under a lease, send outside any transaction, record.
//!
//! One loop owns what is under way ([`Board`]) and never waits for a receiver or for the database: it looks for ready
//! endpoints, claims a little of each, launches attempts while there are slots, and hands results to the recorder. The
//! stored bytes are signed and sent as they are. A sender that dies leaves a lease that runs out, and the delivery is
//! made again with the same id.

mod board;
mod clocks;
mod lane;
mod recorder;
mod ring;
mod sender;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use payments::ids::EndpointId;
use payments::webhook::ClaimedDelivery;
use store::acts::webhook::claim::{Quota, Stale, claim_deliveries, release_stale_leases};
use store::acts::webhook::record::FinishedAttempt;
use store::queries::webhook::{ReadyEndpoint, ready_endpoints, ready_good_endpoints};
use store::{Signal, StoreError};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::board::{Board, Launch};
use self::recorder::{Note, Recorder};
pub use self::sender::Sender;
use crate::app::App;
use crate::problem::chain;

/// How long a claim holds: longer than an attempt and what stands before it in the queue can take.
const LEASE: Duration = Duration::from_secs(60);
/// A claim that ends sooner is given back, not sent: the attempt could outlast it.
const LEASE_LEFT: Duration = Duration::from_secs(20);
/// The longest wait: a wake-up only shortens it.
const POLL: Duration = Duration::from_secs(1);
/// The shortest time from one look to the next: what comes meanwhile is claimed together.
const SPACING: Duration = Duration::from_millis(2);
/// The shortest time from one look at all endpoints to the next. In between only those are looked at that take what
/// they get: a thousand that do not must not slow them.
const ALL_SPACING: Duration = Duration::from_millis(25);
/// How long to wait when the database is away.
const PAUSE: Duration = Duration::from_millis(250);

/// What the loop hears of.
enum News {
    /// An attempt is over.
    Sent(Launch, Box<FinishedAttempt>),
    /// These endpoints are ready, of all of them or of those that take what they get.
    Ready(Result<Vec<ReadyEndpoint>, StoreError>, Look),
    /// These deliveries were claimed, and the claim holds until then.
    Claimed(Result<Claimed, StoreError>, Instant),
}

/// At which endpoints to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    All,
    Good,
}

type Claimed = Vec<(EndpointId, Vec<ClaimedDelivery>)>;

/// Delivers until `stop`, then waits for the attempts under way.
pub async fn run(app: App, sender: Sender, stop: CancellationToken) {
    if !app.store.is_shared() {
        take_back_everything(&app, &stop).await;
    }
    let upkeep = tokio::spawn(upkeep::run(app.clone(), stop.clone()));
    let (recorder, recording) = recorder::start(app.clone(), stop.clone());
    let (news, heard) = mpsc::unbounded_channel();
    let worker = Worker {
        app,
        sender,
        recorder,
        news,
        board: Board::default(),
        is_looking: false,
        next_look: Instant::now(),
        next_look_at_all: Instant::now(),
    };
    worker.run(heard, stop).await;
    for task in [recording, upkeep] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a part of the webhooks did not end well");
        }
    }
}

/// On SQLite no other process delivers, so whatever is leased was left by one that died.
async fn take_back_everything(app: &App, stop: &CancellationToken) {
    loop {
        let act = app.acting();
        let released = app
            .store
            .write_async(move |tx| release_stale_leases(tx, &act, Stale::All))
            .await;
        match released {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = %chain(&error), "deliveries of before cannot be taken back");
                let pause = tokio::time::sleep(PAUSE);
                if stop.run_until_cancelled(pause).await.is_none() {
                    return;
                }
            }
        }
    }
}

struct Worker {
    app: App,
    sender: Sender,
    recorder: Recorder,
    news: mpsc::UnboundedSender<News>,
    board: Board,
    /// Whether a look or a claim is under way.
    is_looking: bool,
    next_look: Instant,
    next_look_at_all: Instant,
}

impl Worker {
    async fn run(mut self, mut heard: mpsc::UnboundedReceiver<News>, stop: CancellationToken) {
        let mut wakeups = self.app.store.subscribe(Signal::Deliveries);
        let mut is_stopping = false;
        loop {
            if is_stopping && !self.is_looking && self.board.is_idle() {
                return;
            }
            if !is_stopping {
                self.launch();
                if !self.is_looking && Instant::now() >= self.next_look {
                    self.look();
                }
            }
            let may_look = !self.is_looking && !is_stopping;
            tokio::select! {
                Some(news) = heard.recv() => self.take(news, is_stopping),
                woken = wakeups.next(), if may_look => match woken {
                    Ok(()) => self.look_within(SPACING),
                    Err(_) => self.look_within(POLL),
                },
                () = tokio::time::sleep_until(self.next_look), if may_look => {}
                () = stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    self.recorder.note(Note::Back(self.board.take_queued()));
                }
            }
        }
    }

    fn look_within(&mut self, wait: Duration) {
        self.next_look = self.next_look.min(Instant::now() + wait);
    }

    fn launch(&mut self) {
        while let Some(launch) = self.board.next_launch() {
            if launch.lease_ends < Instant::now() + LEASE_LEFT {
                let key = launch.delivery.key;
                self.board.forget(&launch);
                self.recorder.note(Note::Back(vec![key]));
                continue;
            }
            let (app, sender, news) = (self.app.clone(), self.sender.clone(), self.news.clone());
            tokio::spawn(async move {
                let finished = sender.send(&app, &launch).await;
                drop(news.send(News::Sent(launch, Box::new(finished))));
            });
        }
    }

    fn look(&mut self) {
        self.is_looking = true;
        let (store, news, now) = (
            self.app.store.clone(),
            self.news.clone(),
            self.app.clock.now(),
        );
        let horizon = now.checked_add(POLL).unwrap_or(now);
        let look = match Instant::now() >= self.next_look_at_all {
            true => Look::All,
            false => Look::Good,
        };
        tokio::spawn(async move {
            let ready = store.read_async(move |tx| match look {
                Look::All => ready_endpoints(tx, now, horizon),
                Look::Good => ready_good_endpoints(tx, now, horizon),
            });
            drop(news.send(News::Ready(ready.await, look)));
        });
    }

    fn claim(&mut self, quotas: Vec<Quota>) {
        let (store, news, act) = (self.app.store.clone(), self.news.clone(), self.app.acting());
        let ends = Instant::now() + LEASE;
        let lease_ms = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        tokio::spawn(async move {
            let claimed =
                store.write_async(move |tx| claim_deliveries(tx, &act, lease_ms, &quotas));
            drop(news.send(News::Claimed(claimed.await, ends)));
        });
    }

    fn take(&mut self, news: News, is_stopping: bool) {
        match news {
            News::Sent(launch, finished) => {
                let back = self.board.sent(&launch, &finished);
                if self.board.is_hungry(launch.to.id) {
                    self.look_within(Duration::ZERO);
                }
                self.recorder.note(Note::Finished(finished));
                self.recorder.note(Note::Back(back));
            }
            News::Ready(Ok(ready), look) => {
                self.next_look = Instant::now() + POLL;
                match look {
                    Look::All => self.next_look_at_all = Instant::now() + ALL_SPACING,
                    Look::Good => self.next_look = self.next_look.min(self.next_look_at_all),
                }
                self.plan(ready, is_stopping);
            }
            News::Claimed(Ok(claimed), ends) => {
                self.is_looking = false;
                if is_stopping {
                    let keys = claimed
                        .iter()
                        .flat_map(|(_, of)| of.iter().map(|one| one.key));
                    self.recorder.note(Note::Back(keys.collect()));
                } else if self.board.queue(claimed, ends) {
                    self.look_within(SPACING);
                }
            }
            News::Ready(Err(error), _) | News::Claimed(Err(error), _) => {
                tracing::error!(error = %chain(&error), "no delivery can be claimed now");
                self.is_looking = false;
                self.next_look = Instant::now() + PAUSE;
            }
        }
    }

    /// Decides what to claim of whom.
    fn plan(&mut self, ready: Vec<ReadyEndpoint>, is_stopping: bool) {
        let now = self.app.clock.now();
        let mut due = Vec::with_capacity(ready.len());
        for endpoint in ready {
            if endpoint.ready_at <= now {
                due.push(Arc::new(endpoint));
            } else {
                let wait = Duration::try_from(endpoint.ready_at.duration_since(now));
                let wait = wait.unwrap_or_default();
                self.look_within(wait.clamp(Duration::from_millis(5), POLL));
            }
        }
        let quotas = self.board.plan(due);
        if quotas.is_empty() || is_stopping {
            self.is_looking = false;
        } else {
            self.claim(quotas);
        }
    }
}

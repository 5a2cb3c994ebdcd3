//! [`Lane`]: one endpoint, as far as this process sends to it.
//!
//! Its window is how many attempts may be under way: it begins with one, grows by one with each success and is halved
//! by a failure, so that a receiver that comes back is not run over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use payments::webhook::{ClaimedDelivery, DeliveryKey};
use store::queries::webhook::ReadyEndpoint;
use tokio::time::Instant;

/// The most deliveries that are claimed ahead of their attempts.
const MOST_AHEAD: u32 = 256;
/// How much time what is claimed ahead may take to send.
const AHEAD: Duration = Duration::from_millis(100);

/// By what an endpoint is known; each kind has slots of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    /// It takes what it gets.
    Good,
    /// It has never taken anything, nor failed.
    Untried,
    /// Its last attempt failed.
    Failing,
}

/// One endpoint.
#[derive(Debug)]
pub(super) struct Lane {
    /// The endpoint, as it was last read.
    pub(super) to: Arc<ReadyEndpoint>,
    /// How it stands.
    pub(super) standing: Standing,
    /// Under which standing it waits for its turn, if it does.
    pub(super) in_ring: Option<Standing>,
    /// What is claimed and not yet sent.
    pub(super) queue: VecDeque<(ClaimedDelivery, Instant)>,
    /// How many attempts are under way.
    pub(super) in_flight: u32,
    /// Whether more was due than was claimed.
    pub(super) has_more: bool,
    window: u32,
    typical: Option<Duration>,
}

impl Lane {
    pub(super) fn new(to: Arc<ReadyEndpoint>) -> Self {
        let mut lane = Self {
            standing: Standing::Untried,
            in_ring: None,
            queue: VecDeque::new(),
            in_flight: 0,
            has_more: false,
            window: 1,
            typical: None,
            to,
        };
        lane.stand();
        lane
    }

    /// Takes the endpoint as it was read just now.
    pub(super) fn read(&mut self, to: Arc<ReadyEndpoint>) {
        self.to = to;
        if self.to.probe_after.is_some() {
            self.window = 1;
        }
        self.stand();
    }

    fn stand(&mut self) {
        self.standing = match (self.to.is_failing, self.to.is_proven) {
            (true, _) => Standing::Failing,
            (false, true) => Standing::Good,
            (false, false) => Standing::Untried,
        };
    }

    /// Whether an attempt may begin.
    pub(super) fn can_send(&self) -> bool {
        !self.queue.is_empty() && self.in_flight < self.window()
    }

    fn window(&self) -> u32 {
        self.window.min(self.to.max_in_flight)
    }

    /// How many deliveries are wanted beside those that are claimed.
    pub(super) fn wanted(&self) -> u32 {
        let queued = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        let under_way = queued.saturating_add(self.in_flight);
        if self.to.probe_after.is_some() {
            return u32::from(under_way == 0);
        }
        match self.standing {
            Standing::Good => self.ahead().saturating_sub(queued),
            Standing::Untried | Standing::Failing => self.window().saturating_sub(under_way),
        }
    }

    /// How much to claim ahead: what it takes in a tenth of a second, so that little is held when it turns slow.
    pub(super) fn ahead(&self) -> u32 {
        let window = self.window();
        let Some(typical) = self.typical else {
            return window;
        };
        let rounds = AHEAD.as_micros() / typical.as_micros().max(1);
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        rounds
            .saturating_mul(window)
            .clamp(window, MOST_AHEAD.max(window))
    }

    /// An attempt was taken.
    pub(super) fn succeeded(&mut self, took: Duration) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.window = (self.window() + 1).min(self.to.max_in_flight);
        self.typical = Some(
            self.typical
                .map_or(took, |typical| (typical * 7 + took) / 8),
        );
        self.standing = Standing::Good;
    }

    /// An attempt failed: what is claimed and not sent is given back.
    pub(super) fn failed(&mut self) -> Vec<DeliveryKey> {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.window = (self.window / 2).max(1);
        self.standing = Standing::Failing;
        self.take_queued()
    }

    /// Takes what is claimed and not sent.
    pub(super) fn take_queued(&mut self) -> Vec<DeliveryKey> {
        self.queue
            .drain(..)
            .map(|(delivery, _)| delivery.key)
            .collect()
    }
}

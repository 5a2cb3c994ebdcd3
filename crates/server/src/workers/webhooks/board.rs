//! [`Board`]: what is claimed and under way in this process, and what may begin next.
//!
//! Slots are kept apart by how endpoints stand, and within that no tenant has more than half: however many endpoints
//! hang, those that work have slots of their own. It decides alone, and waits for nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use payments::ids::{AccountId, EndpointId};
use payments::webhook::{ClaimedDelivery, DeliveryKey, DeliveryVerdict};
use store::acts::webhook::claim::Quota;
use store::acts::webhook::record::FinishedAttempt;
use store::queries::webhook::ReadyEndpoint;
use tokio::time::Instant;

use super::lane::{Lane, Standing};
use super::ring::Ring;

/// The most deliveries that are claimed at once.
const CLAIM: u32 = 1_024;
/// What an endpoint gets of that at least.
const LEAST: u32 = 8;

/// An attempt that begins.
#[derive(Debug)]
pub(super) struct Launch {
    /// What is sent.
    pub(super) delivery: ClaimedDelivery,
    /// To whom.
    pub(super) to: Arc<ReadyEndpoint>,
    /// Until when the claim holds.
    pub(super) lease_ends: Instant,
    /// Whose slot it has.
    slot: Standing,
}

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Board {
    lanes: HashMap<EndpointId, Lane>,
    rings: HashMap<Standing, Ring>,
    used: HashMap<Standing, u32>,
    used_by: HashMap<(Standing, AccountId), u32>,
    /// With whom the next plan begins.
    turn: usize,
}

/// How many attempts may be under way to endpoints of a standing.
const fn slots(standing: Standing) -> u32 {
    match standing {
        Standing::Good => 320,
        Standing::Untried => 128,
        Standing::Failing => 64,
    }
}

impl Board {
    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.used.values().all(|used| *used == 0)
    }

    /// How much to claim of each endpoint that is due.
    pub(super) fn plan(&mut self, due: Vec<Arc<ReadyEndpoint>>) -> Vec<Quota> {
        let share = CLAIM / u32::try_from(due.len().max(1)).unwrap_or(u32::MAX);
        let share = share.max(LEAST);
        let mut left = CLAIM;
        let mut quotas = Vec::new();
        let first = self.turn % due.len().max(1);
        self.turn = self.turn.wrapping_add(1);
        for to in due.iter().cycle().skip(first).take(due.len()) {
            let lane = self
                .lanes
                .entry(to.id)
                .or_insert_with(|| Lane::new(Arc::clone(to)));
            lane.read(Arc::clone(to));
            let wanted = lane.wanted();
            let most = wanted.min(share).min(left);
            lane.has_more = most < wanted || most == 0;
            if most > 0 {
                left -= most;
                quotas.push(Quota {
                    endpoint_id: to.id,
                    most,
                    probe_after: to.probe_after,
                    per_second: to.per_second,
                });
            }
        }
        quotas
    }

    /// Takes what was claimed. Answers whether more may be due for an endpoint that wants more.
    pub(super) fn queue(
        &mut self,
        claimed: Vec<(EndpointId, Vec<ClaimedDelivery>)>,
        ends: Instant,
    ) -> bool {
        let mut is_hungry = false;
        for (endpoint, deliveries) in claimed {
            let Some(lane) = self.lanes.get_mut(&endpoint) else {
                continue;
            };
            lane.has_more = true;
            lane.queue
                .extend(deliveries.into_iter().map(|one| (one, ends)));
            self.enter(endpoint);
            is_hungry |= self.is_hungry(endpoint);
        }
        is_hungry
    }

    /// Whether an endpoint has more due than is claimed, and room for it.
    pub(super) fn is_hungry(&self, endpoint: EndpointId) -> bool {
        let hungry = |lane: &Lane| {
            let enough = (lane.ahead() / 2).max(1);
            lane.has_more && lane.to.probe_after.is_none() && lane.wanted() >= enough
        };
        self.lanes.get(&endpoint).is_some_and(hungry)
    }

    /// The attempt that may begin next.
    pub(super) fn next_launch(&mut self) -> Option<Launch> {
        [Standing::Good, Standing::Untried, Standing::Failing]
            .into_iter()
            .find_map(|slot| self.next_of(slot))
    }

    fn next_of(&mut self, slot: Standing) -> Option<Launch> {
        while self.used.get(&slot).copied().unwrap_or(0) < slots(slot) {
            let used_by = &self.used_by;
            let may = |tenant| used_by.get(&(slot, tenant)).copied().unwrap_or(0) < slots(slot) / 2;
            let endpoint = self.rings.get_mut(&slot)?.pop(may)?;
            let lane = self.lanes.get_mut(&endpoint)?;
            lane.in_ring = None;
            if lane.standing == slot
                && lane.can_send()
                && let Some((delivery, lease_ends)) = lane.queue.pop_front()
            {
                lane.in_flight += 1;
                let to = Arc::clone(&lane.to);
                *self.used.entry(slot).or_default() += 1;
                *self.used_by.entry((slot, to.account_id)).or_default() += 1;
                self.enter(endpoint);
                return Some(Launch {
                    delivery,
                    to,
                    lease_ends,
                    slot,
                });
            }
            // It stands otherwise by now, or has nothing to send.
            self.enter(endpoint);
        }
        None
    }

    /// Lets an endpoint wait for its turn, if it has something to send.
    fn enter(&mut self, endpoint: EndpointId) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else {
            return;
        };
        if lane.in_ring.is_none() && lane.can_send() {
            lane.in_ring = Some(lane.standing);
            let ring = self.rings.entry(lane.standing).or_default();
            ring.push(lane.to.account_id, endpoint);
        }
    }

    /// An attempt is over. Answers with what is to be given back.
    pub(super) fn sent(&mut self, launch: &Launch, finished: &FinishedAttempt) -> Vec<DeliveryKey> {
        self.free(launch);
        let endpoint = launch.to.id;
        let Some(lane) = self.lanes.get_mut(&endpoint) else {
            return Vec::new();
        };
        let took = u64::try_from(finished.attempt.times.total_us).unwrap_or(0);
        let back = match finished.verdict {
            DeliveryVerdict::Delivered => {
                lane.succeeded(Duration::from_micros(took));
                Vec::new()
            }
            DeliveryVerdict::Spoiled => {
                lane.in_flight = lane.in_flight.saturating_sub(1);
                Vec::new()
            }
            _ => lane.failed(),
        };
        self.enter(endpoint);
        back
    }

    /// A launch that came to nothing.
    pub(super) fn forget(&mut self, launch: &Launch) {
        self.free(launch);
        if let Some(lane) = self.lanes.get_mut(&launch.to.id) {
            lane.in_flight = lane.in_flight.saturating_sub(1);
        }
        self.enter(launch.to.id);
    }

    fn free(&mut self, launch: &Launch) {
        let used = self.used.entry(launch.slot).or_default();
        *used = used.saturating_sub(1);
        let key = (launch.slot, launch.to.account_id);
        if let Some(used) = self.used_by.get_mut(&key) {
            *used = used.saturating_sub(1);
            if *used == 0 {
                self.used_by.remove(&key);
            }
        }
    }

    /// Takes everything that is claimed and not sent.
    pub(super) fn take_queued(&mut self) -> Vec<DeliveryKey> {
        self.lanes
            .values_mut()
            .flat_map(Lane::take_queued)
            .collect()
    }
}

#[cfg(test)]
mod tests;

//! The outbox: an event reaches exactly the endpoints that chose it, as the bytes that were
//! rendered, and the hub of the key that asked.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use payments::event::{Event, EventKind, EventSubject};
use payments::ids::EndpointId;
use payments::ports::EventBodies;
use payments::webhook::{
    ClaimedDelivery, DisableReason, EndpointState, SealedSecret, WebhookEndpoint,
};
use store::acts::webhook::claim::{Quota, claim_deliveries};
use store::acts::webhook::endpoint::{create_endpoint, disable_endpoint};
use store::queries::event::{HubEvent, events_after, newest};
use store::queries::webhook::{ReadyEndpoint, endpoints, ready_endpoints};

use crate::builders::{Customer, sat};
use crate::harness::{PlainBodies, World, on_both};

on_both! {
    an_event_goes_to_exactly_the_active_endpoints_of_its_account_that_chose_it,
    the_stored_bytes_are_the_rendered_ones,
    an_event_that_is_undone_was_never_told,
    endpoints_read_back_as_they_were_made,
    the_hub_reads_the_events_of_keys_in_order,
}

/// Longer than any case.
const LEASE_MS: i64 = 600_000;

impl World {
    /// An endpoint that is active and wants its events in order.
    pub fn endpoint(&self, of: &Customer, events: &[EventKind]) -> WebhookEndpoint {
        self.endpoint_with(of, events, |_| {})
    }

    /// As [`World::endpoint`], changed as `change` says.
    pub fn endpoint_with(
        &self,
        of: &Customer,
        events: &[EventKind],
        change: impl FnOnce(&mut WebhookEndpoint),
    ) -> WebhookEndpoint {
        let url = "https://customer.example/hook".to_owned();
        let secret = SealedSecret::from_stored("a secret".to_owned());
        let names = events.iter().map(|kind| kind.name().to_owned());
        let mut endpoint = WebhookEndpoint::new(self.id(), of.account.id, url, secret, self.now())
            .with_events(names.collect());
        change(&mut endpoint);
        let made = endpoint.clone();
        self.write(move |tx, _| create_endpoint(tx, &made))
            .expect("an endpoint");
        endpoint
    }

    /// The endpoints that a sender may turn to now.
    pub fn ready(&self) -> Vec<ReadyEndpoint> {
        let now = self.now();
        let mut ready =
            self.read(move |tx| ready_endpoints(tx, now, now + SignedDuration::from_secs(1)));
        ready.retain(|endpoint| endpoint.ready_at <= now);
        ready
    }

    /// Claims due deliveries of all endpoints, at most so many of each.
    pub fn deliveries(&self, most: u32) -> Vec<ClaimedDelivery> {
        self.claim_deliveries(most, LEASE_MS)
    }

    /// As [`World::deliveries`], for as long as `lease_ms`.
    pub fn claim_deliveries(&self, most: u32, lease_ms: i64) -> Vec<ClaimedDelivery> {
        let quotas: Vec<_> = self
            .ready()
            .iter()
            .map(|endpoint| Quota {
                endpoint_id: endpoint.id,
                most,
                probe_after: endpoint.probe_after,
                per_second: endpoint.per_second,
            })
            .collect();
        let claimed = self.write(move |tx, act| claim_deliveries(tx, act, lease_ms, &quotas));
        let claimed = claimed.expect("a claim").into_iter();
        claimed.flat_map(|(_, deliveries)| deliveries).collect()
    }

    /// Switches an endpoint off.
    pub fn disable(&self, endpoint: EndpointId) {
        let reason = DisableReason::Operator;
        self.write(move |tx, act| disable_endpoint(tx, act, endpoint, reason))
            .expect("switched off");
    }
}

fn hub_events(world: &World, after: i64, limit: i64) -> Vec<HubEvent> {
    let mut events = world.read(move |tx| events_after(tx, after, limit));
    events.retain(|event| event.api_key_id.is_some());
    events
}

fn an_event_goes_to_exactly_the_active_endpoints_of_its_account_that_chose_it(world: &World) {
    use EventKind::{DepositLightningCompleted, DepositLightningFailed};
    let (alice, bob) = (world.customer(), world.customer());
    let chose = world.endpoint(&alice, &[DepositLightningCompleted]);
    let chose_all = world.endpoint(&alice, &EventKind::ALL);
    world.endpoint(&alice, &[DepositLightningFailed]);
    world.endpoint(&alice, &[]);
    world.endpoint(&bob, &EventKind::ALL);
    let off = world.endpoint(&alice, &EventKind::ALL);
    world.disable(off.id);

    world.deposited(&alice, 100);
    let claimed = world.deliveries(100);
    assert_eq!(claimed.len(), 2);
    let to: BTreeSet<_> = claimed
        .iter()
        .map(|delivery| delivery.key.endpoint_id)
        .collect();
    assert_eq!(to, BTreeSet::from([chose.id, chose_all.id]));
    assert!(claimed.iter().all(|delivery| delivery.tries == 0));
    assert_eq!(world.count("SELECT COUNT(*) FROM webhook_delivery"), 2);
    // An endpoint made later is not told of what was before.
    world.endpoint(&alice, &EventKind::ALL);
    assert_eq!(world.deliveries(100), []);
}

fn the_stored_bytes_are_the_rendered_ones(world: &World) {
    let customer = world.customer_with(1_000);
    world.endpoint(&customer, &EventKind::ALL);
    let withdrawal = world.reserved(&customer, 100);
    let delivery = world.deliveries(10).pop().expect("one is due");
    let event = Event {
        id: delivery.key.event_id,
        kind: EventKind::WithdrawalLightningPending,
        subject: EventSubject::Withdrawal(Box::new(withdrawal)),
        occurred_at: world.now(),
    };
    let body = PlainBodies.render(&event);
    assert_eq!(delivery.body, body.webhook);
    let told = hub_events(world, 0, 10).pop().expect("the hub is told");
    assert_eq!(told.body, body.hub);
    assert_eq!(told.api_key_id, Some(customer.key.id));
}

fn an_event_that_is_undone_was_never_told(world: &World) {
    let customer = world.customer_with(100);
    world.endpoint(&customer, &EventKind::ALL);
    let before = world.count("SELECT COUNT(*) FROM event");
    assert!(world.reserve(&world.request(&customer, 100)).is_err());
    assert_eq!(world.count("SELECT COUNT(*) FROM event"), before);
    assert_eq!(world.deliveries(10), []);
}

fn endpoints_read_back_as_they_were_made(world: &World) {
    let (alice, bob) = (world.customer(), world.customer());
    let mut first = world.endpoint(&alice, &EventKind::ALL);
    first.events.sort();
    world.pass(1);
    let second = world.endpoint(&alice, &[]);
    world.pass(1);
    let third = world.endpoint(&bob, &[EventKind::DepositLightningFailed]);
    world.disable(second.id);
    let second = WebhookEndpoint {
        state: EndpointState::Disabled,
        reason: Some(DisableReason::Operator),
        updated_at: world.now(),
        disabled_at: Some(world.now()),
        ..second
    };
    let (of_alice, nobody) = (alice.account.id, world.id());
    let all = world.read(|tx| endpoints(tx, None));
    assert_eq!(all, [first.clone(), second.clone(), third]);
    let hers = world.read(move |tx| endpoints(tx, Some(of_alice)));
    assert_eq!(hers, [first, second]);
    assert_eq!(world.read(move |tx| endpoints(tx, Some(nobody))), []);
}

fn the_hub_reads_the_events_of_keys_in_order(world: &World) {
    assert_eq!(world.read(newest), 0);
    let (alice, bob) = (world.customer_with(1_000), world.customer_with(1_000));
    let first = world.dispatched(&alice, 100);
    world.reserved(&bob, 100);
    world.settle(first.payment_hash, sat(1));
    let all = hub_events(world, 0, 10);
    let keys: Vec<_> = all.iter().filter_map(|event| event.api_key_id).collect();
    // The deposits belong to no key.
    assert_eq!(keys, [alice.key.id, bob.key.id, alice.key.id]);
    assert!(all.is_sorted_by(|one, next| one.seq < next.seq));
    assert_eq!(world.read(newest), all[2].seq);
    assert_eq!(hub_events(world, all[0].seq, 1), [all[1].clone()]);
}

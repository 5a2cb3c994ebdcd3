//! Who gets the slots, and how fast an endpoint that comes back is filled.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use payments::ids::{AccountId, EndpointId, EventId};
use payments::webhook::delivery::AttemptTimes;
use payments::webhook::{
    AttemptOutcome, ClaimedDelivery, DeliveryAttempt, DeliveryKey, DeliveryVerdict, SealedSecret,
};
use store::acts::webhook::claim::Quota;
use store::acts::webhook::record::FinishedAttempt;
use store::queries::webhook::ReadyEndpoint;
use tokio::time::Instant;

use super::{Board, Launch, Standing, slots};

fn endpoint_id(number: u32) -> EndpointId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    EndpointId::from_bytes(bytes)
}

/// An endpoint of the tenant `tenant` that has taken something before and fails not, which a test changes.
fn ready(number: u32, tenant: u8, change: impl FnOnce(&mut ReadyEndpoint)) -> Arc<ReadyEndpoint> {
    let mut endpoint = ReadyEndpoint {
        id: endpoint_id(number),
        account_id: AccountId::from_bytes([tenant; 16]),
        ready_at: Timestamp::UNIX_EPOCH,
        probe_after: None,
        is_failing: false,
        is_proven: true,
        max_in_flight: 10,
        per_second: None,
        url: "http://127.0.0.1:9/".to_owned(),
        headers: "{}".to_owned(),
        retry_seconds: None,
        secret: SealedSecret::from_stored("0".repeat(64)),
        old_secrets: Vec::new(),
    };
    change(&mut endpoint);
    Arc::new(endpoint)
}

/// Gives each quota all it asks for.
fn claim(board: &mut Board, quotas: &[Quota]) {
    let deliveries = |quota: &Quota| {
        let claimed = (0..quota.most).map(|number| ClaimedDelivery {
            key: DeliveryKey {
                endpoint_id: quota.endpoint_id,
                event_id: EventId::from_bytes([u8::try_from(number % 256).unwrap_or(0); 16]),
                lease_token: 1,
            },
            body: Vec::new(),
            tries: 0,
        });
        (quota.endpoint_id, claimed.collect())
    };
    let claimed = quotas.iter().map(deliveries).collect();
    board.queue(claimed, Instant::now() + Duration::from_secs(60));
}

fn launch_all(board: &mut Board) -> Vec<Launch> {
    std::iter::from_fn(|| board.next_launch()).collect()
}

fn finished(launch: &Launch, verdict: DeliveryVerdict) -> FinishedAttempt {
    FinishedAttempt {
        key: launch.delivery.key,
        attempt: DeliveryAttempt {
            started_at: Timestamp::UNIX_EPOCH,
            outcome: AttemptOutcome::Delivered,
            status: Some(200),
            error: None,
            times: AttemptTimes {
                total_us: 1_000,
                ..AttemptTimes::default()
            },
            response_excerpt: Vec::new(),
        },
        verdict,
        is_news: false,
        was_probe: false,
        is_overload: false,
        asked: None,
    }
}

const RETRY: DeliveryVerdict = DeliveryVerdict::Retry {
    next_at: Timestamp::UNIX_EPOCH,
};

#[test]
fn h6_s16_a_thousand_endpoints_that_hang_take_no_slot_of_those_that_work() {
    let mut board = Board::default();
    let mut due: Vec<_> = (0..500)
        .map(|number| ready(number, 1, |endpoint| endpoint.is_failing = true))
        .collect();
    due.extend((500..1_000).map(|number| ready(number, 1, |endpoint| endpoint.is_proven = false)));
    let mut hanging = 0;
    for _ in 0..10 {
        let quotas = board.plan(due.clone());
        claim(&mut board, &quotas);
        hanging += launch_all(&mut board).len();
    }
    // Half of each kind is all that one tenant can get, however many endpoints it has.
    let half = |standing| usize::try_from(slots(standing) / 2).expect("few");
    assert_eq!(hanging, half(Standing::Failing) + half(Standing::Untried));
    let good = ready(1_000, 2, |_| {});
    for round in 1..=100 {
        due.push(Arc::clone(&good));
        let quotas = board.plan(due.clone());
        claim(&mut board, &quotas);
        let launched = launch_all(&mut board);
        assert!(!launched.is_empty(), "round {round}");
        for launch in &launched {
            assert_eq!(launch.to.id, good.id);
            board.sent(launch, &finished(launch, DeliveryVerdict::Delivered));
        }
        due.pop();
    }
    // Another tenant's endpoint that was never tried finds a slot as well.
    let untried = ready(1_001, 3, |endpoint| endpoint.is_proven = false);
    let quotas = board.plan(vec![Arc::clone(&untried)]);
    claim(&mut board, &quotas);
    assert_eq!(launch_all(&mut board).len(), 1);
}

#[test]
fn s16_no_more_attempts_are_under_way_than_there_are_slots() {
    let mut board = Board::default();
    let due: Vec<_> = (0..2_000)
        .map(|number| ready(number, u8::try_from(number % 7).unwrap_or(0), |_| {}))
        .collect();
    let mut under_way = 0;
    for _ in 0..20 {
        let quotas = board.plan(due.clone());
        claim(&mut board, &quotas);
        under_way += launch_all(&mut board).len();
    }
    assert_eq!(
        under_way,
        usize::try_from(slots(Standing::Good)).expect("few")
    );
}

#[test]
fn s15_an_endpoint_that_comes_back_is_probed_once_and_then_filled_twice_as_far_each_round() {
    let mut board = Board::default();
    let back = ready(1, 1, |endpoint| {
        endpoint.is_failing = true;
        endpoint.probe_after = Some(Timestamp::UNIX_EPOCH);
    });
    let quotas = board.plan(vec![Arc::clone(&back)]);
    assert_eq!(quotas[0].most, 1);
    claim(&mut board, &quotas);
    let mut under_way = launch_all(&mut board);
    assert!(
        board.plan(vec![back]).is_empty(),
        "nothing beside the probe"
    );
    let mut sizes = Vec::new();
    for _ in 0..6 {
        sizes.push(under_way.len());
        for launch in &under_way {
            board.sent(launch, &finished(launch, DeliveryVerdict::Delivered));
        }
        let quotas = board.plan(vec![ready(1, 1, |_| {})]);
        claim(&mut board, &quotas);
        under_way = launch_all(&mut board);
    }
    assert_eq!(sizes, [1, 2, 4, 8, 10, 10]);
    // One failure halves it, and what was claimed and not sent is given back.
    let back = board.sent(&under_way[0], &finished(&under_way[0], RETRY));
    assert!(board.next_launch().is_none());
    assert!(!back.is_empty());
}

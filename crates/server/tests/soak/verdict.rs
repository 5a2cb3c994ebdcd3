//! What must be true in the end, however often the server died.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::TestReceiver;

use crate::load::{Load, round};
use crate::place::Place;
use crate::sandbox::Sandbox;

/// How long nothing has to end before blocks are mined: earlier, they would run out the time locks of what is slow.
/// What is left then waits for the chain.
const QUIET: Duration = Duration::from_secs(10);
/// How often blocks are mined from then on.
const EVERY: Duration = Duration::from_secs(1);
/// How many withdrawals are asked for after the last death.
const LAST: usize = 8;
/// How long nothing may end.
const FOR_EVER: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(100);

/// Sends every event of the sandbox's account to `receiver`.
pub async fn subscribe(sandbox: &Sandbox, receiver: &TestReceiver) {
    let body = json!({ "url": receiver.url(), "events": ["*"] });
    let made = sandbox.admin(Method::POST, "/admin/v1/webhooks", &body);
    let made = made.await.expect("the server answers");
    assert!(
        made["id"].is_string() || made["data"]["id"].is_string(),
        "{made}"
    );
}

/// It pays as ever, every payment ended once, every end was told, and the books balance.
pub async fn everything_ended_once(place: &Place, receiver: &TestReceiver, load: &mut Load) {
    let sandbox = Sandbox::start(place);
    round(&sandbox, LAST, load).await;
    wait_until_all_ended(&sandbox).await;
    let rows = sandbox.transactions().await;
    let of = |kind: &str| {
        rows.iter()
            .filter(|row| row["type"] == kind)
            .collect::<Vec<_>>()
    };
    let (withdrawals, deposits) = (of("withdrawal"), of("deposit"));
    let settled = withdrawals.iter().filter(|row| row["status"] == "settled");
    let settled = settled.count();
    eprintln!(
        "{} withdrawals answered, {} deposits seen; {} withdrawals ({settled} settled), {} deposits",
        load.answered,
        load.received,
        withdrawals.len(),
        deposits.len()
    );
    for row in &withdrawals {
        let refused = load
            .refusing
            .contains(row["recipient"].as_str().expect("an invoice"));
        assert!(!refused || row["status"] == "failed", "{row}");
    }
    assert!(
        withdrawals.len() >= load.answered,
        "an answered withdrawal is never forgotten"
    );
    assert!(
        deposits.len() > load.received,
        "what a payer paid is credited, and the first deposit is there"
    );
    let recipients = withdrawals.iter().map(|row| row["recipient"].to_string());
    let recipients: BTreeSet<_> = recipients.collect();
    assert_eq!(
        recipients.len(),
        withdrawals.len(),
        "no invoice is paid twice"
    );
    everything_was_told(&sandbox, receiver, &withdrawals, &deposits).await;
    drop(sandbox);
    let failures = tokio::task::block_in_place(|| place.failures());
    for (invoice, failure) in failures {
        let by_the_payee = failure == "recipient_rejected";
        assert!(
            !by_the_payee || load.refusing.contains(&invoice),
            "it was to be paid: {invoice}"
        );
    }
    assert!(settled > 0, "something was paid at all");
    assert!(place.books_balance());
}

/// The receiver has every event, at least once, and repeats of it are the same to the byte under the same id.
async fn everything_was_told(
    sandbox: &Sandbox,
    receiver: &TestReceiver,
    withdrawals: &[&Value],
    deposits: &[&Value],
) {
    let mut expected = BTreeSet::new();
    for row in withdrawals {
        let end = match row["status"].as_str() {
            Some("settled") => "completed",
            Some("failed") => "failed",
            _ => "pending",
        };
        expected.insert((
            row["id"].to_string(),
            "withdrawal.lightning.pending".to_owned(),
        ));
        expected.insert((row["id"].to_string(), format!("withdrawal.lightning.{end}")));
    }
    for row in deposits {
        expected.insert((
            row["id"].to_string(),
            "deposit.lightning.completed".to_owned(),
        ));
    }
    let arrived = || -> BTreeSet<_> {
        let received = receiver.received();
        let named = received
            .iter()
            .map(|one| (one.json()["data"]["id"].to_string(), one.event()));
        named.collect()
    };
    // The sandbox's own first deposit was made before anybody listened.
    let missing = || expected.difference(&arrived()).cloned().collect::<Vec<_>>();
    let told = async |_: &Sandbox| missing().len() <= 1;
    sandbox.until("every webhook arrives", told).await;
    assert!(
        missing()
            .iter()
            .all(|(_, event)| event == "deposit.lightning.completed"),
        "{:?}",
        missing()
    );
    let mut bodies = BTreeMap::new();
    for one in receiver.received() {
        let id = one.header("webhook-id").to_owned();
        let first = bodies.entry(id).or_insert_with(|| one.body.clone());
        assert_eq!(*first, one.body, "a repeat is the same to the byte");
    }
    assert!(bodies.len() >= expected.len() - 1, "one id for each event");
    assert_eq!(bodies.len(), arrived().len(), "each event has one id");
}

/// A channel that a kill has closed resolves its payments on the chain, some only after their time locks.
async fn wait_until_all_ended(sandbox: &Sandbox) {
    let (mut pending, mut since) = (usize::MAX, Instant::now());
    let (mut mined_at, mut is_quiet) = (since, false);
    while pending > 0 {
        let rows = sandbox.withdrawals().await;
        let left = rows.iter().filter(|row| row["status"] == "pending").count();
        if left < pending {
            (pending, since) = (left, Instant::now());
        }
        if since.elapsed() > FOR_EVER {
            tell_why_it_is_pending(sandbox).await;
            panic!("{pending} withdrawals are pending for ever");
        }
        is_quiet |= since.elapsed() > QUIET;
        if is_quiet && mined_at.elapsed() > EVERY {
            mined_at = Instant::now();
            let body = json!({ "blocks": 10 });
            sandbox.admin(Method::POST, "/sandbox/mine", &body).await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn tell_why_it_is_pending(sandbox: &Sandbox) {
    let mut pending = sandbox.withdrawals().await;
    pending.retain(|row| row["status"] == "pending");
    for row in &pending {
        let id = row["id"].as_str().expect("an id");
        let path = format!("/v1/transactions/withdrawals/{id}");
        let found = sandbox.customer(Method::GET, &path, &json!({})).await;
        let why = found.expect("the server answers")["data"]["pending"].clone();
        eprintln!("in doubt: {why}");
    }
}

//! Wake-ups reach other processes on the same PostgreSQL database, and only shorten waits.

use std::time::Duration;

use store::testing::{Database, postgres};
use store::{Signal, Store, StoreError, Wakeups};

const PATIENCE: Duration = Duration::from_secs(30);

fn ring(store: &Store, signal: Signal) {
    let rung = store.write(move |tx| {
        tx.query("SELECT 1", &[])?;
        tx.after_commit(signal);
        Ok::<_, StoreError>(())
    });
    rung.expect("a transaction");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

async fn wait(wakeups: &mut Wakeups) {
    let woken = tokio::time::timeout(PATIENCE, wakeups.next()).await;
    woken.expect("a wake-up").expect("a store that is open");
}

/// Another process whose ears are open: what is told before that is not heard, so it is told until it is.
fn other(database: &Database) -> (Store, Wakeups) {
    let other = Store::open(database.config()).expect("another process");
    let mut wakeups = other.subscribe(Signal::Deliveries);
    runtime().block_on(async {
        loop {
            ring(database.store(), Signal::Deliveries);
            let look = tokio::time::timeout(Duration::from_millis(100), wakeups.next());
            if look.await.is_ok() {
                return;
            }
        }
    });
    (other, wakeups)
}

#[test]
fn a_commit_wakes_those_who_wait_in_another_process() {
    let Some(database) = postgres() else { return };
    let (other, _) = other(&database);
    let mut events = other.subscribe(Signal::Events);
    let mut withdrawals = other.subscribe(Signal::Withdrawals);
    runtime().block_on(async {
        for _ in 0..10 {
            ring(database.store(), Signal::Events);
            wait(&mut events).await;
            // And back.
            let mut here = database.store().subscribe(Signal::NodeAnswers);
            ring(&other, Signal::NodeAnswers);
            wait(&mut here).await;
        }
        ring(database.store(), Signal::Withdrawals);
        wait(&mut withdrawals).await;
    });
}

#[test]
fn a_process_whose_connection_was_lost_is_woken_when_it_is_back() {
    let Some(database) = postgres() else { return };
    let (other, _) = other(&database);
    let mut events = other.subscribe(Signal::Events);
    let end = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
    let ended = database
        .store()
        .read(move |tx| tx.query(end, &[]).map(drop));
    ended.map_err(|error: StoreError| error).expect("ended");
    // Whatever it missed, it looks once it hears again.
    runtime().block_on(wait(&mut events));
}

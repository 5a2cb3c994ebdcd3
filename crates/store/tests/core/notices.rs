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

#[test]
fn texts_of_any_length_reach_other_processes_in_order_and_never_come_back() {
    let Some(database) = postgres() else { return };
    let (other, _) = other(&database);
    let (mut there, mut here) = (other.hear_others(), database.store().hear_others());
    // Below and above what a notice takes, and what needs care inside of it.
    let texts: Vec<String> = [1, 7_898, 7_899, 7_900, 8_000, 100_000, 2]
        .into_iter()
        .map(|length| format!("é'\"{}", "x".repeat(length)))
        .collect();
    runtime().block_on(async {
        for _ in 0..3 {
            for text in &texts {
                database.store().tell_others(text.clone());
            }
            for text in &texts {
                let heard = tokio::time::timeout(PATIENCE, there.next()).await;
                let heard = heard.expect("in time").expect("a store that is open");
                assert_eq!(&*heard, text, "{}", text.len());
            }
        }
        other.tell_others("back".to_owned());
        let heard = tokio::time::timeout(PATIENCE, here.next()).await;
        let heard = heard.expect("in time").expect("a store that is open");
        assert_eq!(&*heard, "back", "nobody hears himself");
    });
}

#[test]
fn rows_of_long_texts_do_not_stay() {
    let Some(database) = postgres() else { return };
    let count = |store: &Store| {
        let counted = store.read(|tx| {
            let rows = tx.query("SELECT COUNT(*) FROM hub_message", &[])?;
            rows[0].int(0)
        });
        let counted: Result<i64, StoreError> = counted;
        counted.expect("a count")
    };
    let added = database.store().write(|tx| {
        let old = "INSERT INTO hub_message (body, created_at) VALUES ('old', 1)";
        tx.execute(old, &[]).map(drop)
    });
    added.map_err(|error: StoreError| error).expect("a row");
    assert_eq!(count(database.store()), 1);
    // Whoever begins to listen looks at once, and then again and again.
    let other = Store::open(database.config()).expect("another process");
    let begun = std::time::Instant::now();
    while count(&other) > 0 {
        assert!(begun.elapsed() < PATIENCE, "the row stays");
        std::thread::yield_now();
    }
}

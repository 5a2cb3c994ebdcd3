//! What every payment and every request asks, asked of an index: nothing here grows with history (I5, I6). How flat it
//! is stands in the benchmarks; here stands that the plan is the right one.

use store::{StoreError, Value, params};

use crate::harness::{World, on_both};

on_both! {
    i5_a_million_unpaid_invoices_are_asked_by_index,
    i6_a_balance_and_a_page_are_asked_by_index,
    i6_a_payment_asks_for_its_hash_by_index,
    s32_a_claim_asks_for_what_is_due_by_index,
}

/// Whether the plan of `sql` reads no table from its beginning to its end, and sorts nothing.
fn assert_by_index(world: &World, explain: [&'static str; 2], parameters: &[Value]) {
    let sqlite = world.is_sqlite();
    let parameters = parameters.to_vec();
    let sql = explain[usize::from(!sqlite)];
    let plan = world.write(move |tx, _| -> Result<Vec<String>, StoreError> {
        if !sqlite {
            // A small table is read whole, and sorted, whatever indexes there are.
            for cheap in [
                "SET LOCAL enable_seqscan = off",
                "SET LOCAL enable_bitmapscan = off",
                "SET LOCAL enable_sort = off",
            ] {
                tx.execute(cheap, params![])?;
            }
        }
        let rows = tx.query(sql, &parameters)?;
        let column = if sqlite { 3 } else { 0 };
        rows.iter()
            .map(|row| row.text(column).map(str::to_owned))
            .collect()
    });
    let plan = plan.expect("a plan");
    assert!(!plan.is_empty());
    for line in plan {
        let whole =
            line.starts_with("SCAN") && !line.contains("USING") || line.contains("Seq Scan");
        let sorts = line.contains("TEMP B-TREE") || line.contains("Sort");
        assert!(!whole && !sorts, "{sql}: {line}");
    }
}

macro_rules! explained {
    ($sql:literal) => {
        [
            concat!("EXPLAIN QUERY PLAN ", $sql),
            concat!("EXPLAIN ", $sql),
        ]
    };
}

fn i5_a_million_unpaid_invoices_are_asked_by_index(world: &World) {
    let customer = world.customer();
    let invoice = world.open_invoice(&customer);
    let hash = *invoice.payment_hash.as_bytes();
    assert_by_index(
        world,
        explained!("SELECT id FROM invoice WHERE payment_hash = $1"),
        params![hash],
    );
    let due = explained!(
        "SELECT id FROM invoice WHERE state = 'open' AND expires_at <= $1 ORDER BY expires_at LIMIT $2"
    );
    assert_by_index(world, due, params![0, 10]);
    let any = explained!("SELECT 1 FROM invoice WHERE state = 'open' AND expires_at <= $1 LIMIT 1");
    assert_by_index(world, any, params![0]);
}

fn i6_a_balance_and_a_page_are_asked_by_index(world: &World) {
    let id = world.customer_with(1).account.id.to_bytes();
    let balance = explained!(
        "SELECT l.cr_posted - l.dr_posted - l.dr_pending, l.dr_pending
         FROM account a JOIN ledger_account l ON l.number = a.ledger_account WHERE a.id = $1"
    );
    assert_by_index(world, balance, params![id]);
    let deposits = explained!(
        "SELECT d.id FROM deposit d LEFT JOIN invoice i ON i.id = d.invoice_id
         WHERE d.account_id = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3"
    );
    assert_by_index(world, deposits, params![id, [0xff; 16], 10]);
    let withdrawals = explained!(
        "SELECT id FROM withdrawal WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
    );
    assert_by_index(world, withdrawals, params![id, [0xff; 16], 10]);
}

fn i6_a_payment_asks_for_its_hash_by_index(world: &World) {
    let hash = *world.hash().as_bytes();
    let earlier = explained!("SELECT id FROM withdrawal WHERE payment_hash = $1");
    assert_by_index(world, earlier, params![hash]);
    let due = explained!(
        "SELECT next_attempt_at FROM withdrawal WHERE state = 'reserved' AND resend_barred = 0
         ORDER BY next_attempt_at LIMIT 1"
    );
    assert_by_index(world, due, params![]);
    let hold = explained!("SELECT id FROM transfer WHERE posting_id = $1 AND kind = 'pending'");
    assert_by_index(world, hold, params![[0; 16]]);
    let booked = explained!(
        "SELECT SUM(t.amount_msat) FROM posting p JOIN transfer t ON t.posting_id = p.id
         WHERE p.fact_kind = 'lightning_received' AND p.fact_id = $1"
    );
    assert_by_index(world, booked, params![hash]);
    let suspended = explained!(
        "SELECT s.id FROM suspense_item s LEFT JOIN deposit d ON d.suspended_id = s.id
         WHERE s.state = $1 ORDER BY s.id LIMIT $2"
    );
    assert_by_index(world, suspended, params!["open", 10]);
}

fn s32_a_claim_asks_for_what_is_due_by_index(world: &World) {
    let first = explained!(
        "SELECT MIN(next_at) FROM webhook_delivery WHERE endpoint_id = $1 AND state = 'pending'"
    );
    assert_by_index(world, first, params![[0; 16]]);
    let due = explained!(
        "SELECT event_id FROM webhook_delivery WHERE endpoint_id = $1 AND state = 'pending' AND next_at <= $2
         ORDER BY next_at, seq LIMIT $3"
    );
    assert_by_index(world, due, params![[0; 16], 0, 10]);
    let leased = explained!(
        "SELECT event_id FROM webhook_delivery WHERE state = 'leased' AND lease_until <= $1 LIMIT 1000"
    );
    assert_by_index(world, leased, params![0]);
    let before = explained!(
        "SELECT 1 FROM webhook_delivery WHERE endpoint_id = $1 AND subject_id = $2
         AND state IN ('blocked', 'pending', 'leased') AND seq < $3"
    );
    assert_by_index(world, before, params![[0; 16], [0; 16], 0]);
}

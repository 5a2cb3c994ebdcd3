//! The audit itself: sound books hold, and each way of breaking them is named.
//!
//! The books are broken by SQL that no act has, after taking the guards of the schema away.

use ledger::SystemAccount;
use store::testing::Database;
use store::{Value, params};

use crate::builders::{Customer, sat};
use crate::harness::{CAPITAL_MSAT, World};

/// As [`crate::harness::on_both`], for cases that leave broken books behind.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test]
            fn $case() {
                super::run(&store::testing::sqlite(), super::$case);
            })+
        }
        mod on_postgres {
            $(#[test]
            fn $case() {
                if let Some(database) = store::testing::postgres() {
                    super::run(&database, super::$case);
                }
            })+
        }
    };
}

on_both! {
    sound_books_hold_and_their_totals_add_up,
    a_counter_that_changed_by_itself_is_named,
    counters_that_changed_alike_are_named,
    an_account_below_zero_is_named,
    a_hold_that_was_resolved_twice_is_named,
    a_post_of_more_than_was_held_is_named,
    a_fact_that_was_booked_twice_is_named,
    a_deposit_without_its_posting_is_named,
    a_posting_without_its_deposit_is_named,
    a_final_withdrawal_with_a_live_hold_is_named,
    a_live_withdrawal_with_a_resolved_hold_is_named,
    a_settled_withdrawal_whose_hold_was_given_back_is_named,
    a_hold_without_a_withdrawal_is_named,
    a_fee_above_its_reserve_is_named,
    a_clearing_account_that_is_not_the_live_withdrawals_is_named,
    money_left_in_a_clearing_account_is_named,
    a_missing_line_of_a_statement_is_named,
    a_line_that_does_not_follow_is_named,
    a_statement_that_is_not_the_balance_is_named,
    a_budget_that_does_not_add_up_is_named,
    customers_who_are_owed_more_than_there_is_are_named,
    a_changed_transfer_is_named,
}

/// Books with one of each: a live withdrawal, a settled one and a failed one.
struct Lived<'a> {
    world: &'a World,
    database: &'a Database,
    customer: Customer,
    live: [u8; 16],
    settled: [u8; 16],
    failed: [u8; 16],
}

fn run(database: &Database, case: fn(&Lived<'_>)) {
    let world = World::new(database);
    let customer = world.customer_with(1_000);
    let settled = world.dispatched(&customer, 100);
    world.settle(settled.payment_hash, sat(1));
    let failed = world.dispatched(&customer, 100);
    world.fail(failed.payment_hash);
    let live = world.dispatched(&customer, 100);
    world.assert_the_books_hold();
    case(&Lived {
        world: &world,
        database,
        customer,
        live: live.id.to_bytes(),
        settled: settled.id.to_bytes(),
        failed: failed.id.to_bytes(),
    });
}

impl Lived<'_> {
    fn change(&self, sql: &'static str, values: &[Value]) {
        let values = values.to_vec();
        let changed = self.world.write(move |tx, _| tx.execute(sql, &values));
        assert_eq!(changed, Ok(1), "{sql}");
    }

    /// Lets transfers and postings be changed and deleted.
    fn unlock(&self) {
        for table in ["posting", "transfer"] {
            if self.world.is_sqlite() {
                let drop = |what: &str| format!("DROP TRIGGER {table}_is_not_{what}");
                self.database.run(&drop("changed"));
                self.database.run(&drop("deleted"));
            } else {
                let sql = format!("DROP TRIGGER {table}_is_not_changed ON {table}");
                self.database.run(&sql);
            }
        }
    }

    fn customer(&self) -> i64 {
        self.customer.account.ledger_account.get()
    }

    fn book(&self, code: &'static str, fact_kind: &'static str) -> [u8; 16] {
        let id = self.world.act().ids.fresh_bytes();
        let sql = "INSERT INTO posting (id, code, fact_kind, fact_id, created_at)
                   VALUES ($1, $2, $3, $4, 0)";
        self.change(sql, params![id, code, fact_kind, id]);
        id
    }

    /// Writes a transfer, and nothing else, under a posting of its own.
    fn transfer(&self, debit: i64, credit: i64, amount_msat: i64) {
        let posting = self.book("capital_added", "channel");
        let id = self.world.act().ids.fresh_bytes();
        let sql = "INSERT INTO transfer (id, posting_id, leg, kind, debit, credit, amount_msat)
                   VALUES ($1, $2, 0, 'single', $3, $4, $5)";
        self.change(sql, params![id, posting, debit, credit, amount_msat]);
    }

    /// Resolves one leg of a withdrawal's hold, with this much more than it held.
    fn resolve(&self, withdrawal: [u8; 16], leg: i64, kind: &'static str, more_msat: i64) {
        let posting = self.book("capital_added", "channel");
        let id = self.world.act().ids.fresh_bytes();
        let sql = "INSERT INTO transfer (id, posting_id, leg, kind, debit, credit, amount_msat,
                       pending_id)
                   SELECT $1, $2, 0, $3, h.debit, h.credit, h.amount_msat + $4, h.id
                   FROM withdrawal w JOIN transfer h ON h.posting_id = w.hold_posting_id
                   WHERE w.id = $5 AND h.leg = $6";
        self.change(sql, params![id, posting, kind, more_msat, withdrawal, leg]);
    }

    #[track_caller]
    fn names(&self, invariants: &[&str]) {
        let broken = self.world.broken();
        for invariant in invariants {
            assert!(
                broken.contains(invariant),
                "{invariant} is not in {broken:?}"
            );
        }
        assert!(!self.world.audit().holds());
    }

    #[track_caller]
    fn names_only(&self, invariants: &[&str]) {
        assert_eq!(self.world.broken(), invariants);
    }
}

fn sound_books_hold_and_their_totals_add_up(books: &Lived<'_>) {
    let audit = books.world.audit();
    assert!(audit.holds());
    let names: Vec<_> = audit.checks.iter().map(|check| check.invariant).collect();
    let expected = [
        "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I10", "I12", "I13",
    ];
    assert_eq!(names, expected);
    let totals = audit.totals;
    assert_eq!(totals.net_credit_msat.values().sum::<i64>(), 0);
    assert_eq!(totals.net_credit_msat[&books.customer()], 899_000);
    let transfers = books.world.count("SELECT COUNT(*) FROM transfer");
    assert_eq!(i64::try_from(totals.transfers), Ok(transfers));
    assert!(
        books
            .world
            .count("SELECT COUNT(DISTINCT kind) FROM transfer")
            == 4
    );
}

fn a_counter_that_changed_by_itself_is_named(books: &Lived<'_>) {
    for sql in [
        "UPDATE ledger_account SET cr_posted = cr_posted + 1 WHERE number = $1",
        "UPDATE ledger_account SET cr_pending = cr_pending + 1, cr_posted = cr_posted - 1
         WHERE number = $1",
    ] {
        books.change(sql, params![books.customer()]);
        books.names(&["I1", "I2"]);
    }
}

fn counters_that_changed_alike_are_named(books: &Lived<'_>) {
    let sql = "UPDATE ledger_account SET cr_posted = cr_posted + 1, dr_posted = dr_posted + 1
               WHERE number = $1";
    books.change(sql, params![books.customer()]);
    books.names_only(&["I2"]);
}

fn an_account_below_zero_is_named(books: &Lived<'_>) {
    let capital = SystemAccount::OperatorCapital.number().get();
    // What is held cannot be spent either.
    books.transfer(books.customer(), capital, 1_000_000 - 101_000 - 106_000 + 1);
    books.names(&["I2", "I3"]);
}

fn a_hold_that_was_resolved_twice_is_named(books: &Lived<'_>) {
    books.database.run("DROP INDEX transfer_resolution");
    books.resolve(books.failed, 0, "void", 0);
    books.names(&["I4"]);
}

fn a_post_of_more_than_was_held_is_named(books: &Lived<'_>) {
    books.resolve(books.live, 0, "post", 1);
    books.names(&["I4"]);
}

fn a_fact_that_was_booked_twice_is_named(books: &Lived<'_>) {
    books.database.run("DROP INDEX posting_fact");
    let sql = "INSERT INTO posting (id, code, fact_kind, fact_id, created_at)
               SELECT $1, 'deposit_suspended', fact_kind, fact_id, 0 FROM posting
               WHERE code = 'deposit_settled'";
    books.change(sql, params![[1u8; 16]]);
    books.names_only(&["I5"]);
}

fn a_deposit_without_its_posting_is_named(books: &Lived<'_>) {
    let sql = "UPDATE deposit SET posting_id = (SELECT hold_posting_id FROM withdrawal
                                                WHERE id = $1)";
    books.change(sql, params![books.live]);
    books.names_only(&["I5"]);
}

fn a_posting_without_its_deposit_is_named(books: &Lived<'_>) {
    books.change(
        "DELETE FROM deposit WHERE amount_msat = $1",
        params![1_000_000i64],
    );
    books.names_only(&["I5"]);
}

fn a_final_withdrawal_with_a_live_hold_is_named(books: &Lived<'_>) {
    let sql = "UPDATE withdrawal SET state = 'failed', failure = 'no_route' WHERE id = $1";
    books.change(sql, params![books.live]);
    books.names(&["I6", "I8"]);
}

fn a_live_withdrawal_with_a_resolved_hold_is_named(books: &Lived<'_>) {
    let sql = "UPDATE withdrawal SET state = 'dispatched', failure = NULL, resend_barred = 0 WHERE id = $1";
    books.change(sql, params![books.failed]);
    books.names(&["I6", "I8"]);
}

fn a_settled_withdrawal_whose_hold_was_given_back_is_named(books: &Lived<'_>) {
    let sql =
        "UPDATE withdrawal SET state = 'settled', failure = NULL, fee_msat = 0, resend_barred = 0
               WHERE id = $1";
    books.change(sql, params![books.failed]);
    books.names_only(&["I6"]);
    let sql = "UPDATE withdrawal SET state = 'failed', failure = 'no_route', fee_msat = NULL
               WHERE id = $1";
    books.change(sql, params![books.failed]);
    books.names_only(&[]);
    books.change(sql, params![books.settled]);
    books.names_only(&["I6"]);
}

fn a_hold_without_a_withdrawal_is_named(books: &Lived<'_>) {
    books.book("withdrawal_held", "withdrawal_hold");
    books.names_only(&["I6"]);
}

fn a_fee_above_its_reserve_is_named(books: &Lived<'_>) {
    books.resolve(books.live, 1, "post", 1);
    books.names(&["I4", "I7"]);
}

fn a_clearing_account_that_is_not_the_live_withdrawals_is_named(books: &Lived<'_>) {
    for sql in [
        "UPDATE withdrawal SET amount_msat = amount_msat + 1 WHERE id = $1",
        "UPDATE withdrawal SET amount_msat = amount_msat - 1,
             fee_reserve_msat = fee_reserve_msat + 1 WHERE id = $1",
    ] {
        books.change(sql, params![books.live]);
        books.names(&["I8"]);
    }
}

fn money_left_in_a_clearing_account_is_named(books: &Lived<'_>) {
    let [float, clearing] = [
        SystemAccount::LightningFloat,
        SystemAccount::LightningOutClearing,
    ]
    .map(|account| account.number().get());
    books.transfer(float, clearing, 1);
    // The running sum of the float does not know of it either.
    books.names_only(&["I2", "I8"]);
}

fn a_missing_line_of_a_statement_is_named(books: &Lived<'_>) {
    let sql = "DELETE FROM entry WHERE account = $1
               AND seq = (SELECT MAX(seq) FROM entry WHERE account = $1)";
    books.change(sql, params![books.customer()]);
    books.names_only(&["I10"]);
}

fn a_line_that_does_not_follow_is_named(books: &Lived<'_>) {
    let sql = "UPDATE entry SET balance_msat = balance_msat + 1 WHERE account = $1 AND seq = 2";
    books.change(sql, params![books.customer()]);
    books.names_only(&["I10"]);
}

/// Every line follows from the one before, and yet the last is not what the account has.
fn a_statement_that_is_not_the_balance_is_named(books: &Lived<'_>) {
    let last = "account = $1 AND seq = (SELECT MAX(seq) FROM entry WHERE account = $1)";
    for columns in [
        "posted_msat = posted_msat + 1, balance_msat = balance_msat + 1",
        "posted_msat = posted_msat - 1, balance_msat = balance_msat - 1,
         pending_msat = pending_msat + 1",
    ] {
        let sql = format!("UPDATE entry SET {columns} WHERE {last}").leak();
        books.change(sql, params![books.customer()]);
        books.names_only(&["I10"]);
    }
}

fn a_budget_that_does_not_add_up_is_named(books: &Lived<'_>) {
    let key = books.world.customer().key.id.to_bytes();
    books.change(
        "INSERT INTO key_budget (api_key_id, window_seconds, limit_msat, used_msat) VALUES ($1, 60, 10, 1)",
        params![key],
    );
    books.names_only(&["I13"]);
}

fn customers_who_are_owed_more_than_there_is_are_named(books: &Lived<'_>) {
    let suspense = SystemAccount::Suspense.number().get();
    books.transfer(suspense, books.customer(), CAPITAL_MSAT);
    assert!(!books.world.broken().contains(&"I12"));
    books.transfer(suspense, books.customer(), 1);
    books.names(&["I2", "I12"]);
}

/// Without the guards of the schema the audit still sees that a transfer is not what it was.
fn a_changed_transfer_is_named(books: &Lived<'_>) {
    books.unlock();
    let sql = "UPDATE transfer SET amount_msat = amount_msat + 1
               WHERE kind = 'single' AND credit = $1";
    books.change(sql, params![books.customer()]);
    books.names(&["I2"]);
}

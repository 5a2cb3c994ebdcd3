//! What things cost in books with very many payments, beside their cost in small ones: it should be the same.
//!
//! All payments are one customer's, and as many of that customer's invoices are unpaid. Small and large books take
//! turns at every measurement.

mod fill;

use std::io::Write;
use std::time::{Duration, Instant};

use money::Msat;
use payments::withdrawal::{WithdrawalFailure, WithdrawalState};
use store::StoreConfig;
use store::acts::dispatch::claim_due_withdrawals;
use store::acts::invoice::record_invoice;
use store::acts::outcome::fail_withdrawal;
use store::acts::withdrawal::{Reserved, reserve_withdrawal};
use store::queries::{account, event, payment, transaction, webhook};

use crate::books::{Books, BooksError, Customer, deposit, internal_request, request};
use crate::options::Options;
use crate::stats::percentile;
use crate::usage::Meter;
use crate::verdict::{Figure, Target, Verdicts};
use crate::withdrawals::{CONNECTIONS, Schema};

/// Payments in the small books.
const SMALL: usize = 1_000;
/// What a cost in the large books may be, as a multiple of that in the small ones.
const TARGET: f64 = 1.2;
/// How often each thing is done in each books.
const TIMES: usize = 400;
/// How often the database is opened.
const OPENINGS: usize = 9;
/// A page of the list of transactions.
const PAGE: i64 = 50;

/// Filled books of one size.
struct Filled {
    config: StoreConfig,
    books: Books,
    customer: Customer,
    /// Whom that customer pays in the books.
    friend: Customer,
    /// Half of the payments are newer.
    middle: [u8; 16],
}

/// Measures on every database that there is.
pub fn run(
    out: &mut impl Write,
    options: &Options,
    verdicts: &mut Verdicts,
) -> Result<(), BooksError> {
    let large = options.books();
    writeln!(
        out,
        "\nFlatness: books with {SMALL} and with {large} payments of one customer, and as many unpaid invoices."
    )?;
    let meter = Meter::start(std::process::id(), &[]);
    let folder = tempfile::tempdir()?;
    let file = |name: &str| StoreConfig::SqliteFile(folder.path().join(name));
    let files = [file("small.db"), file("large.db")];
    compare(out, verdicts, "SQLite", files, large, || Ok(()))?;
    verdicts.busy(meter.read().as_ref());
    match options.postgres() {
        Some(server) => {
            let schemas = [Schema::make(server)?, Schema::make(server)?];
            let configs = schemas.each_ref().map(|schema| schema.config(CONNECTIONS));
            // Each statement is a round trip there: a million payments would take an hour.
            let count = options.postgres_books();
            compare(out, verdicts, "PostgreSQL", configs, count, || {
                // Its own maintenance does so within a minute; until then plans made for empty tables may be used.
                let analyze = |schema: &Schema| Ok(schema.client()?.batch_execute("ANALYZE")?);
                schemas.iter().try_for_each(analyze)
            })?;
        }
        None => writeln!(out, "PostgreSQL is left out: no --postgres")?,
    }
    Ok(())
}

/// One thing that is done in books, and how long it took.
type Cost = fn(&Filled) -> Result<Duration, BooksError>;

const COSTS: [(&str, Cost); 7] = [
    ("balance read", balance),
    ("internal payment", internal),
    ("payment in (invoice, credit)", paid_in),
    ("payment out (hold, dispatch, fail)", paid_out),
    ("transactions, newest page", newest_page),
    ("transactions, page in the middle", middle_page),
    ("what a start looks up", looked_up),
];

fn compare(
    out: &mut impl Write,
    verdicts: &mut Verdicts,
    database: &'static str,
    [small, large]: [StoreConfig; 2],
    count: usize,
    after_filling: impl FnOnce() -> Result<(), BooksError>,
) -> Result<(), BooksError> {
    let mut both = [
        Filled::make(out, database, small, SMALL)?,
        Filled::make(out, database, large, count)?,
    ];
    after_filling()?;
    let mut taken = [Vec::new(), Vec::new()];
    for opening in 0..2 * OPENINGS {
        taken[opening % 2].push(both[opening % 2].open_again()?);
    }
    add(
        out,
        verdicts,
        &format!("{database}: opening it"),
        count,
        &taken,
    )?;
    for (what, cost) in COSTS {
        let mut taken = [Vec::new(), Vec::new()];
        for turn in 0..2 * TIMES {
            taken[turn % 2].push(cost(&both[turn % 2])?);
        }
        add(out, verdicts, &format!("{database}: {what}"), count, &taken)?;
    }
    for books in &both {
        books.books.audit()?;
        books.books.store.close();
    }
    Ok(())
}

fn add(
    out: &mut impl Write,
    verdicts: &mut Verdicts,
    what: &str,
    count: usize,
    [small, large]: &[Vec<Duration>; 2],
) -> std::io::Result<()> {
    let micros = |taken: &[Duration], percent| percentile(taken, percent).as_secs_f64() * 1e6;
    let (rival, ours) = (micros(small, 50), micros(large, 50));
    writeln!(
        out,
        "{what:<46} p50 {rival:>9.1} -> {ours:>9.1} us   p99 {:>9.1} -> {:>9.1} us",
        micros(small, 99),
        micros(large, 99)
    )?;
    out.flush()?;
    verdicts.add(Figure {
        what: what.to_owned(),
        unit: "us",
        ours,
        rival_name: format!("with {SMALL} payments, not {count}"),
        rival,
        target: Some(Target::AtMost(TARGET)),
    });
    Ok(())
}

impl Filled {
    fn make(
        out: &mut impl Write,
        database: &str,
        config: StoreConfig,
        count: usize,
    ) -> Result<Self, BooksError> {
        let books = Books::open(&config)?;
        let began = Instant::now();
        let customer = fill::fill(&books, count)?;
        let took = began.elapsed().as_secs_f64();
        let rate = count as f64 / took;
        writeln!(
            out,
            "{database}: {count} payments written in {took:.0} s, {rate:.0}/s"
        )?;
        out.flush()?;
        let account = customer.account_id;
        let newest = books
            .store
            .read(move |tx| transaction::page(tx, account, None, 1))?;
        let newest = newest.first().ok_or(BooksError::Surprise("no payment"))?;
        let middle = Books::middle(&customer, newest.id_bytes());
        Ok(Self {
            config,
            friend: books.customer(false)?,
            books,
            customer,
            middle,
        })
    }

    /// Closes the database and answers how long it took to open it, with the look that every start takes.
    fn open_again(&mut self) -> Result<Duration, BooksError> {
        self.books.store.close();
        let began = Instant::now();
        self.books = Books::open(&self.config)?;
        looked_up(self)?;
        Ok(began.elapsed())
    }
}

fn timed<T>(work: impl FnOnce() -> Result<T, BooksError>) -> Result<Duration, BooksError> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed())
}

fn balance(filled: &Filled) -> Result<Duration, BooksError> {
    let id = filled.customer.account_id;
    timed(|| {
        Ok(filled
            .books
            .store
            .read(move |tx| account::balance(tx, id))?)
    })
}

/// An invoice of another customer, paid in the books; making the invoice is not counted.
fn internal(filled: &Filled) -> Result<Duration, BooksError> {
    let (store, invoice) = (&filled.books.store, filled.books.invoice(&filled.friend));
    let act = filled.books.acting();
    let (making, written) = (act.clone(), invoice.clone());
    store.write(move |tx| record_invoice(tx, &making, &written, None))?;
    let name = format!("internal-{}", act.now.as_nanosecond());
    let request = internal_request(&filled.customer, name, &invoice);
    timed(|| {
        let paid = store.write(move |tx| {
            reserve_withdrawal(tx, &act, &request, &|_, event| event.hub.clone())
        })?;
        match paid {
            Reserved::Now(paid, _) if paid.state == WithdrawalState::Settled => Ok(()),
            _ => Err(BooksError::Surprise("an internal payment was not settled")),
        }
    })
}

fn paid_in(filled: &Filled) -> Result<Duration, BooksError> {
    let (act, invoice) = (
        filled.books.acting(),
        filled.books.invoice(&filled.customer),
    );
    let amount_msat = Msat::from_sat(1).unwrap_or(Msat::ZERO);
    let store = &filled.books.store;
    timed(|| Ok(store.write(move |tx| deposit(tx, &act, &invoice, amount_msat))?))
}

fn paid_out(filled: &Filled) -> Result<Duration, BooksError> {
    let act = filled.books.acting();
    let name = format!("flatness-{}", act.now.as_nanosecond());
    let request = request(&filled.customer, name);
    let hash = request.new.payment_hash;
    let store = &filled.books.store;
    timed(|| {
        let reserving = act.clone();
        store.write(move |tx| {
            reserve_withdrawal(tx, &reserving, &request, &|_, event| event.hub.clone()).map(drop)
        })?;
        let claiming = act.clone();
        let claim_id = claiming.ids.fresh();
        store.write(move |tx| claim_due_withdrawals(tx, &claiming, claim_id, 1).map(drop))?;
        let reason = WithdrawalFailure::NoRoute;
        store.write(move |tx| fail_withdrawal(tx, &act, &hash, reason).map(drop))?;
        Ok(())
    })
}

fn newest_page(filled: &Filled) -> Result<Duration, BooksError> {
    let id = filled.customer.account_id;
    let store = &filled.books.store;
    timed(|| Ok(store.read(move |tx| transaction::page(tx, id, None, PAGE))?))
}

fn middle_page(filled: &Filled) -> Result<Duration, BooksError> {
    let (id, middle) = (filled.customer.account_id, filled.middle);
    let store = &filled.books.store;
    timed(|| Ok(store.read(move |tx| transaction::page(tx, id, Some(middle), PAGE))?))
}

/// What recovery, the dispatcher, the hub and the webhooks look for when they start.
fn looked_up(filled: &Filled) -> Result<Duration, BooksError> {
    let (store, now) = (&filled.books.store, jiff::Timestamp::MAX);
    timed(|| {
        Ok(store.read(move |tx| {
            payment::dispatched(tx)?;
            payment::next_dispatch_at(tx)?;
            webhook::ready_endpoints(tx, now, now)?;
            event::newest(tx)
        })?)
    })
}

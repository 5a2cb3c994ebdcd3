//! Withdrawals accepted per second (hold, idempotency row, outbox, durable), beside the bare database.
//!
//! Ours is the act `reserve_withdrawal` through `Store::write_async`, asked for by many clients at once, each of which
//! waits for its answer. The rival writes the very rows that ours has just written, to the byte, into the same tables
//! with the same indexes, with the database's driver alone: prepared inserts, the counters moved, as many withdrawals
//! in a commit as ours had. It looks nothing up, checks nothing, numbers nothing, renders nothing and answers nobody.

mod raw;
mod raw_postgres;
mod raw_sqlite;
mod schema;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use store::StoreConfig;
use store::acts::withdrawal::{ReserveError, Reserved, reserve_withdrawal};

pub use schema::Schema;

use crate::books::{Books, BooksError, Customer, request};
use crate::options::Options;
use crate::stats::{median, percentile};
use crate::usage::{Meter, threads_cpu};
use crate::verdict::{Figure, Target, Verdicts};

/// Customers that withdraw; on PostgreSQL withdrawals of one customer wait for each other.
const CUSTOMERS: usize = 64;
/// Connections to PostgreSQL, of ours and of the rival: the default of the configuration.
pub const CONNECTIONS: usize = 8;
/// The store's writing thread on SQLite.
const WRITER: &str = "store-write";
/// Least share of the raw rate on SQLite.
const TARGET: f64 = 0.5;

/// One run of ours.
struct Ours {
    rate: f64,
    /// Withdrawals in one commit.
    group: f64,
    waits: Vec<Duration>,
    /// CPU time of the writing thread for each, in microseconds; SQLite only.
    cpu_us: Option<f64>,
}

/// One run of the rival.
pub struct Raw {
    /// Withdrawals a second.
    pub rate: f64,
    /// CPU time of its one thread for each, in microseconds; SQLite only.
    pub cpu_us: Option<f64>,
}

/// Measures on every database that there is.
pub fn run(
    out: &mut impl Write,
    options: &Options,
    verdicts: &mut Verdicts,
) -> Result<(), BooksError> {
    writeln!(
        out,
        "\nWithdrawals accepted: {} a run, asked for by {} clients for {CUSTOMERS} customers.",
        options.withdrawals(),
        options.clients(),
    )?;
    writeln!(
        out,
        "raw: the rows of that run, written again by the bare driver, as many in a commit\n\n\
         {:<12} {:>3} {:>12} {:>12} {:>6} {:>7} {:>17} {:>16} {:>11}",
        "",
        "run",
        "accepted/s",
        "raw/s",
        "ratio",
        "group",
        "answered p50/p99",
        "writer's CPU",
        "others' CPU"
    )?;
    let mut sqlite = Pairs::new("SQLite", Some(Target::AtLeast(TARGET)));
    let mut postgres = Pairs::new("PostgreSQL", None);
    for round in 0..options.runs() {
        let meter = Meter::start(std::process::id(), &[]);
        let folder = tempfile::tempdir()?;
        let (ours, raw) = on_sqlite(options, folder.path())?;
        let others = meter.read();
        verdicts.busy(others.as_ref());
        sqlite.row(out, round, ours, raw, others.map(|spent| spent.others_cpu))?;
        if let Some(server) = options.postgres() {
            let (ours, raw) = on_postgres(options, server)?;
            // The database's own processes would count as others.
            postgres.row(out, round, ours, raw, None)?;
        }
    }
    if options.postgres().is_none() {
        writeln!(out, "PostgreSQL is left out: no --postgres")?;
    }
    sqlite.add_to(verdicts);
    postgres.add_to(verdicts);
    Ok(())
}

fn on_sqlite(options: &Options, folder: &Path) -> Result<(Ours, Raw), BooksError> {
    let (file, copy) = (folder.join("ours.db"), folder.join("raw.db"));
    let config = StoreConfig::SqliteFile(file.clone());
    let customers = prepare(&config)?;
    std::fs::copy(&file, &copy)?;
    let ours = accept(&config, options, &customers)?;
    let rows = raw_sqlite::rows(&file)?;
    let raw = raw_sqlite::write(&copy, &rows, ours.group)?;
    Ok((ours, raw))
}

fn on_postgres(options: &Options, server: &str) -> Result<(Ours, Raw), BooksError> {
    let schema = Schema::make(server)?;
    let config = schema.config(CONNECTIONS);
    let customers = prepare(&config)?;
    let ours = accept(&config, options, &customers)?;
    let rows = raw_postgres::take_rows(&schema)?;
    let raw = raw_postgres::write(&schema, rows, CONNECTIONS)?;
    Ok((ours, raw))
}

/// Customers with money, in a database that is closed again.
fn prepare(config: &StoreConfig) -> Result<Vec<Customer>, BooksError> {
    let books = Books::open(config)?;
    let customers: Result<Vec<_>, _> = (0..CUSTOMERS).map(|_| books.customer(true)).collect();
    books.store.close();
    customers
}

/// Has the clients ask for all withdrawals, and audits the books afterwards.
fn accept(
    config: &StoreConfig,
    options: &Options,
    customers: &[Customer],
) -> Result<Ours, BooksError> {
    let books = Books::open(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let (next, total) = (Arc::new(AtomicUsize::new(0)), options.withdrawals());
    let commits = books.store.commits();
    let cpu = threads_cpu(WRITER);
    let began = Instant::now();
    let clients: Vec<_> = (0..options.clients())
        .map(|_| {
            let (books, customers, next) = (books.clone(), customers.to_vec(), Arc::clone(&next));
            runtime.spawn(async move { client(&books, &customers, &next, total).await })
        })
        .collect();
    let mut waits = Vec::with_capacity(total);
    for client in clients {
        let ended = runtime.block_on(client);
        waits.extend(ended.map_err(|_| BooksError::Surprise("a client panicked"))??);
    }
    let took = began.elapsed();
    let cpu = threads_cpu(WRITER).zip(cpu).map(|(now, then)| now - then);
    let commits = books.store.commits() - commits;
    books.audit()?;
    books.store.close();
    Ok(Ours {
        rate: total as f64 / took.as_secs_f64(),
        group: total as f64 / commits.max(1) as f64,
        waits,
        cpu_us: cpu
            .filter(|cpu| *cpu > 0.0)
            .map(|cpu| cpu * 1e6 / total as f64),
    })
}

/// One client: asks, waits for the answer, and asks again. Answers how long each answer took.
async fn client(
    books: &Books,
    customers: &[Customer],
    next: &AtomicUsize,
    total: usize,
) -> Result<Vec<Duration>, ReserveError> {
    let mut waits = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= total {
            return Ok(waits);
        }
        let customer = &customers[number % customers.len()];
        let request = request(customer, format!("withdrawal-{number:08}"));
        let act = books.acting();
        let began = Instant::now();
        let reserved = books.store.write_async(move |tx| {
            reserve_withdrawal(tx, &act, &request, &|_, event| event.hub.clone())
        });
        let Reserved::Now(..) = reserved.await? else {
            return Err(ReserveError::KeyReused);
        };
        waits.push(began.elapsed());
    }
}

/// The runs on one database.
struct Pairs {
    name: &'static str,
    target: Option<Target>,
    ours: Vec<f64>,
    raw: Vec<f64>,
}

impl Pairs {
    fn new(name: &'static str, target: Option<Target>) -> Self {
        Self {
            name,
            target,
            ours: Vec::new(),
            raw: Vec::new(),
        }
    }

    fn row(
        &mut self,
        out: &mut impl Write,
        round: usize,
        ours: Ours,
        raw: Raw,
        others: Option<f64>,
    ) -> std::io::Result<()> {
        self.ours.push(ours.rate);
        self.raw.push(raw.rate);
        let ms = |percent| percentile(&ours.waits, percent).as_secs_f64() * 1e3;
        let waits = format!("{:.1} / {:.1} ms", ms(50), ms(99));
        let others =
            others.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0));
        let cpu = match (ours.cpu_us, raw.cpu_us) {
            (Some(ours), Some(raw)) => format!("{ours:.0} / {raw:.0} us"),
            _ => "-".to_owned(),
        };
        writeln!(
            out,
            "{:<12} {:>3} {:>12.0} {:>12.0} {:>6.2} {:>7.1} {:>17} {:>16} {:>11}",
            self.name,
            round + 1,
            ours.rate,
            raw.rate,
            ours.rate / raw.rate,
            ours.group,
            waits,
            cpu,
            others,
        )?;
        out.flush()
    }

    fn add_to(&self, verdicts: &mut Verdicts) {
        if let (Some(ours), Some(rival)) = (median(&self.ours), median(&self.raw)) {
            verdicts.add(Figure {
                what: format!("withdrawals accepted, {}", self.name),
                unit: "/s",
                ours,
                rival_name: "the same rows, bare driver".to_owned(),
                rival,
                target: self.target,
            });
        }
    }
}

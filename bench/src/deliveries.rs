//! Webhook deliveries per second, from the database to a sink on this machine, beside a bare HTTP client.
//!
//! Ours claims, signs, sends, records every attempt durably, and delivers what was committed before. The rival posts
//! the very bodies that ours has just delivered to the same sink, with hyper's pooled client alone: it reads nothing,
//! signs nothing and writes nothing down.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::webhooks::client::Limits;
use ::webhooks::resolve::SystemResolver;
use ::webhooks::{EgressPolicy, SealingKey, WebhookClient};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use money::Msat;
use payments::fee_policy::FeePolicy;
use payments::network::Network;
use server::app::App;
use server::workers::webhooks::{self, Sender};
use store::StoreConfig;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::books::{Books, BooksError, Customer, SEALING_KEY, deposit};
use crate::options::Options;
use crate::stats::percentile;
use crate::verdict::{Figure, Target, Verdicts};
use crate::withdrawals::{CONNECTIONS, Schema};

/// To how many endpoints each event goes.
const ENDPOINTS: [usize; 3] = [1, 10, 100];
/// Least share of the bare client's rate.
const TARGET: f64 = 0.5;
/// Requests of the rival in flight.
const IN_FLIGHT: usize = 64;
/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// For how long deliveries are made at half load.
const HALF_LOAD: Duration = Duration::from_secs(3);

/// What has come, and when.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<(Instant, Bytes)>>>);

impl Sink {
    async fn listen(&self) -> std::io::Result<String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/webhooks", listener.local_addr()?);
        let router = Router::new().fallback(take).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(url)
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn empty(&self) -> Vec<(Instant, Bytes)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn until(&self, count: usize) -> Result<(), BooksError> {
        let begun = Instant::now();
        while self.count() < count {
            if begun.elapsed() > PATIENCE {
                return Err(BooksError::Surprise("the webhooks did not all arrive"));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

async fn take(State(sink): State<Sink>, body: Bytes) -> StatusCode {
    let mut taken = sink.0.lock().unwrap_or_else(PoisonError::into_inner);
    taken.push((Instant::now(), body));
    StatusCode::OK
}

/// One run.
struct Run {
    rate: f64,
    bare_rate: f64,
    waits: Vec<Duration>,
}

/// Measures on every database that there is.
pub fn run(
    out: &mut impl Write,
    options: &Options,
    verdicts: &mut Verdicts,
) -> Result<(), BooksError> {
    let deliveries = options.deliveries();
    writeln!(
        out,
        "\nWebhook deliveries: {deliveries} a run, committed before, to 1, 10 and 100 endpoints of one sink.\n\
         bare: hyper's client posts the same bodies to the same sink, {IN_FLIGHT} at once\n\n\
         {:<12} {:>9} {:>13} {:>10} {:>6} {:>28}",
        "", "endpoints", "deliveries/s", "bare/s", "ratio", "commit to sink at half load"
    )?;
    let runtime = Runtime::new()?;
    for endpoints in ENDPOINTS {
        let folder = tempfile::tempdir()?;
        let config = StoreConfig::SqliteFile(folder.path().join("bench.db"));
        measure(
            out,
            &runtime,
            ("SQLite", &config),
            endpoints,
            deliveries,
            verdicts,
        )?;
        if let Some(server) = options.postgres() {
            let schema = Schema::make(server)?;
            let config = schema.config(CONNECTIONS);
            measure(
                out,
                &runtime,
                ("PostgreSQL", &config),
                endpoints,
                deliveries,
                verdicts,
            )?;
        }
    }
    Ok(())
}

fn measure(
    out: &mut impl Write,
    runtime: &Runtime,
    (name, config): (&str, &StoreConfig),
    endpoints: usize,
    deliveries: usize,
    verdicts: &mut Verdicts,
) -> Result<(), BooksError> {
    let books = Books::open(config)?;
    let customer = books.customer(false)?;
    let run = runtime.block_on(deliver(&books, customer, endpoints, deliveries))?;
    books.audit()?;
    let (p50, p99) = (percentile(&run.waits, 50), percentile(&run.waits, 99));
    writeln!(
        out,
        "{name:<12} {endpoints:>9} {:>13.0} {:>10.0} {:>6.2} {:>28}",
        run.rate,
        run.bare_rate,
        run.rate / run.bare_rate,
        format!(
            "{:.1} / {:.1} ms",
            p50.as_secs_f64() * 1e3,
            p99.as_secs_f64() * 1e3
        ),
    )?;
    verdicts.add(Figure {
        what: format!("deliveries, {endpoints} endpoints, {name}"),
        unit: "/s",
        ours: run.rate,
        rival_name: "bare hyper client".to_owned(),
        rival: run.bare_rate,
        target: Some(Target::AtLeast(TARGET)),
    });
    verdicts.add(Figure {
        what: format!("p50 commit to sink at half load, {endpoints}, {name}"),
        unit: "ms",
        ours: p50.as_secs_f64() * 1e3,
        rival_name: "the aim".to_owned(),
        rival: 10.0,
        target: Some(Target::AtMost(1.0)),
    });
    Ok(())
}

async fn deliver(
    books: &Books,
    customer: Customer,
    endpoints: usize,
    deliveries: usize,
) -> Result<Run, BooksError> {
    let sink = Sink::default();
    let url = sink.listen().await?;
    for number in 0..endpoints {
        books.deposit_endpoint(&customer, format!("{url}/{number}"))?;
    }
    let events = deliveries.div_ceil(endpoints);
    for _ in 0..events {
        pay(books, &customer).await?;
    }
    let app = App::new(books.store.clone(), Network::Regtest, FeePolicy::default());
    let resolver = SystemResolver::new().map_err(|_| BooksError::Surprise("no name servers"))?;
    let client = WebhookClient::new(
        EgressPolicy::sandbox(),
        Arc::new(resolver),
        Limits::default(),
    );
    let stop = CancellationToken::new();
    let begun = Instant::now();
    let sender = Sender::new(client, SealingKey::new(SEALING_KEY));
    let worker = tokio::spawn(webhooks::run(app, sender, stop.clone()));
    sink.until(events * endpoints).await?;
    let rate = (events * endpoints) as f64 / begun.elapsed().as_secs_f64();
    let bodies: Vec<Bytes> = sink.empty().into_iter().map(|(_, body)| body).collect();

    let waits = half_load(books, &customer, &sink, endpoints, rate).await?;
    stop.cancel();
    if worker.await.is_err() {
        return Err(BooksError::Surprise("the worker did not end well"));
    }
    sink.empty();
    let bare_rate = bare(&url, bodies).await?;
    Ok(Run {
        rate,
        bare_rate,
        waits,
    })
}

/// One deposit: one event. Answers with the text by which its webhooks are known.
async fn pay(books: &Books, customer: &Customer) -> Result<String, BooksError> {
    let (act, invoice) = (books.acting(), books.invoice(customer));
    let name = invoice.id.to_string();
    let amount_msat = Msat::from_sat(1).unwrap_or(Msat::ZERO);
    let paid = books
        .store
        .write_async(move |tx| deposit(tx, &act, &invoice, amount_msat));
    paid.await?;
    Ok(name)
}

/// From each commit to each arrival, with half of what can be delivered under way.
async fn half_load(
    books: &Books,
    customer: &Customer,
    sink: &Sink,
    endpoints: usize,
    rate: f64,
) -> Result<Vec<Duration>, BooksError> {
    let each = Duration::from_secs_f64(2.0 * endpoints as f64 / rate);
    let mut ticks = tokio::time::interval(each);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (begun, mut committed) = (Instant::now(), HashMap::new());
    while begun.elapsed() < HALF_LOAD {
        ticks.tick().await;
        let name = pay(books, customer).await?;
        committed.insert(name, Instant::now());
    }
    sink.until(committed.len() * endpoints).await?;
    let waits = sink.empty().into_iter().filter_map(|(at, body)| {
        let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
        let name = body["data"]["lightning_invoice_id"].as_str()?;
        Some(at.saturating_duration_since(*committed.get(name)?))
    });
    Ok(waits.collect())
}

/// The rival.
async fn bare(url: &str, bodies: Vec<Bytes>) -> Result<f64, BooksError> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let (count, begun) = (bodies.len(), Instant::now());
    let failed = || BooksError::Surprise("a bare request failed");
    let mut sent = futures_util::stream::iter(bodies)
        .map(|body| {
            let (client, url) = (client.clone(), url.to_owned());
            let send = async move {
                let request = axum::http::Request::post(url)
                    .header("content-type", "application/json")
                    .body(Full::new(body))
                    .ok()?;
                let answer = client.request(request).await.ok()?;
                answer.into_body().collect().await.ok().map(drop)
            };
            async move { tokio::spawn(send).await.ok().flatten() }
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(sent) = sent.next().await {
        sent.ok_or_else(failed)?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

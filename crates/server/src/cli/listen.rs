//! `leyden webhook listen`: the events of an account, posted to a URL of a developer's as its webhooks are.
//!
//! It reads the account's own log, so nothing is set up on the server, and nothing is lost while it does not run: the
//! next start may go on where this one ended. The secret is made for the run and never stored.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use payments::ports::{Clock, Entropy, SystemClock, SystemEntropy};
use serde::Deserialize;
use serde_json::value::RawValue;
use webhooks::client::Limits;
use webhooks::resolve::SystemResolver;
use webhooks::{EgressPolicy, MessageId, Secret, SigningKeys, WebhookClient, sign};

use super::{CliError, print};

/// How often the server is asked.
const EVERY: Duration = Duration::from_millis(500);

/// Where from and where to.
#[derive(Debug, Args)]
pub(super) struct ListenArgs {
    /// Where the events are posted, for example http://localhost:8080/hook.
    #[arg(long, value_name = "URL")]
    forward: String,
    /// Where the server is.
    #[arg(
        long,
        env = "LEYDEN_API_URL",
        default_value = "http://127.0.0.1:3080",
        value_name = "URL"
    )]
    api_url: String,
    /// The file with an API key of the account; LEYDEN_API_KEY holds the key itself.
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<std::path::PathBuf>,
    /// Begin after the event with this number; without it with the next one.
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Event>,
    next_after: i64,
}

#[derive(Deserialize)]
struct Event {
    sequence: i64,
    id: String,
    body: Box<RawValue>,
}

/// Forwards until it is interrupted.
pub(super) async fn listen(args: ListenArgs) -> Result<std::process::ExitCode, CliError> {
    let key = api_key(&args)?;
    let secret = fresh_secret();
    let everywhere = EgressPolicy::public()
        .allow("0.0.0.0/0".parse()?)
        .allow("::/0".parse()?);
    everywhere.vet_url(&args.forward)?;
    let client = WebhookClient::new(
        everywhere,
        Arc::new(SystemResolver::new()?),
        Limits::default(),
    );
    let mut after = match args.after {
        Some(after) => after,
        None => newest(&args.api_url, &key).await?,
    };
    print::answer(&format!("secret           {}", secret.reveal()));
    print::answer(&format!("standard secret  {}", secret.reveal_standard()));
    print::note(&format!(
        "events after number {after} go to {}",
        args.forward
    ));
    loop {
        let page = page(&args.api_url, &key, after).await?;
        for event in &page.data {
            forward(&client, &args.forward, &secret, event).await?;
        }
        after = page.next_after;
        if page.data.is_empty() {
            tokio::time::sleep(EVERY).await;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a key of the person at the terminal"
)]
fn api_key(args: &ListenArgs) -> Result<String, CliError> {
    let text = match &args.api_key_file {
        Some(file) => std::fs::read_to_string(file)?,
        None => std::env::var("LEYDEN_API_KEY")
            .map_err(|_| "name an API key: LEYDEN_API_KEY, or --api-key-file")?,
    };
    Ok(text.trim().to_owned())
}

fn fresh_secret() -> Secret {
    let mut random = [0; 32];
    SystemEntropy.fill(&mut random);
    Secret::generate(random)
}

/// The number of the account's newest event.
async fn newest(api_url: &str, key: &str) -> Result<i64, CliError> {
    let mut after = 0;
    loop {
        let page = page(api_url, key, after).await?;
        if page.data.is_empty() {
            return Ok(after);
        }
        after = page.next_after;
    }
}

async fn page(api_url: &str, key: &str, after: i64) -> Result<Page, CliError> {
    let uri = format!(
        "{}/v1/events?after={after}&limit=500",
        api_url.trim_end_matches('/')
    );
    let request = hyper::Request::get(&uri)
        .header("authorization", format!("Bearer {key}"))
        .body(Empty::<Bytes>::new())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await;
    let answer = answer.map_err(|error| format!("no server answers at {api_url}: {error}"))?;
    let status = answer.status();
    let bytes = answer.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        return Err(format!("{uri} answered {status}").into());
    }
    Ok(serde_json::from_slice(&bytes)?)
}

/// Posts one event, once: a developer sees what came of it, and may start again with --after.
async fn forward(
    client: &WebhookClient,
    url: &str,
    secret: &Secret,
    event: &Event,
) -> Result<(), CliError> {
    let body = event.body.get().as_bytes();
    let id = MessageId::new(event.id.clone())?;
    let now = SystemClock.now().as_second();
    let headers = sign::headers(SigningKeys::single(secret), &id, now, body);
    let attempt = client
        .deliver(url, headers, Bytes::copy_from_slice(body))
        .await;
    let came = match &attempt.result {
        Ok(answer) => answer.status.to_string(),
        Err(class) => class.as_str().to_owned(),
    };
    print::answer(&format!("{:>8}  {}  {came}", event.sequence, event.id));
    Ok(())
}

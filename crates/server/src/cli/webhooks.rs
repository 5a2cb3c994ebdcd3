//! `leyden webhook`: endpoints and their deliveries, through the running server.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::CliError;
use super::accounts::show;
use super::admin_client::{ServerArgs, call};

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Make a webhook. Its secret is shown once.
    Create {
        /// Where events are sent: a public https URL.
        url: String,
        /// Whose events; not needed while there is only one account.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the webhooks.
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one.
    Show(One),
    /// Change what is named; what waits is sent as the webhook is from then on.
    Change {
        /// Its id.
        id: String,
        /// Where events are sent from now on.
        #[arg(long)]
        url: Option<String>,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Stop sending for a while; events are kept for it.
    Pause(One),
    /// Go on, also with one that was disabled.
    Resume(One),
    /// Switch a webhook off: what waits is cancelled, and nothing is kept for it.
    Disable(One),
    /// Delete a webhook. Only its log stays.
    Delete(One),
    /// Make a new secret, which is shown once. The old one signs for a while as well.
    Rotate {
        /// Its id.
        id: String,
        /// How long the old secret signs as well, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        keep_old: u32,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Let the new secret sign the header bitvora-signature, too.
    Promote(One),
    /// Send a test message now, and show what came of it.
    Test(One),
    /// List deliveries, newest first.
    Deliveries {
        /// The webhook's id.
        id: String,
        /// Those in this state only, for example pending or delivered; dead: those that were given up.
        #[arg(long)]
        state: Option<String>,
        /// The next_cursor of the page before.
        #[arg(long)]
        cursor: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a delivery with its attempts.
    Delivery(Delivery),
    /// Send an event again, with the same id and the same bytes.
    Redeliver(Delivery),
    /// Post the events of an account, as they happen, to a URL on your own machine.
    Listen(super::listen::ListenArgs),
    /// Send everything again that happened in a time and was not taken.
    Replay {
        /// The webhook's id.
        id: String,
        /// From when, for example 2026-01-31T12:00:00Z.
        #[arg(long, value_name = "TIME")]
        from: String,
        /// Until when; now when it is not given.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// A webhook.
#[derive(Debug, Args)]
pub(super) struct One {
    /// Its id.
    id: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// A delivery.
#[derive(Debug, Args)]
pub(super) struct Delivery {
    /// The webhook's id.
    id: String,
    /// The event's id: msg_…
    event: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// What can be said of a webhook.
#[derive(Debug, Args)]
pub(super) struct Settings {
    /// The events, for example withdrawal.lightning.completed or deposit.*; all when none is named at first.
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A header of its own, as NAME:VALUE; those that are named replace those of before.
    #[arg(long = "header", value_name = "NAME:VALUE")]
    headers: Vec<String>,
    /// Whether events about the same payment are sent one after the other.
    #[arg(long, value_name = "BOOL")]
    ordered: Option<bool>,
    /// The delays before the second attempt and those after it, in seconds with commas, or default.
    #[arg(long, value_name = "SECONDS")]
    retry: Option<String>,
    /// How many attempts may be under way at once.
    #[arg(long, value_name = "COUNT")]
    max_in_flight: Option<u32>,
    /// How many attempts may begin in a second; 0: as many as it takes.
    #[arg(long, value_name = "COUNT")]
    per_second: Option<u32>,
}

impl Settings {
    /// What was named, as the admin API wants it.
    fn into_body(self) -> Result<Map<String, Value>, CliError> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        if !self.events.is_empty() {
            put("events", json!(self.events));
        }
        if !self.headers.is_empty() {
            let mut headers = Map::new();
            for header in &self.headers {
                let (name, value) = header
                    .split_once(':')
                    .ok_or_else(|| format!("{header:?} is not NAME:VALUE"))?;
                headers.insert(name.trim().to_owned(), json!(value.trim()));
            }
            put("headers", Value::Object(headers));
        }
        match self.retry.as_deref() {
            None => {}
            Some("default") => drop(put("retry_seconds", json!("default"))),
            Some(delays) => {
                let delays: Result<Vec<u64>, _> = delays.split(',').map(str::parse).collect();
                put(
                    "retry_seconds",
                    json!(delays.map_err(|_| "--retry wants whole seconds")?),
                );
            }
        }
        for (name, value) in [
            ("description", self.description.map(|text| json!(text))),
            ("ordered", self.ordered.map(|ordered| json!(ordered))),
            ("max_in_flight", self.max_in_flight.map(|most| json!(most))),
            ("per_second", self.per_second.map(|rate| json!(rate))),
        ] {
            if let Some(value) = value {
                put(name, value);
            }
        }
        Ok(body)
    }
}

pub(super) async fn webhook(command: WebhookCommand) -> Result<ExitCode, CliError> {
    let answer = match command {
        WebhookCommand::Create {
            url,
            account,
            settings,
            server,
        } => {
            let mut body = settings.into_body()?;
            body.insert("url".to_owned(), json!(url));
            body.insert("account_id".to_owned(), json!(account));
            call(&server, "POST", "/webhooks", Some(&Value::Object(body))).await?
        }
        WebhookCommand::List { server } => call(&server, "GET", "/webhooks", None).await?,
        WebhookCommand::Show(one) => of(&one, "GET", "").await?,
        WebhookCommand::Change {
            id,
            url,
            settings,
            server,
        } => {
            let mut body = settings.into_body()?;
            if let Some(url) = url {
                body.insert("url".to_owned(), json!(url));
            }
            let path = format!("/webhooks/{id}");
            call(&server, "PATCH", &path, Some(&Value::Object(body))).await?
        }
        WebhookCommand::Pause(one) => of(&one, "POST", "/pause").await?,
        WebhookCommand::Resume(one) => of(&one, "POST", "/resume").await?,
        WebhookCommand::Disable(one) => of(&one, "POST", "/disable").await?,
        WebhookCommand::Delete(one) => of(&one, "DELETE", "").await?,
        WebhookCommand::Promote(one) => of(&one, "POST", "/promote").await?,
        WebhookCommand::Listen(args) => return super::listen::listen(args).await,
        WebhookCommand::Test(one) => of(&one, "POST", "/test").await?,
        other => log(other).await?,
    };
    show(&answer)
}

async fn of(one: &One, method: &str, action: &str) -> Result<Value, CliError> {
    call(
        &one.server,
        method,
        &format!("/webhooks/{}{action}", one.id),
        None,
    )
    .await
}

/// What is about secrets and deliveries.
async fn log(command: WebhookCommand) -> Result<Value, CliError> {
    match command {
        WebhookCommand::Rotate {
            id,
            keep_old,
            server,
        } => {
            let body = json!({ "keep_old_seconds": keep_old });
            call(
                &server,
                "POST",
                &format!("/webhooks/{id}/rotate"),
                Some(&body),
            )
            .await
        }
        WebhookCommand::Deliveries {
            id,
            state,
            cursor,
            limit,
            server,
        } => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("limit", &limit.to_string());
            for (name, value) in [("state", state), ("cursor", cursor)] {
                if let Some(value) = value {
                    query.append_pair(name, &value);
                }
            }
            let path = format!("/webhooks/{id}/deliveries?{}", query.finish());
            call(&server, "GET", &path, None).await
        }
        WebhookCommand::Delivery(Delivery { id, event, server }) => {
            call(
                &server,
                "GET",
                &format!("/webhooks/{id}/deliveries/{event}"),
                None,
            )
            .await
        }
        WebhookCommand::Redeliver(Delivery { id, event, server }) => {
            let path = format!("/webhooks/{id}/deliveries/{event}/redeliver");
            call(&server, "POST", &path, None).await
        }
        WebhookCommand::Replay {
            id,
            from,
            until,
            server,
        } => {
            let body = json!({ "from": from, "until": until });
            call(
                &server,
                "POST",
                &format!("/webhooks/{id}/replay"),
                Some(&body),
            )
            .await
        }
        _ => Err("not a command about deliveries".into()),
    }
}

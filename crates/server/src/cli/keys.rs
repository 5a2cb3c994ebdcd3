//! `leyden key`: makes, lists, changes and revokes API keys, through the running server.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::CliError;
use super::accounts::show;
use super::admin_client::{ServerArgs, call};

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make an API key. It is shown once.
    Create {
        /// What people call it.
        name: String,
        /// The account it speaks for; not needed while there is only one.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        #[command(flatten)]
        rules: Rules,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List keys, revoked ones too.
    List {
        /// Of this account only.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a key and what it may do.
    Show {
        /// Its number, before the bar.
        number: u64,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Change what a key may do.
    Set {
        /// Its number, before the bar.
        number: u64,
        #[command(flatten)]
        rules: Rules,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Revoke a key. What it asked for goes on.
    Revoke {
        /// Its number, before the bar.
        number: u64,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// What a key may do. What is not named stays as it is, or is not limited.
#[derive(Debug, Args)]
pub(super) struct Rules {
    /// What it may do: read, receive, send, webhooks, admin. All but admin unless named.
    #[arg(long, value_name = "SCOPE,…", value_delimiter = ',')]
    scopes: Option<Vec<String>>,
    /// From when on it opens nothing, such as 2027-01-31T00:00:00Z; `never`.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// From where it may be used, such as 10.0.0.0/8; `any`.
    #[arg(long, value_name = "NETWORK,…", value_delimiter = ',')]
    networks: Option<Vec<String>>,
    /// The nodes it may pay, by public key; `any`.
    #[arg(long, value_name = "NODE,…", value_delimiter = ',')]
    destinations: Option<Vec<String>>,
    /// The most that one payment may carry; `none`.
    #[arg(long, value_name = "SATS")]
    max_payment_sats: Option<String>,
    /// Above this a payment waits for an approval; `none`.
    #[arg(long, value_name = "SATS")]
    approval_above_sats: Option<String>,
    /// How much it may spend within any stretch of so many seconds, fees included; `none`.
    #[arg(long, value_name = "SATS/SECONDS,…", value_delimiter = ',')]
    budgets: Option<Vec<String>>,
}

impl Rules {
    fn body(self) -> Result<Map<String, Value>, CliError> {
        let mut body = Map::new();
        let list = |list: Vec<String>, none: &str| match list.as_slice() {
            [one] if one == none => json!([]),
            _ => json!(list),
        };
        if let Some(scopes) = self.scopes {
            body.insert("scopes".into(), json!(scopes));
        }
        if let Some(time) = self.expires_at {
            let value = if time == "never" {
                Value::Null
            } else {
                json!(time)
            };
            body.insert("expires_at".into(), value);
        }
        if let Some(networks) = self.networks {
            body.insert("networks".into(), list(networks, "any"));
        }
        if let Some(destinations) = self.destinations {
            body.insert("destinations".into(), list(destinations, "any"));
        }
        for (name, limit) in [
            ("max_payment_sats", self.max_payment_sats),
            ("approval_above_sats", self.approval_above_sats),
        ] {
            if let Some(limit) = limit {
                body.insert(name.into(), sats(&limit)?);
            }
        }
        if let Some(budgets) = self.budgets {
            body.insert("budgets".into(), windows(&budgets)?);
        }
        Ok(body)
    }
}

fn sats(text: &str) -> Result<Value, CliError> {
    if text == "none" {
        return Ok(Value::Null);
    }
    Ok(json!(text.parse::<u64>()?))
}

fn windows(budgets: &[String]) -> Result<Value, CliError> {
    if budgets == ["none"] {
        return Ok(json!([]));
    }
    let budget = |text: &String| {
        let (limit, seconds) = text.split_once('/').ok_or("a budget is SATS/SECONDS")?;
        let (limit, seconds): (u64, u32) = (limit.parse()?, seconds.parse()?);
        Ok(json!({"limit_sats": limit, "seconds": seconds}))
    };
    let budgets: Result<Vec<Value>, CliError> = budgets.iter().map(budget).collect();
    Ok(json!(budgets?))
}

pub(super) async fn key(command: KeyCommand) -> Result<ExitCode, CliError> {
    let answer = match command {
        KeyCommand::Create {
            name,
            account,
            rules,
            server,
        } => {
            let mut body = rules.body()?;
            body.insert("name".into(), json!(name));
            body.insert("account_id".into(), json!(account));
            call(&server, "POST", "/keys", Some(&json!(body))).await?
        }
        KeyCommand::List { account, server } => {
            let query = account.map(|id| format!("?account_id={id}"));
            let path = format!("/keys{}", query.unwrap_or_default());
            call(&server, "GET", &path, None).await?
        }
        KeyCommand::Show { number, server } => {
            call(&server, "GET", &format!("/keys/{number}"), None).await?
        }
        KeyCommand::Set {
            number,
            rules,
            server,
        } => {
            let body = json!(rules.body()?);
            call(&server, "PATCH", &format!("/keys/{number}"), Some(&body)).await?
        }
        KeyCommand::Revoke { number, server } => {
            call(&server, "DELETE", &format!("/keys/{number}"), None).await?
        }
    };
    show(&answer)
}

//! `/admin/v1/keys`: made, listed, changed and revoked. A key is shown once, and only its hash is kept. An account's
//! own keys with the scope `admin` see and revoke the account's keys at `/v1/keys`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use bitcoin::secp256k1::PublicKey;
use ipnet::IpNet;
use jiff::Timestamp;
use money::Msat;
use payments::api_key::{
    ApiKey, Budget, KeyRules, KeySecret, MAX_DESTINATIONS, MAX_NETWORKS, Scope,
};
use payments::ids::AccountId;
use store::acts::account::{change_key_rules, create_ruled_key, revoke_key};
use store::queries::account::{budgets, key_by_number, keys};
use store::{StoreError, Tx};
use wire::Problem;
use wire::admin::{CreateKeyRequest, CreatedApiKey, KeyBudget, KeySettings};

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::{Operator, Owner};
use super::super::body::JsonBody;
use super::super::query::pairs;
use super::super::segment::Segment;
use super::account_of;
use crate::present;
use crate::problem::ApiError;

/// The most keys one answer lists.
const MAX_LISTED: i64 = 1_000;
/// The longest window of a budget, in seconds: a year.
const MAX_WINDOW_SECONDS: u32 = 366 * 86_400;
/// The most budgets a key may have.
const MAX_BUDGETS: usize = 5;

/// Makes an API key.
///
/// # Errors
/// [`ApiError`]; so for every handler here.
pub async fn create(
    State(state): State<HttpState>,
    _operator: Operator,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = CreateKeyRequest::parse(&body)?;
    let account_id = account_of(&state, request.account_id.as_deref()).await?;
    let mut rules = KeyRules::default();
    apply(&mut rules, request.settings)?;
    let secret = KeySecret::generate(state.app.entropy.as_ref());
    let (hash, act, name) = (secret.hash(), state.app.acting(), request.name);
    let made = state
        .app
        .store
        .write_async(move |tx| create_ruled_key(tx, &act, account_id, &name, hash, rules.clone()));
    let key = made.await?;
    tracing::info!(key = key.number, account = %account_id, "API key created");
    let body = CreatedApiKey {
        info: shown(&key),
        key: secret.reveal(key.number),
    };
    Ok(json(201, &body))
}

/// Lists keys in the order of their numbers, of `?account_id=`, after `?after=`; revoked ones too.
pub async fn list(
    State(state): State<HttpState>,
    owner: Owner,
    uri: Uri,
) -> Result<Response, ApiError> {
    let (mut account, mut after) = (owner.0, 0);
    for (name, value) in pairs(&uri) {
        match name.as_str() {
            "account_id" if owner.0.is_none() => {
                let parsed: Result<AccountId, _> = value.parse();
                account = Some(parsed.map_err(|_| ApiError::not_found("account"))?);
            }
            "after" => {
                let number = value.parse().ok().filter(|number: &i64| *number >= 0);
                after = number.ok_or_else(|| invalid("after", "it must be the id of a key"))?;
            }
            _ => {}
        }
    }
    let read = state
        .app
        .store
        .read_async(move |tx| keys(tx, account, after, MAX_LISTED));
    let found = read.await?;
    Ok(json(200, &found.iter().map(shown).collect::<Vec<_>>()))
}

/// Shows one key, without its secret.
pub async fn get(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(number): Segment,
) -> Result<Response, ApiError> {
    Ok(json(200, &shown(&existing(&state, owner, &number).await?)))
}

/// Changes what the request names. What the key asked for before goes on.
pub async fn change(
    State(state): State<HttpState>,
    _operator: Operator,
    Segment(number): Segment,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let settings = KeySettings::parse(&body)?;
    let mut key = existing(&state, Owner(None), &number).await?;
    apply(&mut key.rules, settings)?;
    let (id, rules) = (key.id, key.rules.clone());
    let changed = state
        .app
        .store
        .write_async(move |tx| change_key_rules(tx, id, &rules));
    if !changed.await? {
        return Err(missing());
    }
    tracing::info!(key = key.number, "API key changed");
    Ok(json(200, &shown(&key)))
}

/// Revokes a key: it opens nothing from now on. What it asked for goes on.
pub async fn revoke(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(number): Segment,
) -> Result<Response, ApiError> {
    let mut key = existing(&state, owner, &number).await?;
    let (id, act) = (key.id, state.app.acting());
    key.revoked_at = key.revoked_at.or(Some(act.now));
    let revoked = state
        .app
        .store
        .write_async(move |tx| revoke_key(tx, &act, id));
    if revoked.await? {
        tracing::info!(key = key.number, "API key revoked");
    }
    Ok(json(200, &shown(&key)))
}

fn missing() -> ApiError {
    ApiError::not_found("API key")
}

async fn existing(state: &HttpState, owner: Owner, number: &str) -> Result<ApiKey, ApiError> {
    let number: i64 = number.parse().map_err(|_| missing())?;
    let read = move |tx: &mut Tx<'_>| {
        let Some(mut key) = key_by_number(tx, number)? else {
            return Ok::<_, StoreError>(None);
        };
        key.rules.budgets = budgets(tx, key.id)?;
        Ok(Some(key))
    };
    let found = state.app.store.read_async(read).await?;
    let found = found.filter(|key| owner.reaches(key.account_id));
    found.ok_or_else(missing)
}

/// Takes over what the request names, after it was checked.
fn apply(rules: &mut KeyRules, settings: KeySettings) -> Result<(), Problem> {
    if let Some(names) = settings.scopes {
        let scopes = names.iter().map(|name| Scope::from_name(name));
        rules.scopes = scopes.collect::<Option<_>>().ok_or_else(|| {
            let known = Scope::ALL.map(Scope::name).join(", ");
            invalid("scopes", format!("it must name some of: {known}"))
        })?;
    }
    if let Some(expires_at) = settings.expires_at {
        let time = expires_at.map(Timestamp::from_microsecond).transpose();
        rules.expires_at = time.map_err(|_| invalid("expires_at", "it must be a time"))?;
    }
    if let Some(networks) = settings.networks {
        let networks = networks.iter().map(|text| network(text));
        let known: Option<Vec<_>> = networks.collect();
        let few = known.filter(|networks| networks.len() <= MAX_NETWORKS);
        rules.networks = few.ok_or_else(|| {
            let why = "it must be at most 50 addresses or networks such as 10.0.0.0/8";
            invalid("networks", why)
        })?;
    }
    if let Some(destinations) = settings.destinations {
        rules.destinations = nodes(&destinations)?;
    }
    if let Some(maximum) = settings.max_payment_sats {
        rules.max_payment_msat = limit("max_payment_sats", maximum)?;
        if rules.max_payment_msat.is_some_and(Msat::is_zero) {
            return Err(invalid("max_payment_sats", "it must be above zero"));
        }
    }
    if let Some(above) = settings.approval_above_sats {
        rules.approval_above_msat = limit("approval_above_sats", above)?;
    }
    if let Some(budgets) = settings.budgets {
        rules.budgets = windows(&budgets)?;
    }
    Ok(())
}

fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}

fn nodes(destinations: &[String]) -> Result<Vec<String>, Problem> {
    let keys = destinations.iter().map(|text| text.parse::<PublicKey>());
    let keys: Result<BTreeSet<String>, _> =
        keys.map(|key| key.map(|key| key.to_string())).collect();
    match keys {
        Ok(keys) if keys.len() <= MAX_DESTINATIONS => Ok(keys.into_iter().collect()),
        _ => Err(invalid(
            "destinations",
            "it must be at most 500 public keys of nodes, in hexadecimal",
        )),
    }
}

fn limit(name: &'static str, sats: Option<u64>) -> Result<Option<Msat>, Problem> {
    let too_large = |_| invalid(name, "it is more than all bitcoin");
    let msat = |sats: u64| Msat::from_sat(i64::try_from(sats).unwrap_or(i64::MAX));
    sats.map(msat).transpose().map_err(too_large)
}

fn windows(budgets: &[KeyBudget]) -> Result<Vec<Budget>, Problem> {
    let lengths: BTreeSet<u32> = budgets.iter().map(|budget| budget.seconds).collect();
    let sound = |seconds: &u32| (1..=MAX_WINDOW_SECONDS).contains(seconds);
    if lengths.len() != budgets.len() || budgets.len() > MAX_BUDGETS || !lengths.iter().all(sound) {
        let why = "it must be at most 5 of different lengths, from 1 s to a year";
        return Err(invalid("budgets", why));
    }
    let budget = |budget: &KeyBudget| match limit("budgets", Some(budget.limit_sats))? {
        Some(limit_msat) if !limit_msat.is_zero() => Ok(Budget {
            window_seconds: budget.seconds,
            limit_msat,
        }),
        _ => Err(invalid("budgets", "a limit must be above zero")),
    };
    budgets.iter().map(budget).collect()
}

fn invalid(name: &'static str, why: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::InvalidParameter {
        name: name.into(),
        why: why.into(),
    }
}

/// A key without its secret.
fn shown(key: &ApiKey) -> wire::admin::ApiKey {
    let sats = |msat: Msat| u64::try_from(msat.floor_sat()).unwrap_or(0);
    let rules = &key.rules;
    wire::admin::ApiKey {
        id: key.number.to_string(),
        account_id: key.account_id.to_string(),
        name: key.name.clone(),
        scopes: rules
            .scopes
            .iter()
            .map(|scope| scope.name().to_owned())
            .collect(),
        expires_at: rules.expires_at.map(present::micros),
        networks: rules.networks.iter().map(ToString::to_string).collect(),
        destinations: rules.destinations.clone(),
        max_payment_sats: rules.max_payment_msat.map(sats),
        approval_above_sats: rules.approval_above_msat.map(sats),
        budgets: rules
            .budgets
            .iter()
            .map(|budget| KeyBudget {
                limit_sats: sats(budget.limit_msat),
                seconds: budget.window_seconds,
            })
            .collect(),
        created_at: present::micros(key.created_at),
        revoked_at: key.revoked_at.map(present::micros),
    }
}

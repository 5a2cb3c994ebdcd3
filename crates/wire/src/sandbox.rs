//! The sandbox's calls: what drives the counterparty, and what it answers.
//!
//! Never part of a server with real money.

pub mod chain;

use serde::Serialize;

use crate::Problem;
use crate::fields::{Fields, invalid, missing};
use crate::string_enum::string_enum;

string_enum! {
    /// What the counterparty does with the payment of its invoice.
    Behaviour, "behaviour", {
        /// Takes it at once.
        Pay = "pay",
        /// Refuses it.
        Fail = "fail",
        /// Holds it until it is released.
        Hang = "hang",
        /// Takes it after ten seconds.
        Slow = "slow",
    }
}

string_enum! {
    /// Which node the payment of an invoice has to go through.
    Via, "node that routes", {
        /// The router, for its usual fee.
        Router = "router",
        /// The router, for nearly as much as is paid.
        RouterGreedy = "router-greedy",
    }
}

string_enum! {
    /// How a held payment ends.
    ReleaseAction, "action", {
        /// The counterparty takes it.
        Settle = "settle",
        /// The counterparty refuses it.
        Fail = "fail",
    }
}

/// POST `/sandbox/invoice`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceRequest {
    /// The amount, above zero; `None` leaves it to the payer.
    pub amount_msat: Option<i64>,
    /// The description.
    pub description: String,
    /// How long it can be paid, in seconds.
    pub expiry_seconds: u32,
    /// What becomes of its payment.
    pub behaviour: Behaviour,
    /// Through whom alone the payee can be reached; `None` is a neighbour of ours.
    pub via: Option<Via>,
}

impl InvoiceRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse_optional(body)?;
        let expiry = integer(&fields, "expiry_seconds")?.unwrap_or(3_600);
        Ok(Self {
            amount_msat: amount_msat(&fields)?,
            description: fields
                .string("description")?
                .unwrap_or_else(|| "sandbox".to_owned()),
            expiry_seconds: u32::try_from(expiry)
                .ok()
                .filter(|seconds| (1..=2_592_000).contains(seconds))
                .ok_or_else(|| invalid("expiry_seconds", "it must be from 1 to 2592000"))?,
            behaviour: match fields.string("behaviour")? {
                None => Behaviour::Pay,
                Some(name) => name
                    .parse()
                    .map_err(|_| invalid("behaviour", "it must be pay, fail, hang or slow"))?,
            },
            via: fields
                .string("via")?
                .map(|name| name.parse())
                .transpose()
                .map_err(|_| invalid("via", "it must be router or router-greedy"))?,
        })
    }
}

/// POST `/sandbox/pay`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayRequest {
    /// One of our invoices.
    pub payment_request: String,
    /// The amount, for an invoice that states none.
    pub amount_msat: Option<i64>,
}

impl PayRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        Ok(Self {
            payment_request: fields.required_string("payment_request")?,
            amount_msat: integer(&fields, "amount_msat")?
                .map(|msat| positive("amount_msat", msat))
                .transpose()?,
        })
    }
}

/// POST `/sandbox/mine`: how many blocks, 1 to 1000; one when the request does not say.
///
/// # Errors
///
/// A [`Problem`] of class validation that names the field.
pub fn blocks(body: &[u8]) -> Result<u32, Problem> {
    let fields = Fields::parse_optional(body)?;
    let blocks = integer(&fields, "blocks")?.unwrap_or(1);
    u32::try_from(blocks)
        .ok()
        .filter(|blocks| (1..=1_000).contains(blocks))
        .ok_or_else(|| invalid("blocks", "it must be from 1 to 1000"))
}

/// POST `/sandbox/release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRequest {
    /// The payment hash, in hexadecimal.
    pub payment_hash: String,
    /// How it ends.
    pub action: ReleaseAction,
}

impl ReleaseRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        let action = fields.string("action")?.ok_or_else(|| missing("action"))?;
        Ok(Self {
            payment_hash: fields.required_string("payment_hash")?,
            action: action
                .parse()
                .map_err(|_| invalid("action", "it must be settle or fail"))?,
        })
    }
}

fn amount_msat(fields: &Fields<'_>) -> Result<Option<i64>, Problem> {
    let sats = integer(fields, "amount_sats")?.map(|sats| positive("amount_sats", sats));
    let msat = integer(fields, "amount_msat")?.map(|msat| positive("amount_msat", msat));
    match (sats.transpose()?, msat.transpose()?) {
        (None, msat) => Ok(msat),
        (Some(sats), None) => sats
            .checked_mul(1_000)
            .map(Some)
            .ok_or_else(|| invalid("amount_sats", "it is more than there is")),
        (Some(_), Some(_)) => Err(invalid(
            "amount_msat",
            "it must not stand beside amount_sats",
        )),
    }
}

fn integer(fields: &Fields<'_>, name: &'static str) -> Result<Option<i64>, Problem> {
    fields
        .raw(name)?
        .map(|text| {
            text.parse()
                .map_err(|_| invalid(name, "it must be an integer"))
        })
        .transpose()
}

fn positive(name: &'static str, number: i64) -> Result<i64, Problem> {
    if number > 0 {
        Ok(number)
    } else {
        Err(invalid(name, "it must be above zero"))
    }
}

/// An invoice of the counterparty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invoice {
    /// The BOLT 11 text.
    pub payment_request: String,
    /// Its payment hash, in hexadecimal.
    pub payment_hash: String,
    /// Its amount; null when it states none.
    pub amount_msat: Option<i64>,
    /// When it expires, RFC 3339.
    pub expires_at: crate::time::Micros,
}

/// How a payment of the counterparty ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paid {
    /// `settled`, `failed` or `pending`.
    pub status: &'static str,
    /// The payment hash, in hexadecimal.
    pub payment_hash: String,
    /// The proof, once it is settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preimage: Option<String>,
    /// Why it failed, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a held payment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Released {
    /// `settled` or `failed`.
    pub status: &'static str,
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mined {
    /// How many blocks there are above the first.
    pub height: u32,
    /// The hash of the newest.
    pub tip: String,
}

/// The sandbox as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// How many blocks there are above the first.
    pub height: u32,
    /// The hash of the newest.
    pub tip: String,
    /// Our node's public key.
    pub node_id: String,
    /// The counterparty's.
    pub counterparty_node_id: String,
    /// Where the counterparty listens.
    pub counterparty_address: String,
    /// The node that routes, and who is behind it.
    pub router: Router,
    /// The channels, as our node sees them; that with the counterparty first.
    pub channels: Vec<Channel>,
    /// What the nodes have.
    pub balances: Balances,
}

/// The third node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Router {
    /// Its public key.
    pub node_id: String,
    /// Where it listens.
    pub address: String,
    /// Who can be paid through it, and for what.
    pub routes: Vec<Route>,
}

/// What the router asks on the way to a payee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Its name in a request for an invoice: `router` or `router-greedy`.
    pub via: &'static str,
    /// The public key of the payee.
    pub payee_node_id: String,
    /// For each part of a payment.
    pub base_fee_msat: u32,
    /// For each million of what is paid.
    pub fee_millionths: u32,
    /// Whether it can be paid now.
    pub usable: bool,
}

/// A channel, as our node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// Its id, in hexadecimal.
    pub channel_id: String,
    /// The public key of the other side.
    pub peer_node_id: String,
    /// The value of its funding output.
    pub capacity_sats: u64,
    /// What our node can send through it now.
    pub outbound_msat: i64,
    /// What our node can receive through it now.
    pub inbound_msat: i64,
    /// Whether payments can go through it now.
    pub usable: bool,
}

/// What the nodes have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balances {
    /// Our node.
    pub node: NodeBalance,
    /// The counterparty.
    pub counterparty: NodeBalance,
    /// The router.
    pub router: NodeBalance,
}

/// What a node has, in whole satoshis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NodeBalance {
    /// On-chain.
    pub onchain_sats: u64,
    /// In its channels.
    pub lightning_sats: u64,
}

/// The one line that `leyden sandbox --json` prints when it is ready.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Ready {
    /// The REST interface.
    pub api_url: String,
    /// The hub.
    pub hub_url: String,
    /// The console.
    pub console_url: String,
    /// The sandbox's calls.
    pub sandbox_url: String,
    /// The chain's Esplora API.
    pub esplora_url: String,
    /// The API key of the funded account.
    pub api_key: String,
    /// That account.
    pub account_id: String,
    /// The operator's token.
    pub admin_token: String,
    /// Always `regtest`.
    pub network: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_request_for_an_invoice_means_the_defaults() {
        let request = InvoiceRequest::parse(b"").expect("the defaults");
        assert_eq!(
            (request.amount_msat, request.behaviour),
            (None, Behaviour::Pay)
        );
        assert_eq!(request.expiry_seconds, 3_600);
    }

    #[test]
    fn a_wrong_field_is_named() {
        let wrong = [
            (r#"{"amount_sats":0}"#, "amount_sats"),
            (r#"{"amount_sats":"1"}"#, "amount_sats"),
            (r#"{"amount_sats":1.5}"#, "amount_sats"),
            (r#"{"amount_sats":9223372036854775807}"#, "amount_sats"),
            (r#"{"amount_sats":1,"amount_msat":1000}"#, "amount_msat"),
            (r#"{"behaviour":"explode"}"#, "behaviour"),
            (r#"{"expiry_seconds":0}"#, "expiry_seconds"),
            (r#"{"via":"rooter"}"#, "via"),
        ];
        for (body, name) in wrong {
            let problem = InvoiceRequest::parse(body.as_bytes()).expect_err(body);
            assert_eq!(problem.parameter(), Some(name), "{body}");
        }
        assert_eq!(
            blocks(br#"{"blocks":1001}"#).expect_err("many").parameter(),
            Some("blocks")
        );
    }
}

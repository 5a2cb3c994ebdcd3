//! Calls the running server's admin API: the command line never opens its database.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::CliError;
use crate::secret_file;

/// Which server.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArgs {
    /// Where the server is.
    #[arg(
        long,
        env = "LEYDEN_API_URL",
        default_value = "http://127.0.0.1:3080",
        value_name = "URL"
    )]
    api_url: String,
    /// The file with its admin token.
    #[arg(long, default_value = "leyden-data/admin-token", value_name = "FILE")]
    admin_token_file: PathBuf,
    /// The admin token itself, from the environment only, so that no process list shows it.
    #[arg(env = "LEYDEN_ADMIN_TOKEN", hide_env_values = true, hide = true, long)]
    admin_token: Option<AdminToken>,
}

/// A token that no debug output shows.
#[derive(Clone)]
struct AdminToken(String);

impl std::str::FromStr for AdminToken {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken(hidden)")
    }
}

/// Sends a request; the answer of a call that succeeded.
pub(super) async fn call(
    server: &ServerArgs,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, CliError> {
    let uri = format!("{}/admin/v1{path}", server.api_url.trim_end_matches('/'));
    let token = token(server)?;
    let body = body
        .map(serde_json::to_vec)
        .transpose()?
        .unwrap_or_default();
    let request = hyper::Request::builder()
        .method(method)
        .uri(&uri)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(request)
        .await
        .map_err(|error| format!("no server answers at {}: {error}", server.api_url))?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    let answer: Value = serde_json::from_slice(&bytes)
        .map_err(|_| format!("{uri} answered {status}, and not as Leyden does"))?;
    if status.is_success() {
        Ok(answer)
    } else {
        let message = answer
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or("no reason given");
        Err(message.to_owned().into())
    }
}

fn token(server: &ServerArgs) -> Result<String, CliError> {
    if let Some(token) = &server.admin_token {
        return Ok(token.0.clone());
    }
    let file = &server.admin_token_file;
    let text = secret_file::read(file)?.ok_or_else(|| {
        format!(
            "there is no {}: name the server's with --admin-token-file",
            file.display()
        )
    })?;
    Ok(text.trim().to_owned())
}

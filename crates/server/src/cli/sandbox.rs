//! `leyden sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use store::StoreConfig;
use wire::sandbox::Ready;

use super::{CliError, print, shutdown};
use crate::sandbox::{SandboxOptions, start};
use crate::secret_file::private_folder;

/// How many connections it holds to PostgreSQL.
const DATABASE_CONNECTIONS: usize = 8;

/// What the sandbox is told.
#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// Where it listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where everything is kept, to go on there next time. Without it, a folder that is removed at the end.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A PostgreSQL database for the books and our node's state, instead of SQLite: postgres://USER@HOST/NAME.
    /// It belongs to this data folder and to no other.
    #[arg(long, value_name = "URL", requires = "data_dir")]
    database: Option<String>,
    /// Print one line of JSON on standard output when it is ready, and nothing else there.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: SandboxArgs) -> Result<ExitCode, CliError> {
    let started = Instant::now();
    let (data_dir, temporary) = match &args.data_dir {
        Some(data_dir) => {
            private_folder(data_dir)?;
            (data_dir.clone(), None)
        }
        None => {
            let folder = tempfile::Builder::new()
                .prefix("leyden-sandbox-")
                .tempdir()?;
            (folder.path().to_owned(), Some(folder))
        }
    };
    let database = match &args.database {
        Some(url) => StoreConfig::Postgres {
            url: url.clone(),
            threads: DATABASE_CONNECTIONS,
        },
        None => StoreConfig::SqliteFile(data_dir.join("leyden.db")),
    };
    let options = SandboxOptions {
        listen: args.listen,
        data_dir,
        database,
    };
    let starting = start(options, move |step| {
        print::note(&format!(
            "  {:>4.1} s  {step}",
            started.elapsed().as_secs_f32()
        ));
    });
    let sandbox = tokio::select! {
        sandbox = starting => sandbox?,
        () = shutdown::requested() => return Ok(ExitCode::SUCCESS),
    };
    print::note(&format!(
        "  {:>4.1} s  ready",
        started.elapsed().as_secs_f32()
    ));
    if args.json {
        print::answer(&serde_json::to_string(&sandbox.ready)?);
    } else {
        summary(&sandbox.ready, args.data_dir.is_some());
    }
    shutdown::requested().await;
    print::note("stopping");
    sandbox.stop().await;
    drop(temporary);
    Ok(ExitCode::SUCCESS)
}

fn summary(ready: &Ready, is_kept: bool) {
    let Ready {
        api_url,
        hub_url,
        sandbox_url,
        esplora_url,
        api_key,
        admin_token,
        ..
    } = ready;
    let kept = if is_kept {
        "Everything is kept in the data folder."
    } else {
        "Everything is gone when it stops; --data-dir DIR keeps it."
    };
    print::answer(&format!(
        r#"
Leyden's sandbox is ready: an account with 1,000,000 sats, a Lightning node, and a
counterparty to pay and be paid by. {kept}

  REST         {api_url}
  Hub          {hub_url}
  Sandbox      {sandbox_url}
  Chain        {esplora_url} (Esplora)
  API key      {api_key}
  Admin token  {admin_token}

Copy these lines into another terminal:

  export LEYDEN_API_URL='{api_url}' LEYDEN_KEY='{api_key}' LEYDEN_ADMIN_TOKEN='{admin_token}'

  # What the account has
  curl -s -H "Authorization: Bearer $LEYDEN_KEY" $LEYDEN_API_URL/v1/transactions/balance

  # Pay an invoice of the counterparty (behaviour: pay, fail, hang or slow; "via":"router" for a routing fee)
  INVOICE=$(curl -s -X POST -H "Authorization: Bearer $LEYDEN_ADMIN_TOKEN" \
    -H 'Content-Type: application/json' -d '{{"amount_sats":1000,"behaviour":"pay"}}' \
    $LEYDEN_API_URL/sandbox/invoice | sed 's/.*"payment_request":"\([^"]*\)".*/\1/')
  curl -s -X POST -H "Authorization: Bearer $LEYDEN_KEY" -H 'Content-Type: application/json' \
    -d "{{\"destination\":\"$INVOICE\",\"amount\":1000,\"currency\":\"sats\"}}" \
    $LEYDEN_API_URL/v1/bitcoin/withdraw/confirm

  # See what became of it
  curl -s -H "Authorization: Bearer $LEYDEN_KEY" $LEYDEN_API_URL/v1/transactions?limit=1

Ctrl-C stops it."#
    ));
}

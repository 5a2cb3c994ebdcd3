//! The Esplora API as a synchronous client: the port is called from plain threads.
//!
//! Requests run on a small runtime of their own, so that a caller on any thread may wait for them.

use std::time::Duration;

use bdk_esplora::EsploraAsyncExt;
use bdk_esplora::esplora_client::{AsyncClient, Builder, Error};
use bdk_wallet::KeychainKind;
use bdk_wallet::chain::spk_client::{FullScanRequest, FullScanResponse, SyncRequest, SyncResponse};
use bitcoin::{BlockHash, OutPoint, Txid};
use payments::ports::{ChainUnavailable, Fate};
use tokio::runtime::Runtime;

/// How many requests are under way at a time.
const PARALLEL: usize = 8;
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many addresses without a coin in a row end a full scan, beyond those that were given out: what an older copy of
/// the books may have given out and forgotten.
pub(crate) const RESTORE_GAP: usize = 100;

/// An Esplora server.
pub(crate) struct Esplora {
    client: AsyncClient,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ChainUnavailable {
    ChainUnavailable(error.into())
}

impl Esplora {
    /// The server at `url`, without a slash at the end. It is not asked anything yet.
    pub(crate) fn new(url: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let client = Builder::new(url)
            .timeout(TIMEOUT.as_secs())
            .max_retries(1)
            .build_async()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("onchain")
            .enable_all()
            .build()?;
        Ok(Self {
            client,
            runtime: Some(runtime),
        })
    }

    fn wait<T>(&self, asked: impl Future<Output = T>) -> T {
        match &self.runtime {
            Some(runtime) => runtime.block_on(asked),
            None => unreachable!("the runtime is there until the drop"),
        }
    }

    /// Scans every address until [`RESTORE_GAP`] of them in a row have no coin.
    pub(crate) fn scan(
        &self,
        request: FullScanRequest<KeychainKind>,
    ) -> Result<FullScanResponse<KeychainKind>, ChainUnavailable> {
        self.wait(self.client.full_scan(request, RESTORE_GAP, PARALLEL))
            .map_err(unavailable)
    }

    /// Asks for what changed at the addresses of the request.
    pub(crate) fn sync(
        &self,
        request: SyncRequest<(KeychainKind, u32)>,
    ) -> Result<SyncResponse, ChainUnavailable> {
        self.wait(self.client.sync(request, PARALLEL))
            .map_err(unavailable)
    }

    /// When a block was made, by its miner; in seconds since 1970.
    pub(crate) fn block_time(&self, hash: &BlockHash) -> Result<u32, ChainUnavailable> {
        let header = self.wait(self.client.get_header_by_hash(hash));
        Ok(header.map_err(unavailable)?.time)
    }

    /// Whether another transaction than `txid` spends one of `inputs`.
    pub(crate) fn fate(&self, txid: Txid, inputs: &[OutPoint]) -> Result<Fate, ChainUnavailable> {
        self.wait(self.fate_of(txid, inputs)).map_err(unavailable)
    }

    async fn fate_of(&self, txid: Txid, inputs: &[OutPoint]) -> Result<Fate, Error> {
        let mut fate = Fate::Unknown;
        for input in inputs {
            let found = self
                .client
                .get_output_status(&input.txid, u64::from(input.vout))
                .await?;
            let Some(found) = found.filter(|found| found.spent && found.txid.is_some()) else {
                continue;
            };
            if found.txid == Some(txid) {
                return Ok(Fate::Unknown);
            }
            if found.status.is_some_and(|status| status.confirmed) {
                return Ok(Fate::DoubleSpent);
            }
            fate = Fate::Replaced;
        }
        Ok(fate)
    }
}

impl Drop for Esplora {
    fn drop(&mut self) {
        // A runtime must not wait for its end on a thread of another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

//! A chain in memory with its Esplora API on a free loopback port.

use devchain::Chain;
use tokio::runtime::Runtime;

/// The chain and the thread that serves it.
pub struct ServedChain {
    /// The chain itself.
    pub chain: Chain,
    /// Where its Esplora API is.
    pub esplora_url: String,
    runtime: Runtime,
}

impl ServedChain {
    /// Starts one, with coins in the faucet that may be spent.
    pub fn start() -> Result<Self, super::LightningError> {
        let chain = Chain::in_memory();
        chain.faucet().mine(101)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let esplora_url = format!("http://{}", listener.local_addr()?);
        let router = devchain::esplora::router(chain.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            chain,
            esplora_url,
            runtime,
        })
    }

    /// Stops serving.
    pub fn stop(self) {
        self.runtime.shutdown_background();
    }
}

//! [`NodeLink`]: how handlers reach the Lightning node, in this process or in another.
//!
//! The node answers directly when it runs in this process; else a command goes through the database, and somebody waits
//! for its answer for a limited time. The node must never be asked to pay from here: only the dispatcher does that,
//! beside the node.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use payments::ids::{Ids, NodeCommandId};
use payments::ports::{CreateInvoiceError, InvoiceRequest, NodeOperator, Rail, RailInvoice};
use store::acts::node_command::{InvoiceAnswer, ask_for_invoice, forget_command};
use store::queries::node::{answer_to, lease_holder, node_key};
use store::{Signal, Store, StoreError};
use tokio::time::Instant;

use crate::compose::NODE;

/// How long an answer is waited for: longer than a command takes, and most of what a failover does.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest wait for a look at the answer: a wake-up only shortens it.
const POLL: Duration = Duration::from_millis(500);

/// Why the node's key is not known.
#[derive(Debug, thiserror::Error)]
pub enum NodeKeyError {
    /// No node has ever run on this database.
    #[error("no Lightning node has run on this database yet")]
    Unknown,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The node runs in another process, which has not answered in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process that runs the Lightning node has not answered within {} s", PATIENCE.as_secs())]
pub struct NoAnswer;

/// The way to the node. Clones are the same way.
#[derive(Clone)]
pub struct NodeLink {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    ids: Ids,
    here: RwLock<Option<Arc<dyn Rail>>>,
    operator: RwLock<Option<Arc<dyn NodeOperator>>>,
    /// The key of a node elsewhere, which never changes.
    key: OnceLock<PublicKey>,
}

impl NodeLink {
    /// The way to the node of this database.
    #[must_use]
    pub fn new(store: Store, ids: Ids) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                ids,
                here: RwLock::default(),
                operator: RwLock::default(),
                key: OnceLock::new(),
            }),
        }
    }

    /// The node runs in this process from now on.
    pub fn attach(&self, rail: Arc<dyn Rail>) {
        let here = self.inner.here.write();
        *here.unwrap_or_else(PoisonError::into_inner) = Some(rail);
    }

    /// The operator may ask the node in this process from now on.
    pub fn attach_operator(&self, node: Arc<dyn NodeOperator>) {
        let operator = self.inner.operator.write();
        *operator.unwrap_or_else(PoisonError::into_inner) = Some(node);
    }

    /// The node in its operator's hands; `None` while it runs in another process.
    #[must_use]
    pub fn operator(&self) -> Option<Arc<dyn NodeOperator>> {
        let operator = self.inner.operator.read();
        operator.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn here(&self) -> Option<Arc<dyn Rail>> {
        let here = self.inner.here.read();
        here.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the node runs, here or somewhere else.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_running(&self) -> Result<bool, StoreError> {
        if self.here().is_some() {
            return Ok(true);
        }
        let read = self.inner.store.read_async(|tx| lease_holder(tx, NODE));
        Ok(read.await?.is_some_and(|lease| lease.is_live))
    }

    /// The node's public key.
    ///
    /// # Errors
    /// [`NodeKeyError`].
    pub async fn key(&self) -> Result<PublicKey, NodeKeyError> {
        if let Some(rail) = self.here() {
            return Ok(rail.node_id());
        }
        if let Some(key) = self.inner.key.get() {
            return Ok(*key);
        }
        let read = self.inner.store.read_async(|tx| node_key(tx, NODE));
        let key = read.await?.ok_or(NodeKeyError::Unknown)?;
        Ok(*self.inner.key.get_or_init(|| key))
    }

    /// Lets the node make an invoice.
    ///
    /// # Errors
    /// [`CreateInvoiceError`]; an invoice that was made all the same is known to nobody.
    pub async fn create_invoice(
        &self,
        request: InvoiceRequest,
    ) -> Result<RailInvoice, CreateInvoiceError> {
        match self.here() {
            Some(rail) => tokio::task::spawn_blocking(move || rail.create_invoice(&request))
                .await
                .unwrap_or_else(|panic| Err(unavailable(panic))),
            None => self.ask(request).await,
        }
    }

    async fn ask(&self, request: InvoiceRequest) -> Result<RailInvoice, CreateInvoiceError> {
        let store = &self.inner.store;
        let id: NodeCommandId = self.inner.ids.fresh();
        let mut wakeups = store.subscribe(Signal::NodeAnswers);
        let deadline = Instant::now() + PATIENCE;
        let patience_ms = i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX / 2);
        let asked = store.write_async(move |tx| ask_for_invoice(tx, id, &request, patience_ms));
        asked
            .await
            .map_err(|error: StoreError| unavailable(error))?;
        let answer = loop {
            match store.read_async(move |tx| answer_to(tx, id)).await {
                Ok(Some(answer)) => break Some(answer),
                Ok(None) => {}
                Err(error) => return Err(unavailable(error)),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break None;
            }
            // Whatever ends the wait, the database is looked at.
            drop(tokio::time::timeout(left.min(POLL), wakeups.next()).await);
        };
        // Nobody reads the row any more. It has its place in the queue, and lapses if it is not removed.
        drop(store.write_async(move |tx| forget_command(tx, id)));
        match answer {
            Some(InvoiceAnswer::Made(invoice)) => Ok(invoice),
            Some(InvoiceAnswer::Refused) => Err(CreateInvoiceError::Refused),
            Some(InvoiceAnswer::Unavailable) | None => Err(unavailable(NoAnswer)),
        }
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> CreateInvoiceError {
    CreateInvoiceError::Unavailable(Box::new(error))
}

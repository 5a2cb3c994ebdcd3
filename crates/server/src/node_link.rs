//! [`NodeLink`]: how handlers reach the Lightning node.
//!
//! The node answers directly when it runs in this process. It must never be asked to pay from here: only the
//! dispatcher does that, beside the node.

use std::sync::{Arc, PoisonError, RwLock};

use bitcoin::secp256k1::PublicKey;
use payments::ports::{CreateInvoiceError, InvoiceRequest, Rail, RailInvoice};

/// No node has ever run on this database, so its key is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no Lightning node has run on this database yet")]
pub struct NodeUnknown;

/// The way to the node. Clones are the same way.
#[derive(Clone, Default)]
pub struct NodeLink {
    here: Arc<RwLock<Option<Arc<dyn Rail>>>>,
}

impl NodeLink {
    /// The node runs in this process from now on.
    pub fn attach(&self, rail: Arc<dyn Rail>) {
        *self.here.write().unwrap_or_else(PoisonError::into_inner) = Some(rail);
    }

    fn here(&self) -> Option<Arc<dyn Rail>> {
        self.here
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The node's public key.
    ///
    /// # Errors
    /// [`NodeUnknown`].
    pub fn id(&self) -> Result<PublicKey, NodeUnknown> {
        self.here().map(|rail| rail.node_id()).ok_or(NodeUnknown)
    }

    /// Lets the node make an invoice.
    ///
    /// # Errors
    /// [`CreateInvoiceError`]; an invoice that was made all the same is known to nobody.
    pub async fn create_invoice(
        &self,
        request: InvoiceRequest,
    ) -> Result<RailInvoice, CreateInvoiceError> {
        let rail = self
            .here()
            .ok_or_else(|| CreateInvoiceError::Unavailable(Box::new(NodeUnknown)))?;
        tokio::task::spawn_blocking(move || rail.create_invoice(&request))
            .await
            .unwrap_or_else(|panic| Err(CreateInvoiceError::Unavailable(Box::new(panic))))
    }
}

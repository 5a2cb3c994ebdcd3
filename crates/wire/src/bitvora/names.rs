//! The closed sets of names in bodies (contract section 2).
//!
//! Only what every published client understands may be emitted.

use crate::string_enum::string_enum;

string_enum! {
    /// A currency of a request amount. Requests are read without regard to case by
    /// [`Currency::from_request`].
    Currency, "currency", {
        /// Australian dollar.
        Aud = "aud",
        /// Canadian dollar.
        Cad = "cad",
        /// Swiss franc.
        Chf = "chf",
        /// Chinese yuan.
        Cny = "cny",
        /// Euro.
        Eur = "eur",
        /// Pound sterling.
        Gbp = "gbp",
        /// Hong Kong dollar.
        Hkd = "hkd",
        /// Japanese yen.
        Jpy = "jpy",
        /// New Zealand dollar.
        Nzd = "nzd",
        /// United States dollar.
        Usd = "usd",
        /// Bitcoin.
        Btc = "btc",
        /// Satoshis.
        Sats = "sats",
    }
}

impl Currency {
    /// Reads a currency without regard to case, as requests write it.
    #[must_use]
    pub fn from_request(text: &str) -> Option<Self> {
        Self::all()
            .iter()
            .copied()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
    }
}

string_enum! {
    /// The state of a deposit or withdrawal. Published pollers stop on the last two only.
    TransactionStatus, "transaction status", {
        /// Not final.
        Pending = "pending",
        /// Final: the money has moved.
        Settled = "settled",
        /// Final: no money has moved.
        Failed = "failed",
    }
}

string_enum! {
    /// How money moves.
    RailType, "rail type", {
        /// The Lightning Network.
        Lightning = "lightning",
        /// A Bitcoin transaction.
        Onchain = "onchain",
    }
}

string_enum! {
    /// The Bitcoin network; never `testnet4`, which breaks the TypeScript client.
    NetworkType, "network", {
        /// The network where bitcoin has a price.
        Mainnet = "mainnet",
        /// The public test network.
        Testnet = "testnet",
        /// The signed test network.
        Signet = "signet",
        /// A private chain, in the sandbox.
        Regtest = "regtest",
    }
}

string_enum! {
    /// Which way money moves, in the transaction list.
    TransactionType, "transaction type", {
        /// Into the account.
        Deposit = "deposit",
        /// Out of the account.
        Withdrawal = "withdrawal",
    }
}

string_enum! {
    /// What a destination turned out to be, in an estimate.
    RecipientType, "recipient type", {
        /// `name@domain`, and LNURL destinations.
        LightningAddress = "lightning_address",
        /// A Bitcoin address.
        ChainAddress = "chain_address",
        /// A BOLT 11 invoice.
        LightningInvoice = "lightning_invoice",
    }
}

string_enum! {
    /// The state of an invoice, in the style of LND.
    InvoiceState, "invoice state", {
        /// Waiting to be paid.
        Open = "OPEN",
        /// Paid.
        Settled = "SETTLED",
        /// Expired, or given up.
        Canceled = "CANCELED",
        /// A payment is held and not yet settled.
        Accepted = "ACCEPTED",
    }
}

//! Who stands on either side of a transfer: the chart of accounts.
//!
//! Customer accounts are liabilities and bounded: their debits never exceed their credits. System accounts
//! are not bounded, and their balances are derived from the transfers, so that no payment waits for another.

use std::fmt;

/// The number of a ledger account. Below [`AccountNumber::FIRST_CUSTOMER`] stand the system accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNumber(i64);

impl AccountNumber {
    /// The first number given to a customer.
    pub const FIRST_CUSTOMER: i64 = 1_000;

    /// A customer's account; `None` for a number that belongs to the system.
    pub const fn customer(number: i64) -> Option<Self> {
        if number >= Self::FIRST_CUSTOMER {
            Some(Self(number))
        } else {
            None
        }
    }

    /// An account as stored; `None` for a number that no account can have.
    pub fn stored(number: i64) -> Option<Self> {
        let known = SystemAccount::ALL
            .iter()
            .any(|account| account.number().0 == number);
        if known {
            Some(Self(number))
        } else {
            Self::customer(number)
        }
    }

    /// The number itself.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether the node can be asked what stands here, so that the running sum is kept for the reconciliation.
    pub fn is_at_the_node(self) -> bool {
        [SystemAccount::LightningFloat, SystemAccount::NodeWallet]
            .iter()
            .any(|account| account.number() == self)
    }

    /// Whether debits may never exceed credits here, and the counters are kept with every transfer.
    pub const fn is_bounded(self) -> bool {
        self.0 >= Self::FIRST_CUSTOMER
    }
}

impl fmt::Display for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SystemAccount::ALL
            .iter()
            .find(|account| account.number() == *self)
        {
            Some(account) => f.write_str(account.name()),
            None => write!(f, "customer {}", self.0),
        }
    }
}

/// The accounts of the operator and of the rails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemAccount {
    /// Asset: what our Lightning node owns in its channels.
    LightningFloat,
    /// What is held for Lightning withdrawals under way. Its pending credits are the live withdrawals; its
    /// posted balance is zero.
    LightningOutClearing,
    /// The routing fees held, and paid, for customers. Its posted balance is zero.
    RoutingFee,
    /// Income: the platform's fees.
    PlatformFee,
    /// Money that came in and could not be placed. Anything here needs a person.
    Suspense,
    /// Expense: what the operator lost (a routing fee above the reserve, a payment booked as failed).
    OperatorLoss,
    /// The operator's own money in the node.
    OperatorCapital,
    /// Asset: what our Lightning node owns in its own on-chain wallet. Money of closed channels comes here.
    NodeWallet,
    /// Expense: what the chain took for opening and closing channels.
    ChainFee,
    /// Asset: the coins of the on-chain rail, in a wallet apart from the node's.
    HotWallet,
    /// What is held for on-chain withdrawals under way. Its posted balance is zero.
    OnchainOutClearing,
    /// The miner fees held, and paid, for customers. Its posted balance is zero.
    MinerFee,
}

impl SystemAccount {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::LightningFloat,
        Self::LightningOutClearing,
        Self::RoutingFee,
        Self::PlatformFee,
        Self::Suspense,
        Self::OperatorLoss,
        Self::OperatorCapital,
        Self::NodeWallet,
        Self::ChainFee,
        Self::HotWallet,
        Self::OnchainOutClearing,
        Self::MinerFee,
    ];

    /// The account's fixed number.
    pub const fn number(self) -> AccountNumber {
        AccountNumber(match self {
            Self::LightningFloat => 1,
            Self::LightningOutClearing => 2,
            Self::RoutingFee => 3,
            Self::PlatformFee => 4,
            Self::Suspense => 5,
            Self::OperatorLoss => 6,
            Self::OperatorCapital => 7,
            Self::NodeWallet => 8,
            Self::ChainFee => 9,
            Self::HotWallet => 10,
            Self::OnchainOutClearing => 11,
            Self::MinerFee => 12,
        })
    }

    /// The account's name, as the books and the audit print it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LightningFloat => "lightning_float",
            Self::LightningOutClearing => "lightning_out_clearing",
            Self::RoutingFee => "routing_fee",
            Self::PlatformFee => "platform_fee",
            Self::Suspense => "suspense",
            Self::OperatorLoss => "operator_loss",
            Self::OperatorCapital => "operator_capital",
            Self::NodeWallet => "node_wallet",
            Self::ChainFee => "chain_fee",
            Self::HotWallet => "hot_wallet",
            Self::OnchainOutClearing => "onchain_out_clearing",
            Self::MinerFee => "miner_fee",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_customers_are_bounded() {
        for account in SystemAccount::ALL {
            assert!(!account.number().is_bounded(), "{}", account.name());
            let is_at_the_node = matches!(
                account,
                SystemAccount::LightningFloat | SystemAccount::NodeWallet
            );
            assert_eq!(account.number().is_at_the_node(), is_at_the_node);
            assert_eq!(AccountNumber::customer(account.number().get()), None);
            assert_eq!(
                AccountNumber::stored(account.number().get()),
                Some(account.number())
            );
        }
        assert!(
            AccountNumber::customer(1_000)
                .expect("the first customer")
                .is_bounded()
        );
        assert_eq!(AccountNumber::stored(13), None);
        assert_eq!(AccountNumber::stored(0), None);
    }
}

//! Turns: whose attempt is next, tenant by tenant, and endpoint by endpoint within a tenant.
//!
//! What waits for one tenant never stands before what waits for another.

use std::collections::{HashMap, VecDeque};

use payments::ids::{AccountId, EndpointId};

/// The endpoints that have something to send, in turns.
#[derive(Debug, Default)]
pub(super) struct Ring {
    tenants: VecDeque<AccountId>,
    endpoints: HashMap<AccountId, VecDeque<EndpointId>>,
}

impl Ring {
    /// Puts an endpoint at the end of its tenant's turns. It must not stand in the ring.
    pub(super) fn push(&mut self, tenant: AccountId, endpoint: EndpointId) {
        let endpoints = self.endpoints.entry(tenant).or_default();
        if endpoints.is_empty() {
            self.tenants.push_back(tenant);
        }
        endpoints.push_back(endpoint);
    }

    /// The next endpoint of the next tenant that `may` have a turn.
    pub(super) fn pop(&mut self, may: impl Fn(AccountId) -> bool) -> Option<EndpointId> {
        for _ in 0..self.tenants.len() {
            let tenant = self.tenants.pop_front()?;
            if !may(tenant) {
                self.tenants.push_back(tenant);
                continue;
            }
            let endpoints = self.endpoints.get_mut(&tenant)?;
            let endpoint = endpoints.pop_front();
            if endpoints.is_empty() {
                self.endpoints.remove(&tenant);
            } else {
                self.tenants.push_back(tenant);
            }
            return endpoint;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: u8) -> AccountId {
        AccountId::from_bytes([number; 16])
    }

    fn endpoint(number: u8) -> EndpointId {
        EndpointId::from_bytes([number; 16])
    }

    #[test]
    fn tenants_take_turns_however_much_waits_for_one() {
        let mut ring = Ring::default();
        for number in 1..=3 {
            ring.push(tenant(1), endpoint(number));
        }
        ring.push(tenant(2), endpoint(9));
        let order: Vec<_> = std::iter::from_fn(|| ring.pop(|_| true)).collect();
        assert_eq!(order, [1, 9, 2, 3].map(endpoint));
        assert!(ring.pop(|_| true).is_none());
    }

    #[test]
    fn a_tenant_that_has_its_share_is_passed_over_and_not_forgotten() {
        let mut ring = Ring::default();
        ring.push(tenant(1), endpoint(1));
        ring.push(tenant(2), endpoint(2));
        assert_eq!(ring.pop(|one| one != tenant(1)), Some(endpoint(2)));
        assert_eq!(ring.pop(|one| one != tenant(1)), None);
        assert_eq!(ring.pop(|_| true), Some(endpoint(1)));
    }
}

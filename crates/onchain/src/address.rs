//! Addresses from the wallet's public descriptor alone: pure, so that any process gives one out, with or without keys.

use std::str::FromStr;

use bdk_wallet::miniscript::{Descriptor, DescriptorPublicKey};
use bitcoin::secp256k1::Secp256k1;
use payments::network::Network;

/// The text is no descriptor that gives addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the wallet's descriptor gives no address")]
pub struct AddressError;

/// The address with the number `index` of a descriptor.
///
/// # Errors
/// [`AddressError`] for a text that is no descriptor, and for a number that no address can have (2^31 and above).
pub fn deposit_address(
    descriptor: &str,
    network: Network,
    index: u32,
) -> Result<String, AddressError> {
    let descriptor =
        Descriptor::<DescriptorPublicKey>::from_str(descriptor).map_err(|_| AddressError)?;
    let derived = descriptor
        .at_derivation_index(index)
        .and_then(|definite| definite.derived_descriptor(&Secp256k1::verification_only()))
        .map_err(|_| AddressError)?;
    let address = derived
        .address(network.bitcoin())
        .map_err(|_| AddressError)?;
    Ok(address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_descriptor_gives_no_address() {
        for text in ["", "wpkh()", "wpkh(xpub)"] {
            assert_eq!(
                deposit_address(text, Network::Regtest, 0),
                Err(AddressError)
            );
        }
    }
}

//! Arguments, in both directions: what a client passed, and what may be passed to a client.
//!
//! Decoding happens when the method asks, never earlier. Argument values are private to the
//! call: nothing here logs them.

use serde::de::value::SeqDeserializer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The arguments of one call, still as raw JSON.
///
/// ```
/// # use signalr_server::{Arguments, BindError};
/// # fn method(arguments: Arguments) -> Result<(), BindError> {
/// let (invoice, key): (String, String) = arguments.decode()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Arguments {
    values: Vec<Box<RawValue>>,
}

impl Arguments {
    pub(crate) const fn new(values: Vec<Box<RawValue>>) -> Self {
        Self { values }
    }

    /// Each argument as the client wrote it.
    #[must_use]
    pub fn raw(&self) -> &[Box<RawValue>] {
        &self.values
    }

    /// The number of arguments.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the client passed no argument.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All arguments together, as a tuple (or a `Vec` or array of one type).
    ///
    /// The number must match, as in ASP.NET Core. A value may borrow from `self`.
    ///
    /// # Errors
    /// The arguments do not have that shape. Returned from a method with `?`, the client
    /// gets `Failed to invoke 'X' due to an error on the server.`
    pub fn decode<'de, T: Deserialize<'de>>(&'de self) -> Result<T, BindError> {
        let values = self.values.iter().map(AsRef::as_ref);
        T::deserialize(SeqDeserializer::<_, serde_json::Error>::new(values))
            .map_err(|source| BindError { source })
    }
}

impl std::fmt::Debug for Arguments {
    /// Only the number: arguments may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arguments({})", self.values.len())
    }
}

/// The arguments of a call do not fit the method.
///
/// The source may quote an argument; it is not part of `Display`.
#[derive(Debug, thiserror::Error)]
#[error("the arguments do not fit the method")]
pub struct BindError {
    source: serde_json::Error,
}

/// What can be sent as the arguments of a client method: anything that serializes as a list.
///
/// Implemented for tuples of up to eight, arrays, slices, vectors, and references to them:
/// `("text", 1)` or `&[&payload]`. For a call without arguments pass [`NO_ARGUMENTS`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of arguments",
    note = "wrap a single argument in a tuple or an array: `(value,)` or `&[&value]`"
)]
pub trait ArgumentList: Serialize {}

/// No arguments at all.
pub const NO_ARGUMENTS: [(); 0] = [];

impl<A: ArgumentList + ?Sized> ArgumentList for &A {}
impl<T: Serialize> ArgumentList for [T] {}
impl<T: Serialize> ArgumentList for Vec<T> {}
impl<T, const N: usize> ArgumentList for [T; N] where [T; N]: Serialize {}

macro_rules! tuples {
    ($(($($name:ident)+))+) => {
        $(impl<$($name: Serialize),+> ArgumentList for ($($name,)+) {})+
    };
}
tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    fn arguments(json: &str) -> Arguments {
        Arguments::new(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_tuple_decodes_and_may_borrow() {
        let arguments = arguments(r#"["a", 5, null]"#);
        let (text, number, nothing): (&str, u64, Option<bool>) = arguments.decode().unwrap();
        assert_eq!((text, number, nothing), ("a", 5, None));
    }

    #[test]
    fn the_number_of_arguments_must_match() {
        assert!(arguments(r#"["a"]"#).decode::<(String, String)>().is_err());
        assert!(
            arguments(r#"["a","b","c"]"#)
                .decode::<(String, String)>()
                .is_err()
        );
        assert!(arguments("[]").decode::<[String; 0]>().is_ok());
    }

    #[test]
    fn a_wrong_type_does_not_bind_and_its_value_is_not_shown() {
        let arguments = arguments(r#"["secret"]"#);
        let error = arguments.decode::<(u64,)>().unwrap_err();
        assert!(!error.to_string().contains("secret"));
        assert_eq!(format!("{arguments:?}"), "Arguments(1)");
    }
}

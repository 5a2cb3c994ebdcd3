//! Arguments, in both directions: what a client passed, and what may be passed to a client.
//!
//! Decoding happens when the method asks, never earlier. Argument values are private to the
//! call: nothing here logs them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::value::{DecodeError, List, Raw};

/// The arguments of one call, as they came.
///
/// ```
/// # use signalr_server::{Arguments, BindError};
/// # fn method(arguments: Arguments) -> Result<(), BindError> {
/// let (invoice, key): (String, String) = arguments.decode()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Arguments {
    values: Vec<Raw>,
}

impl Arguments {
    pub(crate) const fn new(values: Vec<Raw>) -> Self {
        Self { values }
    }

    /// Each argument as JSON: as the client wrote it, or translated from MessagePack.
    ///
    /// # Errors
    /// A MessagePack value has no counterpart, or nests deeper than 128.
    pub fn to_json(&self) -> Result<Vec<Box<RawValue>>, BindError> {
        let values = self.values.iter().map(Raw::to_json);
        values
            .collect::<Result<_, _>>()
            .map_err(|source| BindError { source })
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

    /// All arguments together: a tuple, a `Vec` or array of one type, or `()` for none.
    ///
    /// The number must match, as in ASP.NET Core. A value may borrow from `self`.
    ///
    /// # Errors
    /// The arguments do not have that shape. Returned from a method with `?`, the client
    /// gets `Failed to invoke 'X' due to an error on the server.`
    pub fn decode<'de, T: Deserialize<'de>>(&'de self) -> Result<T, BindError> {
        T::deserialize(List(self.values.iter())).map_err(|source| BindError { source })
    }
}

/// What a method can take as its arguments: a tuple or anything else that
/// [`Arguments::decode`] makes, or the [`Arguments`] themselves.
pub trait FromArguments: Sized + Send {
    /// Reads the arguments.
    ///
    /// # Errors
    /// They do not have that shape.
    fn from_arguments(arguments: Arguments) -> Result<Self, BindError>;
}

impl FromArguments for Arguments {
    fn from_arguments(arguments: Arguments) -> Result<Self, BindError> {
        Ok(arguments)
    }
}

impl<T: DeserializeOwned + Send> FromArguments for T {
    fn from_arguments(arguments: Arguments) -> Result<Self, BindError> {
        arguments.decode()
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
    source: DecodeError,
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
        let values: Vec<Box<RawValue>> = serde_json::from_str(json).unwrap();
        Arguments::new(values.into_iter().map(Raw::Json).collect())
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
        assert!(arguments("[]").decode::<()>().is_ok());
        assert!(arguments("[1]").decode::<()>().is_err());
    }

    #[test]
    fn a_wrong_type_does_not_bind_and_its_value_is_not_shown() {
        let arguments = arguments(r#"["secret"]"#);
        let error = arguments.decode::<(u64,)>().unwrap_err();
        assert!(!error.to_string().contains("secret"));
        assert_eq!(format!("{arguments:?}"), "Arguments(1)");
    }
}

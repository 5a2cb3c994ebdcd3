//! Closed sets of names: one list gives the enum, its text, its parser and its JSON form.
//!
//! It must never accept a name that is not in the list: a typing error in a filter or a setting is
//! an error, not a silent no.

/// A name that is not in the closed set it was looked up in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a known {set}")]
pub struct UnknownName {
    /// What kind of name was expected, for example `event name`.
    pub set: &'static str,
    /// The name that was given.
    pub name: String,
}

/// Declares an enum whose members are texts of a published contract.
macro_rules! string_enum {
    ($(#[$meta:meta])* $name:ident, $set:literal,
     { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every member, in the order of the contract.
            #[must_use]
            pub const fn all() -> &'static [Self] {
                &[$(Self::$variant),+]
            }

            /// The text of the contract.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownName;

            /// Takes exactly the text of the contract; anything else is an error.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownName { set: $set, name: text.to_owned() }),
                }
            }
        }

        impl $crate::schema::Describe for $name {
            fn describe(_: &mut $crate::schema::Schemas) -> serde_json::Value {
                serde_json::json!({"type": "string", "enum": [$($text),+]})
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use string_enum;

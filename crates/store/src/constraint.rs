//! The constraints that an act may meet on purpose, under one name for both databases.
//!
//! Acts mostly use `ON CONFLICT DO NOTHING` and conditional updates, so this list stays short.

/// A constraint of the schema that a statement broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// A sum left the range of a 64-bit integer (PostgreSQL: 22003; SQLite: a REAL refused by
    /// STRICT).
    IntegerRange,
    /// A constraint without a name here: PostgreSQL's name for it. SQLite gives the same name for a
    /// named CHECK, and its own message for anything else.
    Unknown(String),
}

/// A constraint, its name in PostgreSQL, and SQLite's whole message for it.
type Named = (Constraint, &'static str, &'static str);

/// The constraints that acts tell apart. For a named CHECK both texts are its name.
const NAMED: &[Named] = &[];

impl Constraint {
    pub(crate) fn from_postgres(name: &str) -> Self {
        Self::find(|(_, postgres, _)| *postgres == name)
            .unwrap_or_else(|| Self::Unknown(name.into()))
    }

    pub(crate) fn from_sqlite(message: &str) -> Self {
        let name = message
            .strip_prefix("CHECK constraint failed: ")
            .unwrap_or(message);
        Self::find(|(_, _, sqlite)| *sqlite == name).unwrap_or_else(|| Self::Unknown(name.into()))
    }

    fn find(matches: impl Fn(&Named) -> bool) -> Option<Self> {
        NAMED
            .iter()
            .find(|named| matches(named))
            .map(|(constraint, ..)| constraint.clone())
    }
}

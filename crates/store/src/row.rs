//! One row of an answer.
//!
//! A column of the wrong type is [`StoreError::Corrupt`]: it must never be guessed at or converted.

use crate::{StoreError, Value};

/// One row of an answer, with its values. Columns are counted from 0.
#[derive(Debug, Clone)]
pub struct Row {
    sql: &'static str,
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values }
    }

    /// The error that says that this row's `column` does not hold what the program `expected`
    /// there: for columns whose type is right and whose content is not.
    #[must_use]
    pub fn corrupt(&self, column: usize, expected: &'static str) -> StoreError {
        StoreError::Corrupt {
            sql: self.sql,
            column,
            expected,
        }
    }

    /// An integer.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the column holds anything else; so for every method below.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?
            .ok_or_else(|| self.corrupt(column, "an integer"))
    }

    /// An integer or NULL.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.values.get(column) {
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.corrupt(column, "an integer")),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.opt_text(column)?
            .ok_or_else(|| self.corrupt(column, "a text"))
    }

    /// A text or NULL.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.values.get(column) {
            Some(Value::Text(value)) => Ok(Some(value)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.corrupt(column, "a text")),
        }
    }

    /// Bytes.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        self.opt_bytes(column)?
            .ok_or_else(|| self.corrupt(column, "bytes"))
    }

    /// Bytes or NULL.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.values.get(column) {
            Some(Value::Bytes(value)) => Ok(Some(value)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.corrupt(column, "bytes")),
        }
    }

    /// A boolean, stored as 0 or 1.
    ///
    /// # Errors
    /// See [`Row::int`]; also for any other integer.
    pub fn bool(&self, column: usize) -> Result<bool, StoreError> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt(column, "0 or 1")),
        }
    }

    /// Exactly 16 bytes: an id.
    ///
    /// # Errors
    /// See [`Row::int`]; also for any other length.
    pub fn bytes16(&self, column: usize) -> Result<[u8; 16], StoreError> {
        self.bytes(column)?
            .try_into()
            .map_err(|_| self.corrupt(column, "16 bytes"))
    }

    /// Exactly 16 bytes, or NULL.
    ///
    /// # Errors
    /// See [`Row::bytes16`].
    pub fn opt_bytes16(&self, column: usize) -> Result<Option<[u8; 16]>, StoreError> {
        self.opt_bytes(column)?
            .map(|_| self.bytes16(column))
            .transpose()
    }

    /// Exactly 32 bytes: a hash.
    ///
    /// # Errors
    /// See [`Row::int`]; also for any other length.
    pub fn bytes32(&self, column: usize) -> Result<[u8; 32], StoreError> {
        self.bytes(column)?
            .try_into()
            .map_err(|_| self.corrupt(column, "32 bytes"))
    }

    /// Exactly 32 bytes, or NULL.
    ///
    /// # Errors
    /// See [`Row::bytes32`].
    pub fn opt_bytes32(&self, column: usize) -> Result<Option<[u8; 32]>, StoreError> {
        self.opt_bytes(column)?
            .map(|_| self.bytes32(column))
            .transpose()
    }

    /// Takes the bytes out of the row without copying them (a large blob).
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn take_bytes(&mut self, column: usize) -> Result<Vec<u8>, StoreError> {
        match self.values.get_mut(column) {
            Some(Value::Bytes(value)) => Ok(std::mem::take(value)),
            _ => Err(self.corrupt(column, "bytes")),
        }
    }
}

//! One connection, its prepared statements, and transactions on it.

use std::collections::HashMap;

use postgres::types::private::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type};
use postgres::{Client, Statement};

use crate::job::{Job, Verdict};
use crate::postgresql::failure::{asks_again, cause_of, failed};
use crate::signal::SignalSet;
use crate::tx::{Failed, Fate};
use crate::{Cause, Row, StoreError, Tx, Value, crash_point};

const LIMIT_IDLE_TRANSACTIONS: &str = "SET idle_in_transaction_session_timeout = '5s'";

/// A connection with its prepared statements.
pub(crate) struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
    /// A rollback failed, so a transaction may still be open on the connection.
    broken: bool,
}

/// How a transaction ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Committed.
    Committed(SignalSet),
    /// Undone, because the act said so or panicked.
    Undone,
    /// Nothing was kept, and running it again may succeed.
    Again(Cause),
    /// Nothing was kept, and the connection is gone.
    Lost(Cause),
    /// The connection was lost during the commit: nobody knows.
    Unknown(Cause),
}

impl Session {
    pub(crate) fn new(mut client: Client) -> Result<Self, postgres::Error> {
        // A server that was told to answer before its log is on the disk would break the promise
        // that a committed transaction stays. Any stricter setting is left alone.
        let row = client.query_one("SHOW synchronous_commit", &[])?;
        if row.try_get::<_, &str>(0)? == "off" {
            client.batch_execute("SET synchronous_commit = on")?;
        }
        // The server may not hear of the death of this machine for hours, and would keep the locks of a transaction
        // that it left open. Acts never wait inside one, so a silence this long is no life.
        if let Err(error) = client.batch_execute(LIMIT_IDLE_TRANSACTIONS) {
            tracing::debug!(error = %cause_of(&error), "the server knows no limit for idle transactions");
        }
        Ok(Self {
            client,
            statements: HashMap::new(),
            broken: false,
        })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.broken || self.client.is_closed()
    }

    /// Runs statements without parameters.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), Cause> {
        self.client
            .batch_execute(sql)
            .map_err(|error| cause_of(&error))
    }

    /// Runs a job in a transaction that `begin` opens.
    pub(crate) fn run(&mut self, begin: &str, job: &mut dyn Job) -> Ended {
        if let Err(error) = self.client.batch_execute(begin) {
            return Ended::Lost(cause_of(&error));
        }
        let mut tx = Tx::on_postgres(self);
        let verdict = job.attempt(&mut tx);
        let (failed, signals) = (tx.failed(), tx.signals());
        if verdict == Verdict::Keep {
            return self.commit(signals);
        }
        self.broken = self.client.batch_execute("ROLLBACK").is_err();
        match failed {
            Some(Fate::Again) if verdict == Verdict::Undo => Ended::Again(Cause::new(
                "40001",
                "the transaction met a conflict each time",
            )),
            Some(Fate::Lost) if verdict == Verdict::Undo => Ended::Lost(Cause::new(
                "connection",
                "the connection was lost each time",
            )),
            _ => Ended::Undone,
        }
    }

    fn commit(&mut self, signals: SignalSet) -> Ended {
        crash_point::reach("store.before_commit");
        match self.client.batch_execute("COMMIT") {
            Ok(()) => {
                crash_point::reach("store.after_commit");
                Ended::Committed(signals)
            }
            Err(error) if asks_again(&error) => Ended::Again(cause_of(&error)),
            Err(error) => Ended::Unknown(cause_of(&error)),
        }
    }

    pub(crate) fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, Failed> {
        let statement = self.prepared(sql, params)?;
        let params = params
            .iter()
            .map(|value| value as &(dyn ToSql + Sync))
            .collect::<Vec<_>>();
        self.client
            .execute(&statement, &params)
            .map_err(|error| failed(&error, sql))
    }

    pub(crate) fn query(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<Row>, Failed> {
        let statement = self.prepared(sql, params)?;
        let columns = statement
            .columns()
            .iter()
            .map(|column| column.type_().clone());
        if let Some(column) = columns.clone().position(|ty| !Value::accepts_column(&ty)) {
            let expected = "BIGINT, TEXT or BYTEA";
            return Err(StoreError::Corrupt {
                sql,
                column,
                expected,
            }
            .into());
        }
        let count = columns.len();
        let params = params
            .iter()
            .map(|value| value as &(dyn ToSql + Sync))
            .collect::<Vec<_>>();
        let rows = self
            .client
            .query(&statement, &params)
            .map_err(|error| failed(&error, sql))?;
        let decoded = rows.iter().map(|row| {
            let values = (0..count).map(|column| {
                row.try_get::<_, Value>(column)
                    .map_err(|_| StoreError::Corrupt {
                        sql,
                        column,
                        expected: "BIGINT, TEXT or BYTEA",
                    })
            });
            Ok(Row::new(sql, values.collect::<Result<_, StoreError>>()?))
        });
        decoded
            .collect::<Result<_, StoreError>>()
            .map_err(Failed::from)
    }

    /// Prepares a statement once for the connection, and checks its parameters, because the driver
    /// would panic on a wrong number of them.
    fn prepared(&mut self, sql: &'static str, params: &[Value]) -> Result<Statement, Failed> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let prepared = self
                    .client
                    .prepare(sql)
                    .map_err(|error| failed(&error, sql))?;
                self.statements.insert(sql, prepared.clone());
                prepared
            }
        };
        let types = statement.params();
        let wrong = |message| {
            let cause = Cause::new("parameters", message);
            Failed::from(StoreError::Statement { sql, cause })
        };
        if types.len() != params.len() {
            return Err(wrong(format!(
                "{} parameters, {} given",
                types.len(),
                params.len()
            )));
        }
        for (number, (value, ty)) in (1..).zip(params.iter().zip(types)) {
            if !value.fits(ty) {
                let given = value.type_name();
                return Err(wrong(format!(
                    "parameter {number} is {ty}, and {given} was given"
                )));
            }
        }
        Ok(statement)
    }
}

impl Value {
    fn fits(&self, ty: &Type) -> bool {
        match self {
            Self::Null => true,
            Self::Int(_) => *ty == Type::INT8,
            Self::Text(_) => <String as ToSql>::accepts(ty),
            Self::Bytes(_) => *ty == Type::BYTEA,
        }
    }

    fn accepts_column(ty: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::BOOL, Type::BYTEA].contains(ty)
            || <String as FromSql>::accepts(ty)
    }
}

type Unfit = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Unfit> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Bytes(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // `Session::prepared` looked at the value as well.
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Unfit> {
        self.to_sql(ty, out)
    }
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Unfit> {
        match *ty {
            Type::INT8 => i64::from_sql(ty, raw).map(Self::Int),
            Type::INT4 => i32::from_sql(ty, raw).map(|value| Self::Int(i64::from(value))),
            Type::BOOL => bool::from_sql(ty, raw).map(Self::from),
            Type::BYTEA => Vec::from_sql(ty, raw).map(Self::Bytes),
            _ => String::from_sql(ty, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Unfit> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        Self::accepts_column(ty)
    }
}

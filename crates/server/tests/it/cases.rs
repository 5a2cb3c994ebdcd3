//! One case, one or two databases.

/// Makes a test on SQLite of every function named, which takes a `&mut TestServer`.
macro_rules! on_sqlite {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test]
            fn $case() {
                testkit::run(&testkit::sqlite(), super::$case);
            })+
        }
    };
}

/// Makes a test on PostgreSQL of every function named.
macro_rules! on_postgres {
    ($($case:ident),+ $(,)?) => {
        mod on_postgres {
            $(#[test]
            fn $case() {
                if let Some(database) = testkit::postgres() {
                    testkit::run(&database, super::$case);
                }
            })+
        }
    };
}

/// Makes a test on each database of every function named.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod on_both {
            use super::{$($case),+};
            on_sqlite!($($case),+);
            on_postgres!($($case),+);
        }
    };
}

//! The optional query of lists: `limit` and `cursor` (extension; no published client sends them).
//!
//! Without them a list is answered whole, as clients expect.

use crate::Problem;
use crate::fields::invalid;

/// The most that one page holds.
const MAX_LIMIT: u16 = 1_000;

/// The longest cursor that is read, in bytes.
const MAX_CURSOR_BYTES: usize = 256;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageQuery {
    /// How many rows, 1 to 1000; `None` asks for all.
    pub limit: Option<u16>,
    /// The `next_cursor` of the page before, as it was given; opaque here.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Reads the decoded pairs of a query string; unknown names are ignored.
    ///
    /// # Errors
    ///
    /// [`Problem::InvalidParameter`] for a limit that is not 1 to 1000 and for a cursor that no
    /// server gave.
    pub fn from_pairs<'a, I>(pairs: I) -> Result<Self, Problem>
    where
        I: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let mut query = Self::default();
        for (name, value) in pairs {
            match name {
                "limit" => query.limit = Some(limit(value)?),
                "cursor" if value.is_empty() => query.cursor = None,
                "cursor" if value.len() > MAX_CURSOR_BYTES => {
                    return Err(invalid(
                        "cursor",
                        "it must be the next_cursor of another page",
                    ));
                }
                "cursor" => query.cursor = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(query)
    }
}

fn limit(value: &str) -> Result<u16, Problem> {
    value
        .parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| invalid("limit", "it must be an integer from 1 to 1000"))
}

#[cfg(test)]
mod tests {
    use super::PageQuery;

    #[test]
    fn without_a_query_the_whole_list_is_meant() {
        assert_eq!(
            PageQuery::from_pairs([("x", "y")]),
            Ok(PageQuery::default())
        );
    }

    #[test]
    fn a_limit_outside_its_range_and_a_strange_cursor_are_refused_by_name() {
        for value in ["0", "1001", "-1", "", "ten", "1.0", "99999999999"] {
            let problem = PageQuery::from_pairs([("limit", value)]).expect_err(value);
            assert_eq!(problem.parameter(), Some("limit"));
        }
        let long = "x".repeat(257);
        let problem = PageQuery::from_pairs([("cursor", long.as_str())]).expect_err("too long");
        assert_eq!(problem.parameter(), Some("cursor"));
    }

    #[test]
    fn limit_and_cursor_are_read() {
        let query = PageQuery::from_pairs([("limit", "1000"), ("cursor", "abc")]);
        let expected = PageQuery {
            limit: Some(1_000),
            cursor: Some("abc".to_owned()),
        };
        assert_eq!(query, Ok(expected));
    }
}

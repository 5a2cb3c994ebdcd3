//! Query parameters, found in any letter case as in ASP.NET Core.
//!
//! Tokens travel in queries, so `Debug` shows names only.

/// The decoded query of a request.
#[derive(Clone, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
        Self { pairs }
    }

    /// The first value of that name, in any letter case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Every name and value, in the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Without the parameters that open a connection: `id` and `access_token`.
    pub(crate) fn without_secrets(mut self) -> Self {
        self.pairs.retain(|(key, _)| {
            !key.eq_ignore_ascii_case("id") && !key.eq_ignore_ascii_case("access_token")
        });
        self
    }
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.pairs.iter().map(|(key, _)| key))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_letter_case_and_values_decoded() {
        let query = Query::parse(Some("Data=string&x=a%20b+c&flag"));
        assert_eq!(query.get("data"), Some("string"));
        assert_eq!(query.get("X"), Some("a b c"));
        assert_eq!(query.get("flag"), Some(""));
        assert_eq!(query.get("absent"), None);
    }

    #[test]
    fn secrets_are_neither_kept_nor_shown() {
        let query = Query::parse(Some("Id=s1&ACCESS_TOKEN=s2&data=s3"));
        assert!(!format!("{query:?}").contains("s3"));
        let kept = query.without_secrets();
        assert_eq!(kept.iter().collect::<Vec<_>>(), [("data", "s3")]);
    }
}

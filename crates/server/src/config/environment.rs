//! Environment variables as configuration: `LEYDEN_SECTION__KEY`.
//!
//! The only place that reads the environment. Values are read as TOML when they are TOML, otherwise as text.

/// What every variable begins with.
const PREFIX: &str = "LEYDEN_";

/// Variables of ours that are no configuration.
const OTHERS: [&str; 6] = [
    "LEYDEN_LOG",
    "LEYDEN_CONFIG",
    "LEYDEN_ADMIN_TOKEN",
    "LEYDEN_API_URL",
    "LEYDEN_DATA_DIR",
    "LEYDEN_SOAK_SECONDS",
];

/// The variables that are set, as a table to lay over the file.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub(super) fn overrides() -> toml::Table {
    table(std::env::vars())
}

fn table(variables: impl Iterator<Item = (String, String)>) -> toml::Table {
    let mut table = toml::Table::new();
    for (name, value) in variables {
        let is_ours = !OTHERS.contains(&name.as_str()) && !name.starts_with("LEYDEN_TEST_");
        let Some(path) = name.strip_prefix(PREFIX).filter(|_| is_ours) else {
            continue;
        };
        let path = path.to_ascii_lowercase();
        match path.split_once("__") {
            Some((section, key)) => {
                let section = table
                    .entry(section.to_owned())
                    .or_insert_with(|| toml::Value::Table(toml::Table::new()));
                if let toml::Value::Table(section) = section {
                    section.insert(key.to_owned(), read(&value));
                }
            }
            None => {
                table.insert(path, read(&value));
            }
        }
    }
    table
}

/// A number, a boolean or a list as TOML writes it; anything else is text.
fn read(value: &str) -> toml::Value {
    let parsed: Option<toml::Table> = toml::from_str(&format!("value = {value}")).ok();
    parsed
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_its_section_and_key() {
        let variables = [
            ("LEYDEN_SERVER__LISTEN", "127.0.0.1:1"),
            ("LEYDEN_FEES__WITHDRAWAL_BPS", "50"),
            ("LEYDEN_NETWORK", "signet"),
            ("LEYDEN_LOG", "debug"),
            ("LEYDEN_TEST_POSTGRES_URL", "x"),
            ("HOME", "/root"),
        ];
        let table = table(
            variables
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        );
        let expected: toml::Table = toml::from_str(
            "network = \"signet\"\n[server]\nlisten = \"127.0.0.1:1\"\n[fees]\nwithdrawal_bps = 50",
        )
        .expect("TOML");
        assert_eq!(table, expected);
    }
}

//! Words that must not reach the main branch: notes to self, and places outside the checkout.
//! The list is put together at run time so that it does not find itself.

use crate::tree::{FILES, File, assert_none};

struct Banned {
    word: String,
    /// Found only where no letter or digit touches it.
    whole: bool,
}

fn list() -> Vec<Banned> {
    let word = |parts: [&str; 2], whole| Banned {
        word: parts.concat(),
        whole,
    };
    vec![
        word(["FIX", "ME"], true),
        word(["XX", "X"], true),
        word(["bash_", "jobs"], false),
        word(["../", "shared"], false),
        word(["/work/", "shared"], false),
    ]
}

fn stands_alone(line: &str, start: usize, word: &str) -> bool {
    let touches = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
    let end = start + word.len();
    !touches(line[..start].chars().next_back()) && !touches(line[end..].chars().next())
}

fn violations(files: &[File]) -> Vec<String> {
    let list = list();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.extension() != "lock") {
        for (index, line) in file.text.lines().enumerate() {
            for Banned { word, whole } in &list {
                let hit = line
                    .match_indices(word)
                    .any(|(start, _)| !whole || stands_alone(line, start, word));
                if hit {
                    found.push(format!("{}:{}: {word}", file.path, index + 1));
                }
            }
        }
    }
    found
}

#[test]
fn no_banned_word_is_in_the_tree() {
    assert_none("Do it now, or write an issue.", &violations(&FILES));
}

#[test]
fn every_word_of_the_list_is_found_and_parts_of_words_are_not() {
    for Banned { word, .. } in list() {
        let text = format!("fine\n// {word}: later\n");
        assert_eq!(
            violations(&[File::example("a.md", &text)]),
            [format!("a.md:2: {word}")]
        );
    }
    let longer = format!("mktemp a.{}", "X".repeat(6));
    assert_eq!(violations(&[File::example("a", &longer)]).len(), 0);
}

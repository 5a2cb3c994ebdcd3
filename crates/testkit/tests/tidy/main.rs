//! The project's own rules as tests: what a reviewer would otherwise say again and again. One rule a
//! file, with the tests that show it failing beside it. Nothing here may change a file. Rules about
//! what a function calls are clippy's (`clippy.toml`).

mod arrows;
mod banned_crates;
mod banned_macros;
mod banned_words;
mod changelog;
mod dead_files;
mod empty_tests;
mod file_kinds;
mod file_length;
mod function_length;
mod licences;
mod line_length;
mod migrations;
mod module_docs;
mod names;
mod packages;
mod rust_code;
mod sql_parameters;
mod tree;

//! Builds the binary again when the console was built again: it carries the console's files.

fn main() {
    println!("cargo:rerun-if-changed=../../console/dist");
}

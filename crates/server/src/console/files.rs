//! The files of the console as they were when the binary was built.

use std::borrow::Cow;

use rust_embed::RustEmbed;

/// The page.
pub const INDEX: &str = "index.html";

#[derive(RustEmbed)]
#[folder = "../../console/dist"]
#[allow_missing = true]
struct Dist;

/// A file.
pub struct File {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type.
    pub media_type: String,
}

/// The file at `path`, if there is one.
pub fn file(path: &str) -> Option<File> {
    let found = Dist::get(path)?;
    Some(File {
        media_type: found.metadata.mimetype().to_owned(),
        bytes: found.data,
    })
}

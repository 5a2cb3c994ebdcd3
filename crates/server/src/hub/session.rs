//! Who is connected: the API key of a connection, and the form in which it wants its events.
//!
//! The hub's user is the key and the form together, so that an event is written once for each form and reaches
//! every connection of the key.

use payments::ids::ApiKeyId;
use signalr_server::{AuthRequest, Caller, Unauthorized, User};
use wire::hercle::DataFormat;

use crate::app::App;
use crate::http::client_address;
use crate::identity::{Identity, identify};

/// What a connection stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    /// Whom it speaks for.
    pub(super) identity: Identity,
    /// How it reads `data`.
    pub(super) format: DataFormat,
    /// The last event that it has seen, where it wants those after it, and numbers.
    pub(super) after: Option<i64>,
}

/// Recognises the API key of a connection.
pub(super) async fn authenticate(
    app: &App,
    request: &AuthRequest,
    default_format: DataFormat,
) -> Result<Option<User>, Unauthorized> {
    let token = request.token().ok_or(Unauthorized)?;
    let address = client_address::of(request.extensions());
    let identity = identify(app, token, address)
        .await
        .map_err(|_| Unauthorized)?;
    let format = match request.query("data") {
        Some("string") => DataFormat::String,
        Some("object") => DataFormat::Object,
        _ => default_format,
    };
    let after = request.query("after").map(str::parse).transpose();
    let after = after.map_err(|_| Unauthorized)?;
    let session = Session {
        identity,
        format,
        after,
    };
    let user = match after {
        None => user_id(identity.api_key_id, format),
        Some(_) => numbered(identity.api_key_id, format),
    };
    Ok(Some(User::new(user).with_claims(session)))
}

/// The group of a key's connections of one form that want numbers and have seen what was before them. It is the name
/// of their user as well, to whom nothing is sent: they do not hear of now before they have heard of then.
pub(super) fn numbered(key: ApiKeyId, format: DataFormat) -> String {
    format!("{}/numbered", user_id(key, format))
}

/// The hub's user for a key's connections of one form.
pub(super) fn user_id(key: ApiKeyId, format: DataFormat) -> String {
    match format {
        DataFormat::Object => format!("{key}/object"),
        DataFormat::String => format!("{key}/string"),
    }
}

/// The session of a caller; `None` only if the hub let somebody in without one.
pub(super) fn of(caller: &Caller) -> Option<Session> {
    caller.user()?.claims::<Session>().copied()
}

//! A small HTTP client: one call, one answer, and nothing that follows or repeats.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::patience::PATIENCE;

pub(crate) type Http = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn http() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

/// A call that is being put together.
pub struct Call {
    http: Http,
    request: Request<Full<Bytes>>,
}

impl Call {
    pub(crate) fn new(http: Http, method: Method, url: &str) -> Self {
        let request = Request::builder().method(method).uri(url);
        let request = request.body(Full::default()).expect("a path of a test");
        Self { http, request }
    }

    /// With `Authorization: Bearer <key>`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header(header::AUTHORIZATION.as_str(), &format!("Bearer {key}"))
    }

    /// With a header.
    ///
    /// # Panics
    /// For what is no header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header's name");
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.request.headers_mut().insert(name, value);
        self
    }

    /// With a body as it is.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = Full::new(body.into());
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Sends it.
    ///
    /// # Panics
    /// When there is no answer in time.
    pub async fn send(self) -> Answer {
        let exchange = async {
            let response = self.http.request(self.request).await.expect("an answer");
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("a whole answer").to_bytes();
            Answer {
                status: parts.status.as_u16(),
                headers: parts.headers,
                body,
            }
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("an answer in time")
    }
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not, or does not say so.
    #[must_use]
    pub fn json(&self) -> Value {
        let kind = self.headers.get(header::CONTENT_TYPE);
        assert_eq!(
            kind.map(HeaderValue::as_bytes),
            Some(&b"application/json"[..]),
            "{self:?}"
        );
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The `data` of a success with this status, whose envelope is checked.
    ///
    /// # Panics
    /// For any other answer.
    pub fn data(&self, status: u16) -> Value {
        let mut body = self.json();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(body["status"], status, "{body}");
        assert!(body["message"].is_string(), "{body}");
        body["data"].take()
    }

    /// The status and code of an error, whose envelope is checked: a status, a message, and no data.
    ///
    /// # Panics
    /// For a success, and for an error of another shape.
    pub fn problem(&self) -> (u16, String) {
        let body = self.json();
        assert!(self.status >= 400, "{body}");
        assert_eq!(body["status"], self.status, "{body}");
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{body}"
        );
        assert_eq!(body.get("data"), None, "{body}");
        let code = body["code"].as_str().expect("a code");
        (self.status, code.to_owned())
    }

    /// The message of a success or of an error.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }
}

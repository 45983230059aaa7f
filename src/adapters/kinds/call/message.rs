//! What is sent, and what comes back.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use crate::adapters::words;
use crate::domain::conflict::Operation;
use crate::domain::ensure::Failure;

/// Names under which services tell their request id, the first that is there counts: Graph,
/// Storage and Resource Manager, Cosmos DB, Kudu.
const REQUEST_IDS: [HeaderName; 4] = [
    HeaderName::from_static("request-id"),
    HeaderName::from_static("x-ms-request-id"),
    HeaderName::from_static("x-ms-activity-id"),
    HeaderName::from_static("scm-deployment-id"),
];

/// A request.
pub struct Request {
    pub(super) operation: Operation,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    pub(super) by_id: bool,
}

impl Request {
    /// A request without body.
    pub fn new(operation: Operation, method: Method, url: Url) -> Self {
        Self {
            operation,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            by_id: false,
        }
    }

    /// The address names the thing by its id: a plain 404 proves that it is not there.
    #[must_use]
    pub fn by_id(self) -> Self {
        Self {
            by_id: true,
            ..self
        }
    }

    /// One more header. A value that no header may carry is left out: the service then refuses
    /// what it misses.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// One more header whose name is not known beforehand, such as metadata. One that cannot be
    /// written is left out.
    #[must_use]
    pub fn named_header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    /// With a body of another type.
    #[must_use]
    pub fn bytes(mut self, kind: &'static str, body: Vec<u8>) -> Self {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        self.body = Some(body);
        self
    }
}

/// A successful answer.
pub struct Reply {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Vec<u8>,
    /// The service's request id.
    pub request_id: Option<String>,
}

impl Reply {
    /// The text of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`Failure::NoReply`]: it says success and cannot be read, so a write may have been done.
    pub fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| Failure::NoReply {
            words: format!("its body is no JSON: {error}"),
        })
    }
}

/// The service's request id.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = REQUEST_IDS.iter().find_map(|name| headers.get(name))?;
    Some(words::printable(value.to_str().ok()?, 128)).filter(|text| !text.is_empty())
}

//! One call of a service: token, send once, read within bounds, say what a failure means.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::adapters::graph::links;
use crate::adapters::identity::{TokenError, Tokens};
use crate::adapters::loopback::is_loopback;
use crate::adapters::outgoing::{Outgoing, chain, never_left};
use crate::adapters::words;
use crate::domain::conflict::{Answer, Operation, Service};
use crate::domain::ensure::Failure;
use crate::domain::ids::TenantId;

/// Longest exchange, from the first byte sent to the last byte read. Graph's gateway gives up
/// after a minute at most; a shorter limit of ours would manufacture unknown outcomes.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Most bytes of an answer. Cosmos DB's largest page has 4 MiB; others stay below.
pub const BODY: usize = 8 * 1024 * 1024;

/// Names under which services tell their request id, the first that is there counts: Graph,
/// Storage and Resource Manager, Cosmos DB, Kudu.
const REQUEST_IDS: [HeaderName; 4] = [
    HeaderName::from_static("request-id"),
    HeaderName::from_static("x-ms-request-id"),
    HeaderName::from_static("x-ms-activity-id"),
    HeaderName::from_static("scm-deployment-id"),
];

/// Gives the token for one service.
#[async_trait]
pub trait Bearer: Send + Sync {
    /// A token, valid for some minutes at least.
    ///
    /// # Errors
    /// By what the caller must do next.
    async fn token(&self) -> Result<SecretString, TokenError>;

    /// The service answered 401: a kept token should not be used for ever.
    fn refused(&self) {}
}

/// Always the same token: for simulators, and where a person pasted one.
pub struct FixedBearer(pub SecretString);

#[async_trait]
impl Bearer for FixedBearer {
    async fn token(&self) -> Result<SecretString, TokenError> {
        Ok(self.0.clone())
    }
}

/// The token of one tenant from a source of tokens.
pub struct TenantBearer {
    /// The source; its tokens are for the service that is called.
    pub tokens: Arc<dyn Tokens>,
    /// The tenant.
    pub tenant: TenantId,
}

#[async_trait]
impl Bearer for TenantBearer {
    async fn token(&self) -> Result<SecretString, TokenError> {
        let token = self.tokens.token(&self.tenant).await?;
        Ok(SecretString::from(token.expose().to_owned()))
    }

    fn refused(&self) {
        self.tokens.refused(&self.tenant);
    }
}

/// How a token is written into `Authorization`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// `Bearer …`
    Bearer,
    /// `type=aad&ver=1.0&sig=…`, percent-encoded as a whole: Cosmos DB's data plane
    /// (<https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources>).
    CosmosAad,
    /// Not into a header at all: it is a shared access signature, the query of every address
    /// (<https://learn.microsoft.com/rest/api/storageservices/create-service-sas>).
    Query,
}

impl Scheme {
    /// The value of `Authorization`, if there is to be one.
    fn header(self, token: &SecretString) -> Result<Option<HeaderValue>, Failure> {
        let token = token.expose_secret();
        let text = match self {
            Self::Query => return Ok(None),
            Self::Bearer => format!("Bearer {token}"),
            Self::CosmosAad => {
                let plain = format!("type=aad&ver=1.0&sig={token}");
                url::form_urlencoded::byte_serialize(plain.as_bytes()).collect()
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| Failure::NotSent {
            words: "the token holds characters that no header may carry".into(),
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The address with what it must carry.
    fn address(self, mut url: Url, token: &SecretString) -> Url {
        if self == Self::Query {
            let signature = token.expose_secret().trim_start_matches('?');
            let query = match url.query() {
                Some(own) if !own.is_empty() => format!("{own}&{signature}"),
                _ => signature.to_owned(),
            };
            url.set_query(Some(&query));
        }
        url
    }
}

/// Why a line to a service cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Plain HTTP carries the token in the open.
    #[error("{0} is not https; plain http is taken for this machine only")]
    Plain(Url),
    /// It has a query, a user name or no path to append to.
    #[error("{0} is no root of a service: it must be https://host[/path], without user and query")]
    NoRoot(Url),
}

/// The way to one service.
pub struct Line {
    outgoing: Outgoing,
    base: Url,
    service: Service,
    bearer: Arc<dyn Bearer>,
    scheme: Scheme,
    limit: Duration,
}

impl Line {
    /// A way to the service below `base`; nothing is opened yet.
    ///
    /// # Errors
    /// Where the address is unfit.
    pub fn new(base: Url, service: Service, bearer: Arc<dyn Bearer>) -> Result<Self, LineError> {
        if base.scheme() != "https" && !(base.scheme() == "http" && is_loopback(&base)) {
            return Err(LineError::Plain(base));
        }
        let bare = base.query().is_none() && base.fragment().is_none();
        let nobody = base.username().is_empty() && base.password().is_none();
        if base.cannot_be_a_base() || !bare || !nobody {
            return Err(LineError::NoRoot(base));
        }
        Ok(Self {
            outgoing: Outgoing::to(&base),
            base,
            service,
            bearer,
            scheme: Scheme::Bearer,
            limit: LIMIT,
        })
    }

    /// The same with another way to write the token.
    #[must_use]
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// The same with another limit for each exchange.
    #[must_use]
    pub fn answered_within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The service's root.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The address of what the segments name below the root; each is percent-encoded.
    pub fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Reads a nextLink: only at this service's origin and below its root.
    ///
    /// # Errors
    /// Says in words why it is not followed.
    pub fn next_page(&self, link: &str) -> Result<Url, &'static str> {
        links::next_page(&self.base, link)
    }

    /// Sends a request once and reads its answer.
    ///
    /// # Errors
    /// Everything but a status of 200 to 299, by what follows from it. A body that is longer
    /// than [`BODY`] or breaks off is [`Failure::NoReply`]: a write may have been done.
    ///
    /// # Cancellation
    /// Dropped after it was sent, the outcome of a write is unknown.
    pub async fn call(&self, request: Request) -> Result<Reply, Failure> {
        let deadline = Instant::now() + self.limit;
        let token = self.token(deadline).await?;
        let (operation, by_id) = (request.operation, request.by_id);
        let answer = self.exchange(request, token, deadline).await?;
        if (200..300).contains(&answer.status) {
            return match answer.torn {
                None => Ok(answer.reply()),
                Some(words) => Err(Failure::NoReply { words }),
            };
        }
        if answer.status == 401 {
            self.bearer.refused();
        }
        let headers: Vec<(&str, &str)> = answer
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let said = Answer {
            service: self.service,
            operation,
            status: answer.status,
            headers: &headers,
            body: &answer.body,
        };
        Err(Failure::of(&said, by_id, request_id(&answer.headers)))
    }

    async fn token(&self, deadline: Instant) -> Result<SecretString, Failure> {
        let token = timeout_at(deadline, self.bearer.token()).await;
        match token {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(TokenError::Denied { why })) => Err(Failure::Unauthorised {
                words: why,
                request_id: None,
            }),
            Ok(Err(TokenError::Unavailable { why, .. })) => Err(Failure::NotSent { words: why }),
            Err(_) => Err(Failure::NotSent {
                words: format!("no token within {} s", self.limit.as_secs()),
            }),
        }
    }

    async fn exchange(
        &self,
        request: Request,
        token: SecretString,
        deadline: Instant,
    ) -> Result<Raw, Failure> {
        let client = self.outgoing.client().map_err(|why| Failure::NotSent {
            words: why.to_owned(),
        })?;
        let mut headers = request.headers;
        if let Some(value) = self.scheme.header(&token)? {
            headers.insert(AUTHORIZATION, value);
        }
        let url = self.scheme.address(request.url, &token);
        let mut sent = client.request(request.method, url).headers(headers);
        if let Some(body) = request.body {
            sent = sent.body(body);
        }
        let mut response = match timeout_at(deadline, sent.send()).await {
            Err(_) => {
                let words = format!("no answer within {} s", self.limit.as_secs());
                return Err(Failure::NoReply { words });
            }
            Ok(Err(error)) if never_left(&error) => {
                let words = chain(&error);
                return Err(Failure::NotSent { words });
            }
            Ok(Err(error)) => {
                let words = chain(&error);
                return Err(Failure::NoReply { words });
            }
            Ok(Ok(response)) => response,
        };
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        let torn = loop {
            match timeout_at(deadline, response.chunk()).await {
                Err(_) => break Some("its body did not end in time".to_owned()),
                Ok(Err(error)) => break Some(format!("its body broke off: {}", chain(&error))),
                Ok(Ok(None)) => break None,
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > BODY => {
                    break Some(format!("its body has more than {BODY} bytes"));
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            }
        };
        Ok(Raw {
            status,
            headers,
            body,
            torn,
        })
    }
}

/// An answer as it came.
struct Raw {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    torn: Option<String>,
}

impl Raw {
    fn reply(self) -> Reply {
        Reply {
            status: self.status,
            request_id: request_id(&self.headers),
            headers: self.headers,
            body: self.body,
        }
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = REQUEST_IDS.iter().find_map(|name| headers.get(name))?;
    Some(words::printable(value.to_str().ok()?, 128)).filter(|text| !text.is_empty())
}

/// A request.
pub struct Request {
    operation: Operation,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    by_id: bool,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(base: &str) -> Result<Line, LineError> {
        let bearer = Arc::new(FixedBearer("secret".into()));
        Line::new(Url::parse(base).unwrap(), Service::Bookings, bearer)
    }

    #[test]
    fn a_token_travels_over_tls_or_stays_on_this_machine() {
        assert!(line("https://graph.example/v1.0").is_ok());
        assert!(line("http://127.0.0.1:9/").is_ok());
        assert!(matches!(
            line("http://graph.example/"),
            Err(LineError::Plain(_))
        ));
        assert!(matches!(
            line("https://a@graph.example/"),
            Err(LineError::NoRoot(_))
        ));
        assert!(matches!(
            line("https://graph.example/?a"),
            Err(LineError::NoRoot(_))
        ));
    }

    #[test]
    fn a_segment_stays_a_segment() {
        let url = line("https://graph.example/v1.0/")
            .unwrap()
            .at(&["a/b", "c d"]);
        assert_eq!(url.as_str(), "https://graph.example/v1.0/a%2Fb/c%20d");
    }

    #[test]
    fn the_token_of_cosmos_is_encoded_as_a_whole() {
        let value = Scheme::CosmosAad.header(&"ey.J-1".into());
        let value = value.unwrap().unwrap();
        assert_eq!(
            value.to_str().unwrap(),
            "type%3Daad%26ver%3D1.0%26sig%3Dey.J-1"
        );
        assert!(value.is_sensitive());
    }

    #[test]
    fn a_signature_is_the_query_and_no_header() {
        let url = |text: &str| Url::parse(text).unwrap();
        let signed = Scheme::Query.address(url("https://a.example/b?comp=lease"), &"?sig=x".into());
        assert_eq!(signed.as_str(), "https://a.example/b?comp=lease&sig=x");
        let plain = Scheme::Bearer.address(url("https://a.example/b"), &"x".into());
        assert_eq!(plain.as_str(), "https://a.example/b");
        assert!(Scheme::Query.header(&"sig=x".into()).unwrap().is_none());
    }
}

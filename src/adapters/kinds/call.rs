//! One call of a service: token, send once, read within bounds, say what a failure means.

mod bearer;
mod message;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::message::request_id;
use crate::adapters::graph::links;
use crate::adapters::identity::TokenError;
use crate::adapters::loopback::is_loopback;
use crate::adapters::outgoing::{Outgoing, chain, never_left};
use crate::domain::conflict::{Answer, Service};
use crate::domain::ensure::Failure;

pub use bearer::{Bearer, FixedBearer, Scheme, TenantBearer};
pub use message::{Reply, Request};

/// Longest exchange, from the first byte sent to the last byte read. Graph's gateway gives up
/// after a minute at most; a shorter limit of ours would manufacture unknown outcomes.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Most bytes of an answer. Cosmos DB's largest page has 4 MiB; others stay below.
pub const BODY: usize = 8 * 1024 * 1024;

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

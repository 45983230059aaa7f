//! One of the two collections of people: lists with all their pages, and calls by id.

use reqwest::Method;
use serde_json::{Map, Value};
use url::Url;

use crate::adapters::kinds::call::{Line, Reply, Request};
use crate::domain::conflict::Operation;
use crate::domain::ensure::{Failure, HolderId, Token, Told};

/// Most pages of one list; more make it incomplete.
const PAGES: usize = 1_000;

/// A collection of one business.
pub(super) struct People {
    line: Line,
    business: String,
    /// `staffMembers` or `customers`.
    collection: &'static str,
    /// Its `@odata.type`.
    kind: &'static str,
}

/// All rows that could be had.
pub(super) struct Listed {
    pub rows: Vec<Map<String, Value>>,
    pub missing: Option<String>,
    pub request_id: Option<String>,
}

impl People {
    pub fn new(line: Line, business: &str, collection: &'static str, kind: &'static str) -> Self {
        Self {
            line,
            business: business.to_owned(),
            collection,
            kind,
        }
    }

    fn url(&self, id: Option<&str>) -> Url {
        let mut segments = vec![
            "solutions",
            "bookingBusinesses",
            self.business.as_str(),
            self.collection,
        ];
        segments.extend(id);
        self.line.at(&segments)
    }

    /// All pages. A page after the first that cannot be had makes the list incomplete.
    pub async fn list(&self) -> Result<Listed, Failure> {
        let mut listed = Listed {
            rows: Vec::new(),
            missing: None,
            request_id: None,
        };
        let mut next = Some(self.url(None));
        let mut pages = 0;
        while let Some(url) = next.take() {
            let asked = Request::new(Operation::Read, Method::GET, url);
            let read = match self.line.call(asked).await {
                Ok(reply) => reply.json().map(|page| (page, reply.request_id)),
                Err(failure) => Err(failure),
            };
            let (page, request_id) = match read {
                Ok(read) => read,
                Err(failure) if pages == 0 => return Err(failure),
                Err(failure) => {
                    listed.missing =
                        Some(format!("page {} could not be had: {failure}", pages + 1));
                    break;
                }
            };
            pages += 1;
            listed.request_id = request_id;
            match listed.take(page, &self.line) {
                Ok(link) if pages < PAGES => next = link,
                Ok(None) => {}
                Ok(Some(_)) => listed.missing = Some(format!("it has more than {PAGES} pages")),
                Err(why) => listed.missing = Some(why.to_owned()),
            }
        }
        Ok(listed)
    }

    /// One by id.
    pub async fn read(&self, id: &HolderId) -> Result<Told<Option<Map<String, Value>>>, Failure> {
        let asked = Request::new(Operation::Read, Method::GET, self.url(Some(id.as_str())));
        match self.line.call(asked.by_id()).await {
            Ok(reply) => {
                let row = object(&reply)?;
                Ok(Told::by(Some(row), reply.request_id))
            }
            Err(Failure::Gone { request_id }) => Ok(Told::by(None, request_id)),
            Err(failure) => Err(failure),
        }
    }

    /// A new one. The token goes along for the service's logs: Graph does nothing else with it.
    pub async fn create(
        &self,
        properties: Map<String, Value>,
        token: &Token,
    ) -> Result<Told<Map<String, Value>>, Failure> {
        let asked = Request::new(Operation::Create, Method::POST, self.url(None))
            .header("client-request-id", token.as_str())
            .json(&self.typed(properties));
        let reply = self.line.call(asked).await?;
        Ok(Told::by(object(&reply)?, reply.request_id))
    }

    /// A change of some properties. It is answered by 204 without content.
    pub async fn update(
        &self,
        id: &HolderId,
        properties: Map<String, Value>,
    ) -> Result<Told<()>, Failure> {
        let url = self.url(Some(id.as_str()));
        let asked = Request::new(Operation::Update, Method::PATCH, url)
            .by_id()
            .json(&self.typed(properties));
        let reply = self.line.call(asked).await?;
        Ok(Told::by((), reply.request_id))
    }

    /// The end of one.
    pub async fn delete(&self, id: &HolderId) -> Result<Told<()>, Failure> {
        let url = self.url(Some(id.as_str()));
        let asked = Request::new(Operation::Delete, Method::DELETE, url).by_id();
        let reply = self.line.call(asked).await?;
        Ok(Told::by((), reply.request_id))
    }

    fn typed(&self, mut properties: Map<String, Value>) -> Value {
        properties.insert("@odata.type".into(), self.kind.into());
        Value::Object(properties)
    }
}

impl Listed {
    /// Takes the rows of a page; answers with the address of the next.
    fn take(&mut self, page: Value, line: &Line) -> Result<Option<Url>, &'static str> {
        let Value::Object(mut page) = page else {
            return Err("a page is no object");
        };
        let Some(Value::Array(rows)) = page.remove("value") else {
            return Err("a page has no rows");
        };
        for row in rows {
            match row {
                Value::Object(row) => self.rows.push(row),
                _ => return Err("a row is no object"),
            }
        }
        match page.get("@odata.nextLink") {
            None | Some(Value::Null) => Ok(None),
            Some(link) => line.next_page(link.as_str().unwrap_or_default()).map(Some),
        }
    }
}

fn object(reply: &Reply) -> Result<Map<String, Value>, Failure> {
    match reply.json()? {
        Value::Object(row) if row.get("id").is_some_and(Value::is_string) => Ok(row),
        _ => Err(Failure::NoReply {
            words: "the answer is no person with an id".into(),
        }),
    }
}

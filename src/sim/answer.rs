//! Answers, down to their bytes: both doors send or read exactly these.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::arrival::Arrival;
use super::exchange::{Exchange, Sim};
use super::faults::Effect;
use super::refusal::Refusal;
use super::request::{Op, Request};
use super::row::{Row, Shown};
use super::service::Page;
use super::settings::Settings;

/// An answer, down to its bytes.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Date`.
    pub date: Timestamp,
    /// `request-id`.
    pub request_id: String,
    /// `client-request-id`.
    pub client_request_id: String,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// The body; empty for 204.
    pub body: Vec<u8>,
    /// What a success holds.
    pub content: Content,
}

impl Answer {
    /// The value of `Date`: callers correct their own clock by it.
    pub fn http_date(&self) -> String {
        http_date(self.date)
    }
}

/// A moment as HTTP writes it; empty beyond the years that it can write.
pub(super) fn http_date(moment: Timestamp) -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&moment)
        .unwrap_or_default()
}

/// What an answer holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// A row.
    Row(Box<Row>),
    /// A page of rows and the address of the next.
    Page(Vec<Row>, Option<String>),
    /// Success without content.
    Done,
    /// A refusal.
    Refused(Refusal),
    /// Bytes of a test's choice, with a success status.
    Garbled,
}

pub(super) fn page_content(page: Page, request: &Request, fault: Option<&Effect>) -> Content {
    let Page { mut rows, next } = page;
    let link = |token: &str| format!("{}/subscriptions?$skiptoken={token}", request.base);
    let mut next = next.map(|token| link(&token));
    match fault {
        Some(Effect::HideRow) if !rows.is_empty() => {
            rows.remove(0);
        }
        Some(Effect::EmptyPage) => {
            // The link must lead to the rows that are not shown here.
            let here = request
                .skiptoken
                .clone()
                .unwrap_or_else(|| "YWZ0ZXI6MA".into());
            (rows, next) = (Vec::new(), Some(link(&here)));
        }
        Some(Effect::NextLink { url }) => next = Some(url.clone()),
        _ => {}
    }
    Content::Page(rows, next)
}

/// Renders an outcome, and closes the call in the log.
pub(super) fn answer(
    sim: &Sim,
    request: &Request,
    arrival: &Arrival,
    outcome: Result<Content, Refusal>,
) -> Exchange {
    let client_request_id = request
        .client_request_id
        .clone()
        .unwrap_or_else(|| arrival.request_id.clone());
    let mut content = outcome.unwrap_or_else(Content::Refused);
    let answered = sim.with(|service, at| {
        let status = status_of(request.op, &content);
        let value = match &content {
            Content::Refused(refusal) => {
                Some(refusal.body(at.now, &arrival.request_id, &client_request_id))
            }
            other => success(request, other, &service.settings),
        };
        let mut body = value
            .map(|value| value.to_string().into_bytes())
            .unwrap_or_default();
        if let Some(Effect::Body { text }) = &arrival.fault {
            body = text.clone().into_bytes();
            content = Content::Garbled;
        }
        let (code, retry_after, location) = match &content {
            Content::Refused(refusal) => (
                Some(refusal.code.clone()),
                refusal.retry_after.clone(),
                refusal.location.clone(),
            ),
            _ => (None, None, None),
        };
        service
            .calls
            .close(arrival.number, request.op, Some(status), code);
        Answer {
            status,
            date: at.now,
            request_id: arrival.request_id.clone(),
            client_request_id,
            retry_after,
            location,
            body,
            content,
        }
    });
    tracing::info!(
        operation = request.op.as_str(), status = answered.status,
        request_id = %arrival.request_id, "answered {} with {}",
        request.op.as_str(), answered.status
    );
    Exchange::Answered(Box::new(answered))
}

fn status_of(op: Op, content: &Content) -> u16 {
    match content {
        Content::Refused(refusal) => refusal.status,
        Content::Done => 204,
        Content::Row(_) | Content::Page(..) | Content::Garbled => {
            if op == Op::Create {
                201
            } else {
                200
            }
        }
    }
}

fn success(request: &Request, content: &Content, settings: &Settings) -> Option<Value> {
    let context = format!("{}/$metadata#subscriptions", request.base);
    match content {
        Content::Row(row) => {
            let shown = match request.op {
                Op::Get => Shown::Read,
                _ => Shown::Written,
            };
            let mut whole = row.json(shown, &settings.answers);
            whole.insert("@odata.context".into(), format!("{context}/$entity").into());
            Some(Value::Object(whole))
        }
        Content::Page(rows, next) => {
            let rows: Vec<Value> = rows
                .iter()
                .map(|row| Value::Object(row.json(Shown::Listed, &settings.answers)))
                .collect();
            let mut whole = json!({ "@odata.context": context, "value": rows });
            if let Some(next) = next {
                whole["@odata.nextLink"] = next.clone().into();
            }
            Some(whole)
        }
        Content::Done | Content::Refused(_) | Content::Garbled => None,
    }
}

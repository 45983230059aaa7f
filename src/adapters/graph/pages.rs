//! A listing, page by page.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use url::Url;

use super::links;
use super::row;
use crate::domain::ids::SubscriptionId;
use crate::domain::subscription::Observed;
use crate::ports::graph::Listed;

/// How far a listing may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub pages: u32,
    pub rows: usize,
}

/// A listing as far as it was read.
pub(super) struct Listing {
    base: Url,
    bounds: Bounds,
    rows: Vec<Observed>,
    known: HashMap<SubscriptionId, usize>,
    links: HashSet<String>,
    pages: u32,
    incomplete: Option<String>,
}

/// What a page said beside its rows.
enum Next {
    Last,
    Link(String),
    Odd,
}

impl Listing {
    /// An empty listing that begins at `first`.
    pub(super) fn new(base: Url, first: &Url, bounds: Bounds) -> Self {
        Self {
            base,
            bounds,
            rows: Vec::new(),
            known: HashMap::new(),
            links: HashSet::from([first.as_str().to_owned()]),
            pages: 0,
            incomplete: None,
        }
    }

    /// Pages read so far.
    pub(super) fn pages(&self) -> u32 {
        self.pages
    }

    /// Takes a page in and answers where the next one is; `None` where the listing ends,
    /// complete or not.
    ///
    /// # Errors
    /// Where the body is no page at all: nothing of it is taken.
    pub(super) fn take(&mut self, body: &[u8]) -> Result<Option<Url>, &'static str> {
        let (rows, next) = page(body)?;
        self.pages = self.pages.saturating_add(1);
        for (at, row) in rows.iter().enumerate() {
            match row::read(row) {
                Ok(row) => self.add(row),
                Err(fault) => {
                    self.give_up(format!("row {} cannot be read: {fault}", at + 1));
                }
            }
        }
        if self.rows.len() > self.bounds.rows {
            self.rows.truncate(self.bounds.rows);
            self.give_up(format!("it has more than {} rows", self.bounds.rows));
        }
        let link = match next {
            Next::Last => return Ok(None),
            Next::Odd => {
                self.give_up("its nextLink is no text".into());
                return Ok(None);
            }
            Next::Link(link) => link,
        };
        Ok(self.follow(&link))
    }

    fn follow(&mut self, link: &str) -> Option<Url> {
        if self.incomplete.is_some() {
            return None;
        }
        match links::next_page(&self.base, link) {
            Err(why) => self.give_up(why.into()),
            Ok(_) if self.pages >= self.bounds.pages => {
                self.give_up(format!("it goes on after {} pages", self.pages));
            }
            Ok(url) if !self.links.insert(url.as_str().to_owned()) => {
                self.give_up("its nextLink was followed before".into());
            }
            Ok(url) => return Some(url),
        }
        None
    }

    /// Ends the listing short; the first reason stays.
    pub(super) fn give_up(&mut self, why: String) {
        let page = self.pages;
        self.incomplete
            .get_or_insert_with(|| format!("on page {page}: {why}"));
    }

    /// A row that moved from one page to the next while we read is one row, not a duplicate of
    /// itself. Where its two readings differ, the listing is of no single moment.
    fn add(&mut self, row: Observed) {
        match self.known.get(&row.id) {
            None => {
                self.known.insert(row.id.clone(), self.rows.len());
                self.rows.push(row);
            }
            Some(at) if self.rows[*at] == row => {}
            Some(_) => self.give_up(format!("the subscription {} stands there twice", row.id)),
        }
    }

    /// The listing, as the application sees it.
    pub(super) fn finish(self) -> Listed {
        Listed {
            rows: self.rows,
            incomplete: self.incomplete,
            pages: self.pages,
        }
    }
}

fn page(body: &[u8]) -> Result<(Vec<Value>, Next), &'static str> {
    let mut page = document(body)?;
    let page = page.as_object_mut().ok_or("the answer is no JSON object")?;
    if page.get("error").is_some_and(|error| !error.is_null()) {
        return Err("the answer says success and carries an error");
    }
    let next = match page.get("@odata.nextLink") {
        None | Some(Value::Null) => Next::Last,
        Some(Value::String(link)) => Next::Link(link.clone()),
        Some(_) => Next::Odd,
    };
    match page.remove("value") {
        Some(Value::Array(rows)) => Ok((rows, next)),
        _ => Err("the answer has no list of subscriptions"),
    }
}

/// Reads one subscription that stands alone in an answer.
///
/// # Errors
/// What is wrong with it, in words without its content.
pub(super) fn single(body: &[u8]) -> Result<Observed, String> {
    row::read(&document(body)?).map_err(|fault| format!("the answer cannot be read: {fault}"))
}

fn document(body: &[u8]) -> Result<Value, &'static str> {
    // Some of Microsoft's services begin their bodies with a byte order mark.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|_| "the answer is no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const BASE: &str = "https://graph.example/v1.0";

    fn row(id: &str, expires: &str) -> Value {
        json!({
            "id": id, "resource": "users/a/messages", "changeType": "created",
            "notificationUrl": "https://hooks.example/", "expirationDateTime": expires,
        })
    }

    fn listing(pages: u32, rows: usize) -> Listing {
        let base = Url::parse(BASE).unwrap();
        let first = Url::parse(&format!("{BASE}/subscriptions")).unwrap();
        Listing::new(base, &first, Bounds { pages, rows })
    }

    fn body(rows: &[Value], next: &Value) -> Vec<u8> {
        json!({ "value": rows, "@odata.nextLink": next })
            .to_string()
            .into_bytes()
    }

    fn link(token: &str) -> Value {
        json!(format!("{BASE}/subscriptions?$skiptoken={token}"))
    }

    const END: &str = "2030-01-02T03:04:05Z";

    #[test]
    fn pages_are_joined_in_order_and_empty_ones_are_no_end() {
        let mut listing = listing(10, 10);
        assert!(
            listing
                .take(&body(&[row("a", END)], &link("1")))
                .unwrap()
                .is_some()
        );
        assert!(listing.take(&body(&[], &link("2"))).unwrap().is_some());
        let last = [row("b", END), row("a", END)];
        assert!(listing.take(&body(&last, &Value::Null)).unwrap().is_none());
        let listed = listing.finish();
        let ids: Vec<_> = listed.rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!((ids, listed.pages), (vec!["a", "b"], 3));
        assert_eq!(listed.incomplete, None);
    }

    #[track_caller]
    fn check_incomplete(pages: &[Vec<u8>], rows: usize, reason: &str) {
        let mut listing = listing(3, 4);
        for (at, page) in pages.iter().enumerate() {
            let next = listing.take(page).unwrap();
            assert_eq!(next.is_some(), at + 1 < pages.len(), "page {at}");
        }
        let listed = listing.finish();
        let why = listed.incomplete.unwrap_or_default();
        assert!(why.contains(reason), "{why:?} has no {reason:?}");
        assert_eq!(listed.rows.len(), rows);
    }

    #[test]
    fn whatever_breaks_off_is_incomplete_and_keeps_its_rows() {
        let first = body(&[row("a", END)], &link("1"));
        let page = |next: &Value| body(&[row("b", END)], next);
        check_incomplete(&[first.clone(), page(&link("1"))], 2, "followed before");
        let start = json!(format!("{BASE}/subscriptions"));
        check_incomplete(&[page(&start)], 1, "followed before");
        let foreign = json!("https://evil.example/v1.0/subscriptions");
        check_incomplete(&[first.clone(), page(&foreign)], 2, "leads away");
        check_incomplete(&[page(&json!(5))], 1, "no text");
        check_incomplete(&[page(&json!(""))], 1, "no address");
        let third = body(&[], &link("3"));
        check_incomplete(
            &[first.clone(), page(&link("2")), third],
            2,
            "after 3 pages",
        );
        let unreadable = body(&[json!({"id": "x"}), row("b", END)], &link("2"));
        check_incomplete(&[first.clone(), unreadable], 2, "page 2: row 1");
        let moved = body(&[row("a", "2031-01-02T03:04:05Z")], &Value::Null);
        check_incomplete(&[first, moved], 1, "twice");
        let many: Vec<_> = (0..5).map(|at| row(&at.to_string(), END)).collect();
        check_incomplete(&[body(&many, &Value::Null)], 4, "more than 4 rows");
    }

    #[test]
    fn a_body_that_is_no_page_is_no_listing() {
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            "5",
            "<html>",
            r#"{"value":null}"#,
            r#"{"value":{}}"#,
            r#"{"value":[]"#,
            r#"{"value":[]}x"#,
            r#"{"error":{"code":"x"},"value":[]}"#,
        ] {
            let mut listing = listing(3, 4);
            assert!(listing.take(bad.as_bytes()).is_err(), "{bad}");
            assert_eq!(listing.pages(), 0);
        }
        assert!(listing(3, 4).take(b"\xef\xbb\xbf{\"value\":[]}").is_ok());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            Just(link("1")),
            Just(json!(END)),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            let key = prop_oneof![
                Just("value"),
                Just("@odata.nextLink"),
                Just("id"),
                Just("resource"),
                Just("changeType"),
                Just("notificationUrl"),
                Just("expirationDateTime"),
                Just("error"),
                Just("clientState"),
                Just("includeResourceData"),
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..8).prop_map(|fields| {
                    let named = fields
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value));
                    Value::Object(named.collect())
                }),
            ]
        })
    }

    /// A listing may call itself complete only where every element of `value` became a row.
    fn check_hostile(body: &[u8]) {
        let _ = single(body);
        let mut listing = listing(3, 1000);
        let Ok(next) = listing.take(body) else { return };
        let listed = listing.finish();
        if next.is_some() || listed.incomplete.is_some() {
            return;
        }
        let page: Value = serde_json::from_slice(body).unwrap();
        assert!(page.get("error").is_none_or(Value::is_null));
        assert!(page.get("@odata.nextLink").is_none_or(Value::is_null));
        let elements = page["value"].as_array().unwrap();
        for element in elements {
            let id = element["id"].as_str().unwrap();
            assert!(listed.rows.iter().any(|row| row.id.as_str() == id));
        }
        assert!(listed.rows.len() <= elements.len());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_become_a_complete_listing(body in prop::collection::vec(any::<u8>(), 0..300)) {
            check_hostile(&body);
        }

        #[test]
        fn arbitrary_json_never_becomes_a_complete_listing(body in any_json()) {
            check_hostile(body.to_string().as_bytes());
        }

        #[test]
        fn arbitrary_rows_never_become_a_complete_listing(rows in prop::collection::vec(any_json(), 0..6), next in any_json()) {
            check_hostile(&body(&rows, &next));
        }

        #[test]
        fn one_hostile_field_never_makes_a_row_vanish(
            field in prop::sample::select(vec![
                "id", "resource", "changeType", "notificationUrl", "expirationDateTime",
                "clientState", "includeResourceData", "lifecycleNotificationUrl",
            ]),
            value in any_json(),
        ) {
            let mut odd = row("a", END);
            odd[field] = value;
            check_hostile(&body(&[odd, row("b", END)], &Value::Null));
        }

        #[test]
        fn a_page_cut_anywhere_is_no_page(cut in 0_usize..200) {
            let whole = body(&[row("a", END)], &Value::Null);
            let cut = cut.min(whole.len() - 1);
            prop_assert!(listing(3, 4).take(&whole[..cut]).is_err());
        }
    }
}

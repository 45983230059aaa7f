//! A running service, and kinds that call it.

use std::sync::Arc;

use evergraph::adapters::kinds::bookings::{BookingsCustomer, BookingsStaff};
use evergraph::adapters::kinds::call::{FixedBearer, Line};
use evergraph::domain::conflict::Service;
use evergraph::domain::ensure::kinds::bookings::{CustomerSpec, Role, StaffSpec};
use evergraph::domain::ensure::kinds::fields::Fields;
use evergraph::domain::ensure::kinds::owner::Owner;
use evergraph::sim::services::bookings::{Bookings, Portal};
use evergraph::sim::services::{RunningService, serve};
use serde_json::{Value, json};
use url::Url;

pub const BUSINESS: &str = "clinic@contoso.com";
pub const ANN: &str = "ann@contoso.com";
pub const EVE: &str = "eve@fabrikam.com";

pub struct Bed {
    pub bookings: Arc<Bookings>,
    pub running: RunningService,
}

pub async fn bed() -> Bed {
    let bookings = Bookings::new(&[BUSINESS]);
    let running = serve(bookings.clone()).await.unwrap();
    Bed { bookings, running }
}

impl Bed {
    pub fn line(&self) -> Line {
        let base = Url::parse(&format!("{}/v1.0", self.running.url())).unwrap();
        let bearer = Arc::new(FixedBearer("token".into()));
        Line::new(base, Service::Bookings, bearer).unwrap()
    }

    pub fn portal(&self) -> Portal<'_> {
        self.bookings.portal(BUSINESS)
    }

    pub fn staff(&self, role: Role, name: &str) -> BookingsStaff {
        BookingsStaff::new(self.line(), staff_spec(role, name))
    }

    pub fn customer(&self, owner: &str, name: &str) -> BookingsCustomer {
        BookingsCustomer::new(self.line(), customer_spec(owner, name))
    }

    /// Writes that the API took.
    pub fn writes(&self) -> Vec<String> {
        let writes = self.bookings.writes().into_iter();
        writes.map(|call| call.operation).collect()
    }

    /// A call of a person or a program past the kinds. Answers status and body.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let method = method.parse().unwrap();
        let url = format!("{}{path}", self.running.url());
        let call = client.request(method, url).bearer_auth("token").json(body);
        let answer = call.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// The API.
    pub async fn api(&self, method: &str, rest: &str, body: &Value) -> (u16, Value) {
        let path = format!("/v1.0/solutions/bookingBusinesses/{BUSINESS}/{rest}");
        self.call(method, &path, body).await
    }

    /// The portal.
    pub async fn browser(&self, method: &str, rest: &str, body: &Value) -> (u16, Value) {
        let path = format!("/_portal/businesses/{BUSINESS}/{rest}");
        self.call(method, &path, body).await
    }
}

pub fn fields(pairs: &[(&str, Value)]) -> Fields {
    let owned = pairs.iter();
    owned
        .map(|(name, value)| ((*name).to_owned(), value.to_string()))
        .collect()
}

pub fn staff_spec(role: Role, name: &str) -> StaffSpec {
    StaffSpec {
        business: BUSINESS.into(),
        address: ANN.into(),
        role,
        fields: fields(&[("displayName", json!(name)), ("role", json!(role.as_str()))]),
        adopt: true,
        known: None,
    }
}

pub fn customer_spec(owner: &str, name: &str) -> CustomerSpec {
    CustomerSpec {
        business: BUSINESS.into(),
        address: EVE.into(),
        owner: Owner::parse(owner).unwrap(),
        fields: fields(&[("displayName", json!(name))]),
        adopt: false,
    }
}

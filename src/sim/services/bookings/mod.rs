//! A pretended Microsoft Bookings: staff, customers and appointments of bookings businesses.
//!
//! Two doors to one core: the API below `/v1.0/solutions/bookingBusinesses` (or `/beta/…`), and
//! the portal, [`Portal`] in process or `/_portal/businesses/{id}/…` over HTTP. They differ where
//! the real ones were reported to differ; each difference is in `portal`.

mod api;
mod appointments;
mod people;
mod portal;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use people::{Person, Standing};
pub use portal::{Portal, Refused};

use super::door::{Ask, Reply, Service};
use super::mishaps::{Called, Mishap, Mishaps, pass_through};
use appointments::{Appointment, Busy};

/// One bookings business.
#[derive(Clone, Debug, Default)]
struct Business {
    pub staff: Vec<Person>,
    pub customers: Vec<Person>,
    pub appointments: Vec<Appointment>,
    pub busy: Vec<Busy>,
}

/// How the service behaves, as far as a test may choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manners {
    /// Rows of one page of a list.
    pub page_rows: usize,
    /// In how many lists a new row is left out before it shows.
    pub list_lag: u32,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            page_rows: 100,
            list_lag: 0,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    pub businesses: BTreeMap<String, Business>,
    pub manners: Manners,
    pub last_number: u64,
}

impl State {
    /// An id in the form that the service gives them: base64 of something, never a GUID
    /// (the page of "Get bookingCustomer").
    pub fn next_id(&mut self) -> String {
        use base64::Engine as _;
        self.last_number += 1;
        let engine = base64::engine::general_purpose::STANDARD;
        engine.encode(format!("person-{:05}", self.last_number))
    }
}

/// The service.
pub struct Bookings {
    state: Mutex<State>,
    mishaps: Mutex<Mishaps>,
}

impl Bookings {
    /// A service with these businesses, by mail address.
    pub fn new(businesses: &[&str]) -> Arc<Self> {
        let named = businesses
            .iter()
            .map(|id| ((*id).to_ascii_lowercase(), Business::default()));
        Arc::new(Self {
            state: Mutex::new(State {
                businesses: named.collect(),
                ..State::default()
            }),
            mishaps: Mutex::default(),
        })
    }

    /// What a person does in the portal.
    pub fn portal<'b>(&'b self, business: &'b str) -> Portal<'b> {
        Portal::new(self, business)
    }

    /// Changes how it behaves.
    pub fn set_manners(&self, manners: Manners) {
        self.with(|state| state.manners = manners);
    }

    /// The next call of the API goes wrong. Operations: `list`, `read`, `create`, `update` or
    /// `delete`, a blank, and `staff`, `customer` or `appointment`.
    pub fn plan(&self, operation: &str, mishap: Mishap) {
        self.mishaps(|plan| plan.plan(operation, mishap));
    }

    /// The call after `skip` good ones goes wrong.
    pub fn plan_after(&self, skip: u32, operation: &str, mishap: Mishap) {
        self.mishaps(|plan| plan.plan_after(skip, operation, mishap));
    }

    /// Nothing goes wrong any more.
    pub fn forget_plans(&self) {
        self.mishaps(|plan| plan.forget());
    }

    /// Somebody else acts right before the next call of the operation takes effect.
    pub fn meanwhile(&self, operation: &str, act: impl FnOnce() + Send + 'static) {
        self.mishaps(|plan| plan.meanwhile(operation, act));
    }

    /// Every call of the API so far.
    pub fn called(&self) -> Vec<Called> {
        self.mishaps(|plan| plan.called().to_vec())
    }

    /// The calls of the API that were meant to change something.
    pub fn writes(&self) -> Vec<Called> {
        let all = self.called().into_iter();
        all.filter(|call| call.method != "GET").collect()
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn mishaps<T>(&self, look: impl FnOnce(&mut Mishaps) -> T) -> T {
        look(&mut self.mishaps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Service for Bookings {
    fn answer(&self, ask: &Ask) -> Option<Reply> {
        if ask.path.first().is_some_and(|first| first == "_portal") {
            return Some(portal::answer(self, ask));
        }
        let operation = api::operation(ask);
        pass_through(&operation, ask, &|look| self.mishaps(look), || {
            api::answer(self, ask)
        })
    }
}

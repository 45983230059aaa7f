//! The portal door: what a person does in the browser, and where it differs from the API.

use serde_json::{Map, Value, json};

use super::appointments::{self, Busy, Slot, Wish};
use super::people::{Person, Standing, properties};
use super::{Bookings, Business, State, words};
use crate::sim::services::door::{Ask, Reply};

/// The portal says no, in these words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// The portal of one business.
#[derive(Clone, Copy)]
pub struct Portal<'b> {
    bookings: &'b Bookings,
    business: &'b str,
}

impl<'b> Portal<'b> {
    pub(super) fn new(bookings: &'b Bookings, business: &'b str) -> Self {
        Self { bookings, business }
    }

    fn change<T>(
        &self,
        act: impl FnOnce(&mut State, &str) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let id = self.business.to_ascii_lowercase();
        self.bookings.with(|state| act(state, &id))
    }

    /// Adds a staff member. A holder of the address, in whatever standing, is linked: it becomes
    /// active under its old id (a moderator's account in Q&A 5491714). Answers the id.
    ///
    /// # Errors
    /// Where there is no such business.
    pub fn add_staff(&self, address: &str, name: &str, role: &str) -> Result<String, Refused> {
        self.change(|state, id| {
            let fresh = state.next_id();
            let staff = &mut business(state, id)?.staff;
            let body = json!({"displayName": name, "emailAddress": address, "role": role});
            let wished = body.as_object().map(properties).unwrap_or_default();
            let holder = staff
                .iter_mut()
                .find(|one| one.address() == address.trim().to_lowercase());
            if let Some(holder) = holder {
                holder.standing = Standing::Active;
                holder.page_access = true;
                holder.lay_over(&wished);
                return Ok(holder.id.clone());
            }
            staff.push(Person::new(fresh.clone(), wished, true));
            Ok(fresh)
        })
    }

    /// Removes a staff member: out of every list, the address stays taken.
    ///
    /// # Errors
    /// Where nobody has the address.
    pub fn remove_staff(&self, address: &str) -> Result<(), Refused> {
        self.set_standing(address, Standing::Removed)
    }

    /// Leaves a staff member out of the API's lists; in the portal it is still there.
    ///
    /// # Errors
    /// Where nobody has the address.
    pub fn hide_staff(&self, address: &str) -> Result<(), Refused> {
        self.set_standing(address, Standing::Hidden)
    }

    fn set_standing(&self, address: &str, standing: Standing) -> Result<(), Refused> {
        self.change(|state, id| {
            let staff = &mut business(state, id)?.staff;
            let found = staff
                .iter_mut()
                .find(|one| one.address() == address.trim().to_lowercase());
            found.ok_or_else(|| nobody(address))?.standing = standing;
            Ok(())
        })
    }

    /// Edits a staff member or a customer by id.
    ///
    /// # Errors
    /// Where nobody has the id.
    pub fn edit(&self, person: &str, with: &Value) -> Result<(), Refused> {
        let wished = with.as_object().map(properties).unwrap_or_default();
        self.change(|state, id| {
            let all = business(state, id)?;
            let mut people = all.staff.iter_mut().chain(&mut all.customers);
            let found = people.find(|one| one.id == person);
            found.ok_or_else(|| nobody(person))?.lay_over(&wished);
            Ok(())
        })
    }

    /// Adds a customer; nothing is said to a second one of the same address. Answers the id.
    ///
    /// # Errors
    /// Where there is no such business.
    pub fn add_customer(&self, address: &str, name: &str) -> Result<String, Refused> {
        self.change(|state, id| {
            let fresh = state.next_id();
            let body = json!({"displayName": name, "emailAddress": address});
            let wished = body.as_object().map(properties).unwrap_or_default();
            business(state, id)?
                .customers
                .push(Person::new(fresh.clone(), wished, false));
            Ok(fresh)
        })
    }

    /// Takes a time of a staff member's own calendar.
    ///
    /// # Errors
    /// Where there is no such business.
    pub fn take_time(&self, staff: &str, start: &str, end: &str) -> Result<(), Refused> {
        self.change(|state, id| {
            let slot = Slot {
                start: start.to_owned(),
                end: end.to_owned(),
            };
            let staff = staff.to_owned();
            business(state, id)?.busy.push(Busy { staff, slot });
            Ok(())
        })
    }

    /// Every staff member in whatever standing.
    pub fn staff(&self) -> Vec<Person> {
        let all = self.change(|state, id| Ok(business(state, id)?.staff.clone()));
        all.unwrap_or_default()
    }

    /// Every customer.
    pub fn customers(&self) -> Vec<Person> {
        let all = self.change(|state, id| Ok(business(state, id)?.customers.clone()));
        all.unwrap_or_default()
    }

    /// The customers' addresses of every appointment, in the order of booking.
    pub fn appointments(&self) -> Vec<String> {
        let all = self.change(|state, id| Ok(business(state, id)?.appointments.clone()));
        let all = all.unwrap_or_default().into_iter();
        all.map(|one| one.customer).collect()
    }
}

fn business<'s>(state: &'s mut State, id: &str) -> Result<&'s mut Business, Refused> {
    let found = state.businesses.get_mut(id);
    found.ok_or_else(|| Refused(format!("there is no business {id}")))
}

fn nobody(who: &str) -> Refused {
    Refused(format!("nobody here is {who}"))
}

/// Over HTTP: `GET|POST /_portal/businesses/{id}/staff`, `POST …/staff/{address}/remove` and
/// `…/hide`, `GET|POST …/customers`, `PATCH …/people/{id}`, `POST …/appointments`,
/// `POST …/busy`.
pub(super) fn answer(bookings: &Bookings, ask: &Ask) -> Reply {
    let segments = ask.segments();
    let ["_portal", "businesses", id, rest @ ..] = segments.as_slice() else {
        return words::portal(404, "there is no such page");
    };
    let portal = bookings.portal(id);
    let body = ask.object().unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let inside = |people: Vec<Person>| people.iter().map(Person::inside).collect::<Vec<_>>();
    let outcome = match (ask.method.as_str(), rest) {
        ("GET", ["staff"]) => Ok(json!({"value": inside(portal.staff())})),
        ("GET", ["customers"]) => Ok(json!({"value": inside(portal.customers())})),
        ("POST", ["staff"]) => portal
            .add_staff(text("emailAddress"), text("displayName"), text("role"))
            .map(|id| json!({"id": id})),
        ("POST", ["staff", address, "remove"]) => done(portal.remove_staff(address)),
        ("POST", ["staff", address, "hide"]) => done(portal.hide_staff(address)),
        ("POST", ["customers"]) => portal
            .add_customer(text("emailAddress"), text("displayName"))
            .map(|id| json!({"id": id})),
        ("PATCH", ["people", person]) => done(portal.edit(person, &Value::Object(body.clone()))),
        ("POST", ["appointments"]) => portal.book(ask),
        ("POST", ["busy"]) => done(take_time(&portal, &body)),
        _ => return words::portal(404, "there is no such page"),
    };
    match outcome {
        Ok(body) => Reply::json(200, &body),
        Err(refused) => words::portal(422, &refused.0),
    }
}

impl Portal<'_> {
    /// Books: several customers in one slot are allowed (microsoft-graph-docs#19316), a busy
    /// personal calendar is honoured (microsoft-graph-docs-contrib#7559).
    fn book(&self, ask: &Ask) -> Result<Value, Refused> {
        let wish = Wish::read(ask).ok_or_else(|| Refused("a slot is missing".into()))?;
        self.change(|state, id| {
            if wish.meets_busy_time(business(state, id)?) {
                return Err(Refused(
                    "the staff member's own calendar is busy then".into(),
                ));
            }
            Ok(appointments::put(state, id, wish))
        })
    }
}

fn take_time(portal: &Portal<'_>, body: &Map<String, Value>) -> Result<(), Refused> {
    let slot = Slot::read(body, "startDateTime", "endDateTime");
    let slot = slot.ok_or_else(|| Refused("a slot is missing".into()))?;
    let staff = body.get("staffMemberId").and_then(Value::as_str);
    portal.take_time(staff.unwrap_or_default(), &slot.start, &slot.end)
}

fn done(outcome: Result<(), Refused>) -> Result<Value, Refused> {
    outcome.map(|()| json!({}))
}

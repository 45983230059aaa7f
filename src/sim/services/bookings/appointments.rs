//! Appointments, the personal calendars of the staff, and what a slot means.

use serde_json::{Map, Value, json};

use super::people::{Standing, folded};
use super::{Business, State, words};
use crate::sim::services::door::{Ask, Reply};

/// A time from `start` to `end`, as the service writes moments: comparable as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Slot {
    pub start: String,
    pub end: String,
}

impl Slot {
    fn meets(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Reads the named pair of `dateTimeTimeZone` values.
    pub fn read(body: &Map<String, Value>, start: &str, end: &str) -> Option<Self> {
        let moment = |name: &str| Some(body.get(name)?.get("dateTime")?.as_str()?.to_owned());
        Some(Self {
            start: moment(start)?,
            end: moment(end)?,
        })
    }

    fn json(&self) -> (Value, Value) {
        let moment = |text: &str| json!({"dateTime": text, "timeZone": "UTC"});
        (moment(&self.start), moment(&self.end))
    }
}

/// One booked appointment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Appointment {
    pub id: String,
    pub slot: Slot,
    pub staff: Vec<String>,
    pub customer: String,
}

impl Appointment {
    fn shown(&self) -> Value {
        let (start, end) = self.slot.json();
        json!({
            "id": self.id,
            "startDateTime": start,
            "endDateTime": end,
            "staffMemberIds": self.staff,
            "customers": [{"emailAddress": self.customer}],
        })
    }
}

/// A time at which a staff member's own calendar is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Busy {
    pub staff: String,
    pub slot: Slot,
}

/// What somebody wants to book.
pub(super) struct Wish {
    pub slot: Slot,
    pub staff: Vec<String>,
    pub customer: String,
}

impl Wish {
    pub fn read(ask: &Ask) -> Option<Self> {
        let body = ask.object()?;
        let staff = body.get("staffMemberIds").and_then(Value::as_array);
        let staff = staff.into_iter().flatten();
        let customers = body.get("customers").and_then(Value::as_array);
        let customer = customers.and_then(|all| all.first());
        Some(Self {
            slot: Slot::read(&body, "startDateTime", "endDateTime")?,
            staff: staff
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect(),
            customer: folded(customer.and_then(|one| one.get("emailAddress"))),
        })
    }

    fn is_for_known_staff(&self, business: &Business) -> bool {
        let active = |id: &String| {
            let found = business.staff.iter().find(|one| one.id == *id);
            found.is_some_and(|one| one.standing == Standing::Active)
        };
        self.staff.iter().all(active)
    }

    fn slot_is_taken(&self, business: &Business) -> bool {
        business.appointments.iter().any(|other| {
            other.slot.meets(&self.slot) && other.staff.iter().any(|id| self.staff.contains(id))
        })
    }

    /// Whether somebody of the staff has an own appointment then.
    pub fn meets_busy_time(&self, business: &Business) -> bool {
        let busy = |busy: &Busy| self.staff.contains(&busy.staff) && busy.slot.meets(&self.slot);
        business.busy.iter().any(busy)
    }
}

/// The API: a taken slot and an unknown staff id both end in 500 without a word; a busy personal
/// calendar is not looked at.
pub(super) fn book(state: &mut State, id: &str, ask: &Ask) -> Reply {
    let Some(wish) = Wish::read(ask) else {
        return words::invalid();
    };
    if wish.staff.is_empty() {
        return words::invalid_staff();
    }
    let Some(business) = state.businesses.get(id) else {
        return words::not_found();
    };
    if !wish.is_for_known_staff(business) || wish.slot_is_taken(business) {
        return words::unknown();
    }
    Reply::json(201, &put(state, id, wish))
}

/// Writes an appointment down, whatever stands there.
pub(super) fn put(state: &mut State, id: &str, wish: Wish) -> Value {
    let appointment = Appointment {
        id: state.next_id(),
        slot: wish.slot,
        staff: wish.staff,
        customer: wish.customer,
    };
    let shown = appointment.shown();
    if let Some(business) = state.businesses.get_mut(id) {
        business.appointments.push(appointment);
    }
    shown
}

pub(super) fn list(state: &State, id: &str) -> Reply {
    let business = state.businesses.get(id);
    let all = business.into_iter().flat_map(|one| &one.appointments);
    let rows: Vec<Value> = all.map(Appointment::shown).collect();
    words::page(&rows, None)
}

/// `getStaffAvailability`: busy where an appointment or the personal calendar takes the time.
pub(super) fn availability(state: &State, id: &str, ask: &Ask) -> Reply {
    let wanted = ask.object().and_then(|body| {
        let slot = Slot::read(&body, "startDateTime", "endDateTime")?;
        let staff = body.get("staffIds")?.as_array()?;
        let staff: Vec<String> = staff
            .iter()
            .filter_map(|one| Some(one.as_str()?.to_owned()))
            .collect();
        Some((slot, staff))
    });
    let (Some((slot, staff)), Some(business)) = (wanted, state.businesses.get(id)) else {
        return words::invalid();
    };
    let rows: Vec<Value> = staff
        .into_iter()
        .map(|one| {
            let wish = Wish {
                slot: slot.clone(),
                staff: vec![one.clone()],
                customer: String::new(),
            };
            let taken = wish.slot_is_taken(business) || wish.meets_busy_time(business);
            let status = if taken { "busy" } else { "available" };
            let (start, end) = slot.json();
            json!({"staffId": one, "availabilityItems": [
                {"status": status, "startDateTime": start, "endDateTime": end}]})
        })
        .collect();
    words::page(&rows, None)
}

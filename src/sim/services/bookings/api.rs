//! The API door.

use serde_json::Value;

use super::people::{Person, Standing, folded, properties};
use super::{Bookings, Business, State, appointments, words};
use crate::sim::services::door::{Ask, Reply};

/// The two collections of people.
#[derive(Clone, Copy, PartialEq, Eq)]
enum People {
    Staff,
    Customers,
}

impl People {
    fn of(segment: &str) -> Option<Self> {
        match segment {
            "staffMembers" => Some(Self::Staff),
            "customers" => Some(Self::Customers),
            _ => None,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Staff => "bookingStaffMember",
            Self::Customers => "bookingCustomer",
        }
    }

    fn among(self, business: &mut Business) -> &mut Vec<Person> {
        match self {
            Self::Staff => &mut business.staff,
            Self::Customers => &mut business.customers,
        }
    }
}

/// The word of the plan for a call: `create staff` and so on.
pub(super) fn operation(ask: &Ask) -> String {
    let segments = ask.segments();
    let thing = match segments.get(4) {
        Some(&"staffMembers") => "staff",
        Some(&"customers") => "customer",
        Some(&"appointments" | &"calendarView") => "appointment",
        _ => "other",
    };
    let verb = match (ask.method.as_str(), segments.len()) {
        ("GET", 6..) => "read",
        ("GET", _) => "list",
        ("POST", _) => "create",
        ("PATCH", _) => "update",
        ("DELETE", _) => "delete",
        _ => "other",
    };
    format!("{verb} {thing}")
}

pub(super) fn answer(bookings: &Bookings, ask: &Ask) -> Reply {
    let bearer = ask
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    if bearer.is_none_or(str::is_empty) {
        return words::unauthenticated();
    }
    let segments = ask.segments();
    let [_, "solutions", businesses, id, rest @ ..] = segments.as_slice() else {
        return words::not_found();
    };
    if !businesses.eq_ignore_ascii_case("bookingBusinesses") {
        return words::not_found();
    }
    let id = id.to_ascii_lowercase();
    bookings.with(|state| {
        if !state.businesses.contains_key(&id) {
            return words::not_found();
        }
        match (ask.method.as_str(), rest) {
            ("GET", ["calendarView" | "appointments"]) => appointments::list(state, &id),
            ("POST", ["appointments"]) => appointments::book(state, &id, ask),
            ("POST", ["getStaffAvailability"]) => appointments::availability(state, &id, ask),
            (_, [segment, rest @ ..]) => match People::of(segment) {
                Some(people) => person(state, &id, people, ask, rest),
                None => words::not_found(),
            },
            _ => words::not_found(),
        }
    })
}

fn person(state: &mut State, id: &str, people: People, ask: &Ask, rest: &[&str]) -> Reply {
    match (ask.method.as_str(), rest) {
        ("GET", []) => list(state, id, people, ask),
        ("POST", []) => create(state, id, people, ask),
        ("GET", [person]) => match find(state, id, people, person) {
            Some(person) => Reply::json(200, &person.shown(people.kind())),
            None => words::not_found(),
        },
        ("PATCH", [person]) => update(state, id, people, person, ask),
        ("DELETE", [person]) => delete(state, id, people, person),
        _ => words::not_found(),
    }
}

fn find<'s>(
    state: &'s mut State,
    id: &str,
    people: People,
    person: &str,
) -> Option<&'s mut Person> {
    let business = state.businesses.get_mut(id)?;
    let all = people.among(business).iter_mut();
    // What a GET of a hidden member answers is not documented; the list does not show it, and
    // the worse case for a caller is that a GET does not either.
    all.into_iter()
        .find(|one| one.id == person && one.standing == Standing::Active)
}

fn list(state: &mut State, id: &str, people: People, ask: &Ask) -> Reply {
    let rows = state.manners.page_rows.max(1);
    let from: usize = ask
        .parameter("$skiptoken")
        .and_then(|token| token.parse().ok())
        .unwrap_or(0);
    let Some(business) = state.businesses.get_mut(id) else {
        return words::not_found();
    };
    let mut shown = Vec::new();
    for person in people.among(business) {
        if person.unlisted > 0 {
            person.unlisted -= 1;
        } else if person.standing == Standing::Active {
            shown.push(person.shown(people.kind()));
        }
    }
    let more = shown.len() > from + rows;
    let next = more.then(|| {
        let host = ask.header("host").unwrap_or("127.0.0.1");
        let path = ask.path.join("/");
        format!("http://{host}/{path}?$skiptoken={}", from + rows)
    });
    let page: Vec<Value> = shown.into_iter().skip(from).take(rows).collect();
    words::page(&page, next)
}

/// Spellings of roles that the API takes. The documentation's `teamMember` ends in an error;
/// what works, and what a read shows, is `member` (msgraph-sdk-dotnet#2819, msgraph-sdk-php#1739).
const ROLES: &[&str] = &[
    "guest",
    "administrator",
    "viewer",
    "externalGuest",
    "scheduler",
    "member",
];

fn create(state: &mut State, id: &str, people: People, ask: &Ask) -> Reply {
    let Some(body) = ask.object() else {
        return words::invalid();
    };
    let own = properties(&body);
    let text = |name: &str| own.get(name).and_then(Value::as_str).unwrap_or_default();
    let complete = !text("displayName").is_empty() && !text("emailAddress").is_empty();
    let address = folded(own.get("emailAddress"));
    if !complete || (people == People::Staff && !ROLES.contains(&text("role"))) {
        return words::invalid();
    }
    let new = state.next_id();
    let lag = state.manners.list_lag;
    let Some(business) = state.businesses.get_mut(id) else {
        return words::not_found();
    };
    let all = people.among(business);
    // A staff member who exists, is hidden or was removed lately holds the address; the same
    // address of two customers is nothing to the service.
    if people == People::Staff && all.iter().any(|one| one.address() == address) {
        return words::staff_exists();
    }
    let mut person = Person::new(new, own, false);
    person.unlisted = lag;
    let shown = person.shown(people.kind());
    all.push(person);
    Reply::json(201, &shown)
}

fn update(state: &mut State, id: &str, people: People, person: &str, ask: &Ask) -> Reply {
    let Some(body) = ask.object() else {
        return words::invalid();
    };
    let own = properties(&body);
    let role = own.get("role").and_then(Value::as_str);
    if people == People::Staff && role.is_some_and(|role| !ROLES.contains(&role)) {
        return words::invalid();
    }
    match find(state, id, people, person) {
        Some(person) => {
            person.lay_over(&own);
            Reply::text(204, "")
        }
        None => words::not_found(),
    }
}

fn delete(state: &mut State, id: &str, people: People, person: &str) -> Reply {
    let Some(found) = find(state, id, people, person) else {
        return words::not_found();
    };
    if people == People::Staff {
        found.standing = Standing::Removed;
    } else if let Some(business) = state.businesses.get_mut(id) {
        business.customers.retain(|one| one.id != person);
    }
    Reply::text(204, "")
}

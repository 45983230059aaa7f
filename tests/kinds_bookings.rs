//! Bookings staff and customers against the simulated service, over HTTP, through both doors.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

mod kinds;

#[path = "kinds_bookings/appointments.rs"]
mod appointments;
#[path = "kinds_bookings/bed.rs"]
mod bed;
#[path = "kinds_bookings/customers.rs"]
mod customers;
#[path = "kinds_bookings/staff.rs"]
mod staff;
#[path = "kinds_bookings/storm.rs"]
mod storm;

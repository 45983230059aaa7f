//! What a site serves, against the simulated App Service.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

mod kinds;
mod paced;

#[path = "kinds_app_service/bed.rs"]
mod bed;
#[path = "kinds_app_service/busy.rs"]
mod busy;
#[path = "kinds_app_service/deploy.rs"]
mod deploy;
#[path = "kinds_app_service/doors.rs"]
mod doors;
#[path = "kinds_app_service/refused.rs"]
mod refused;

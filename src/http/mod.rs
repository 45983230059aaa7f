//! The custom handler's HTTP: host envelope, timer, notification and lifecycle routes, health.

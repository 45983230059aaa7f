//! Set-up of tracing, and the field names as constants.

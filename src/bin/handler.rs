//! The custom handler that Azure Functions starts.

fn main() {}

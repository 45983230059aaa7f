//! Builds adapters from settings; the only place that knows all rooms.

//! A local Functions host: reads host.json and the function folders, starts the handler, ticks, proxies.

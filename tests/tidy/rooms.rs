//! Which room may name which, and what a room never contains.

use super::paths::{Path, paths};
use super::source::{Finding, Source};

/// A room under `src/`, the rooms that it may name, and what it never contains.
struct Room {
    name: &'static str,
    may_name: &'static [&'static str],
    never: &'static [Never],
}

/// Something that a room never contains: starts of paths, words, and why.
struct Never {
    paths: &'static [&'static str],
    words: &'static [&'static str],
    why: &'static str,
    /// A folder of the room that is exempt.
    but_for: Option<&'static str>,
}

const fn never(paths: &'static [&'static str], why: &'static str) -> Never {
    Never {
        paths,
        words: &[],
        why,
        but_for: None,
    }
}

/// A name that ends in `*` stands for every name with that start.
const AZURE: &[&str] = &["azure_*", "typespec_client_core"];
const WEB: &[&str] = &["reqwest", "axum", "hyper", "http", "tower"];

const ROOMS: &[Room] = &[
    Room {
        name: "domain",
        may_name: &[],
        never: &[
            Never {
                paths: &["tokio", "futures", "async_trait"],
                words: &["async", "await"],
                why: "the core is not asynchronous: values in, values out",
                but_for: None,
            },
            never(
                &["tracing", "log", "tracing_subscriber"],
                "the core does not log: what happened is in the value it returns",
            ),
            Never {
                paths: &["std::time::SystemTime", "std::time::Instant", "std::thread"],
                words: &["SystemTime", "Instant"],
                why: "the core has no clock: take `now` as a parameter",
                but_for: None,
            },
            never(
                &[
                    "jiff::Timestamp::now",
                    "Timestamp::now",
                    "Zoned::now",
                    "jiff::Zoned::now",
                ],
                "the core has no clock: take `now` as a parameter",
            ),
            never(
                &["fastrand", "rand", "getrandom", "uuid", "aws_lc_rs::rand"],
                "the core has no chance: take the number that was drawn as a parameter",
            ),
            never(
                &["std::fs", "std::net", "std::io", "std::env", "std::process"],
                "the core does no I/O",
            ),
            never(AZURE, "vendor types stay in adapters"),
            never(WEB, "wire types stay in adapters and http"),
            Never {
                paths: &["serde_json", "quick_xml", "toml"],
                words: &[],
                why: "wire formats stay outside the core, but for bodies of refusals in domain/conflict",
                but_for: Some("src/domain/conflict"),
            },
        ],
    },
    Room {
        name: "ports",
        may_name: &["domain"],
        never: &[
            never(AZURE, "a port speaks our words, not a vendor's"),
            never(WEB, "a port speaks our words, not HTTP's"),
            Never {
                paths: &["std::env", "std::fs", "std::net"],
                words: &["StatusCode", "Etag", "ETag", "SystemTime"],
                why: "a port speaks our words: no HTTP status, no ETag, no system",
                but_for: None,
            },
        ],
    },
    Room {
        name: "app",
        may_name: &["domain", "ports", "telemetry"],
        never: &[
            never(AZURE, "use cases reach the world through ports"),
            never(WEB, "use cases reach the world through ports"),
            Never {
                paths: &["std::env", "std::fs", "std::net", "std::time::Instant"],
                words: &["SystemTime"],
                why: "use cases reach the world through ports",
                but_for: None,
            },
            never(
                &[
                    "jiff::Timestamp::now",
                    "Timestamp::now",
                    "Zoned::now",
                    "jiff::Zoned::now",
                ],
                "the time comes through the Clock port",
            ),
        ],
    },
    Room {
        name: "adapters",
        may_name: &["domain", "ports", "telemetry"],
        never: &[never(&["axum"], "adapters call; they serve nobody")],
    },
    Room {
        name: "sim",
        may_name: &["domain", "ports", "telemetry"],
        never: &[never(AZURE, "the simulated world needs no vendor")],
    },
    Room {
        name: "http",
        may_name: &["app", "domain", "ports", "telemetry"],
        never: &[
            never(AZURE, "http translates, calls a use case, translates"),
            never(&["reqwest"], "http answers; calls go out through ports"),
        ],
    },
    Room {
        name: "devhost",
        may_name: &["app", "domain", "ports", "telemetry"],
        never: &[never(AZURE, "the local host needs no vendor")],
    },
    Room {
        name: "cli",
        may_name: &[
            "app",
            "domain",
            "ports",
            "sim",
            "devhost",
            "compose",
            "config",
            "telemetry",
        ],
        never: &[never(AZURE, "commands get their adapters from compose")],
    },
    Room {
        name: "config",
        may_name: &["domain", "ports"],
        never: &[never(WEB, "settings are values, not clients")],
    },
    Room {
        name: "telemetry",
        may_name: &["domain"],
        never: &[],
    },
    Room {
        name: "compose",
        may_name: &[
            "adapters",
            "app",
            "config",
            "devhost",
            "domain",
            "http",
            "ports",
            "sim",
            "telemetry",
        ],
        never: &[],
    },
    // The crate's table of contents lists the rooms and names none of their items.
    Room {
        name: "lib",
        may_name: &[],
        never: &[],
    },
    // The programs may name everything.
    Room {
        name: "bin",
        may_name: &[
            "adapters",
            "app",
            "cli",
            "compose",
            "config",
            "devhost",
            "domain",
            "http",
            "ports",
            "sim",
            "telemetry",
        ],
        never: &[],
    },
];

/// The words that reach outside in `std::env`; paths and arguments are no settings.
const ENVIRONMENT: &[&str] = &["var", "var_os", "vars", "vars_os", "set_var", "remove_var"];

/// Files outside of config that may read the environment, each with its reason.
const ENVIRONMENT_READERS: &[(&str, &str)] = &[(
    "src/devhost/settings.rs",
    "the Functions host expands %NAME% from its own environment, and so does the local one",
)];

/// Whatever a room names must stand before it.
pub fn direction(source: &Source) -> Vec<Finding> {
    let Some(room) = known_room(source) else {
        return source
            .room()
            .filter(|_| !source.is_test())
            .map(|name| {
                let sentence = format!("{name} is no room; add it to ROOMS in tests/tidy/rooms.rs");
                source.finding(1, sentence)
            })
            .into_iter()
            .collect();
    };
    paths(&source.shipped)
        .iter()
        .filter_map(|path| {
            let named = named_room(source, path)?;
            let fits = named == room.name || room.may_name.contains(&named);
            (!fits).then(|| {
                let sentence = match named {
                    "*" => format!("{} names no room; write out which", path.text()),
                    _ => format!("{} must not name {named} ({})", room.name, path.text()),
                };
                source.finding(path.line, sentence)
            })
        })
        .collect()
}

/// A room holds nothing that its row in the table excludes.
pub fn contents(source: &Source) -> Vec<Finding> {
    let Some(room) = known_room(source) else {
        return Vec::new();
    };
    let all = paths(&source.shipped);
    let mut found = Vec::new();
    for rule in room.never {
        if rule
            .but_for
            .is_some_and(|folder| source.path.starts_with(folder))
        {
            continue;
        }
        let mut report = |line, what: &str| {
            let sentence = format!("{} must not contain {what}: {}", room.name, rule.why);
            found.push(source.finding(line, sentence));
        };
        for path in &all {
            if rule.paths.iter().any(|start| starts(path, start)) {
                report(path.line, &path.text());
            }
        }
        for token in &source.shipped {
            if token.word().is_some_and(|word| rule.words.contains(&word)) {
                report(token.line, token.word().unwrap_or_default());
            }
        }
    }
    found.sort_by_key(|finding| finding.line);
    found.dedup_by_key(|finding| finding.line);
    found
}

/// Only config reads the environment.
pub fn environment(source: &Source) -> Vec<Finding> {
    let excepted = ENVIRONMENT_READERS
        .iter()
        .any(|(path, _)| *path == source.path);
    if excepted || matches!(source.room(), None | Some("config" | "bin")) {
        return Vec::new();
    }
    paths(&source.shipped)
        .iter()
        .filter(|path| {
            ENVIRONMENT
                .iter()
                .any(|word| path.holds(&format!("env::{word}")))
                || path.holds("env::*")
        })
        .map(|path| {
            let sentence = format!("{} reads the environment; only config.rs may", path.text());
            source.finding(path.line, sentence)
        })
        .collect()
}

fn known_room(source: &Source) -> Option<&'static Room> {
    if source.is_test() {
        return None;
    }
    let name = source.room()?;
    ROOMS.iter().find(|room| room.name == name)
}

/// The room that a path leads to, `*` for all at once, `None` when it leads to no room.
fn named_room<'p>(source: &Source, path: &'p Path) -> Option<&'p str> {
    let mut words = path.words.iter().map(String::as_str);
    let first = words.next()?;
    let ups = path
        .words
        .iter()
        .take_while(|word| *word == "super")
        .count();
    let second = match first {
        "crate" | "evergraph" => words.next()?,
        "super" if ups >= source.depth() + path.depth => path.words.get(ups)?,
        _ => return None,
    };
    if second == "*" || second == "self" {
        return Some("*");
    }
    ROOMS
        .iter()
        .map(|room| room.name)
        .find(|name| *name == second)
}

fn starts(path: &Path, start: &str) -> bool {
    match start.strip_suffix('*') {
        Some(start) => path.words[0].starts_with(start),
        None => path.starts_with(start),
    }
}

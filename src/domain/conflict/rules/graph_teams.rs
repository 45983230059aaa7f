//! Teams, channels and chats through Graph.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, GraphTeams};
use crate::domain::conflict::rule::{Rule, means};

const HERE: &[Service] = &[GraphTeams];

const CHANNEL_SOURCES: &[&str] = &[
    "https://github.com/microsoftgraph/microsoft-graph-docs/issues/6168",
    "https://github.com/microsoftgraph/microsoft-graph-docs/issues/6649",
];
const CHANNEL_ADVICE: &str = "List the channels; a live one of this name may be adopted. None live: a deleted channel keeps its name, and only a person can restore it in Teams.";
const CHANNEL_NEVER: &str = "Invent another name, or try in a loop.";

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("graph-teams/name-exists", HERE, means::EXISTS)
        .codes(&["NameAlreadyExists"])
        .why("A channel of this name exists, live or deleted; the answer does not tell which.")
        .advice(CHANNEL_ADVICE)
        .never(CHANNEL_NEVER)
        .sources(CHANNEL_SOURCES)
        .example(Create, 400, r#"{"error":{"code":"NameAlreadyExists","message":"Channel name already existed, please use other name"}}"#),
    Rule::new("graph-teams/channel-name-existed", HERE, means::EXISTS)
        .codes_or_none(&["BadRequest", "Conflict"])
        .text(&["channel name already exist"])
        .why("A channel of this name exists, live or deleted; only the message says so.")
        .advice(CHANNEL_ADVICE)
        .never(CHANNEL_NEVER)
        .sources(CHANNEL_SOURCES)
        .example(Create, 400, r#"{"error":{"code":"BadRequest","message":"Channel name already existed, please use other name"}}"#),
    Rule::new("graph-teams/team-exists", HERE, means::EXISTS)
        .codes_or_none(&[
            "Conflict",
            "BadRequest",
            "BadGateway",
            "InternalServerError",
            "ServiceUnavailable",
            "UnknownError",
        ])
        .text(&["team already exists"])
        .why("The team exists, perhaps by our own first request, whose answer was 404 or lost.")
        .advice("GET the team; if it is there, go on as after a success.")
        .never("Repeat the PUT.")
        .sources(&[
            "https://github.com/pnp/powershell/pull/3992",
            "https://github.com/microsoftgraph/microsoft-graph-docs/issues/6448",
            "https://github.com/microsoftgraph/microsoft-graph-docs/issues/6551",
        ])
        .example(CreateByPut, 502, r#"{"error":{"code":"BadGateway","message":"Team already exists"}}"#),
];

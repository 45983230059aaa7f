//! The table itself.

use super::{LifecycleRule, Lifespan, Limits, Quota, QuotaScope, Rich, SelectRule};
use crate::domain::resource::ResourceKind as Kind;
use crate::domain::subscription::ChangeType::{self, Created, Deleted, Updated};

const ALL: &[ChangeType] = &[Created, Updated, Deleted];

/// Ten minutes below the maximum: more than any skew at which tokens are still accepted
/// (Entra allows five minutes), so that a fast clock of ours never asks too much.
const fn below(max_min: u32) -> Lifespan {
    Lifespan {
        max_min,
        request_min: max_min - 10,
        source: "subscription",
    }
}

/// Graph documents 10,080 minutes but was seen to answer "Subscription expiration can only be
/// 10070 minutes in the future" (observed), so the usual margin starts there.
const OUTLOOK: Lifespan = Lifespan {
    max_min: 10_080,
    request_min: 10_060,
    source: "subscription; observed: 10,070",
};

/// The maximum is an hour and anything under 45 minutes is raised: five minutes lie between.
const PRESENCE: Lifespan = Lifespan {
    max_min: 60,
    request_min: 55,
    source: "subscription",
};

/// For what stands in no table: the shortest of the lifetimes that most kinds share.
const CAUTIOUS: Lifespan = Lifespan {
    max_min: 4_230,
    request_min: 4_220,
    source: "none; the shortest of the usual maxima",
};

const fn quota(count: u32, per: QuotaScope, scope: &'static str) -> Quota {
    Quota {
        count,
        scope,
        per,
        shared: false,
    }
}

const fn shared(count: u32, per: QuotaScope, scope: &'static str) -> Quota {
    Quota {
        shared: true,
        ..quota(count, per, scope)
    }
}

const MAILBOX: &[Quota] = &[shared(
    1_000,
    QuotaScope::Mailbox,
    "active subscriptions per mailbox, of all applications and all Outlook types together",
)];

const DIRECTORY: &[Quota] = &[
    quota(
        100,
        QuotaScope::AppAndTenant,
        "subscriptions of one application in one tenant",
    ),
    quota(
        1_000,
        QuotaScope::Tenant,
        "subscriptions of all applications in one tenant",
    ),
    quota(
        50_000,
        QuotaScope::App,
        "subscriptions of one application in all tenants",
    ),
];

/// Shared by every Teams type of a tenant (overview).
const TEAMS_TENANT: Quota = shared(
    10_000,
    QuotaScope::Tenant,
    "subscriptions to Teams resources in one tenant",
);

const TEAMS: &[Quota] = &[
    quota(
        1,
        QuotaScope::AppAndResource,
        "subscription of one application to one resource",
    ),
    TEAMS_TENANT,
];

const TEAMS_PER_USER: &[Quota] = &[
    quota(
        1,
        QuotaScope::AppAndResource,
        "subscription of one application to one resource",
    ),
    quota(10, QuotaScope::Elsewhere, "subscriptions per user"),
    TEAMS_TENANT,
];

const CALLS: &[Quota] = &[quota(
    100,
    QuotaScope::Tenant,
    "subscriptions to call records in one tenant",
)];

const MEETING: &[Quota] = &[quota(
    1,
    QuotaScope::AppAndResource,
    "subscription of one application to one meeting",
)];

const PRESENCE_QUOTAS: &[Quota] = &[
    quota(
        1,
        QuotaScope::AppAndTenant,
        "presence subscription of one application and signed-in user",
    ),
    quota(650, QuotaScope::Elsewhere, "users in one subscription"),
];

const APPROVALS: &[Quota] = &[
    quota(
        1,
        QuotaScope::AppAndTenant,
        "subscription of one application in one tenant",
    ),
    quota(
        1_000,
        QuotaScope::Tenant,
        "subscriptions of all applications in one tenant",
    ),
];

/// A kind without peculiarities; the rows below change what differs.
const fn plain(kind: Kind, basic: Lifespan) -> Limits {
    Limits {
        kind,
        changes: ALL,
        basic,
        rich: Rich::No,
        lifecycle: LifecycleRule::Optional,
        quotas: &[],
        global_cloud_only: false,
        doubt: None,
    }
}

const fn outlook(kind: Kind) -> Limits {
    Limits {
        rich: Rich::Yes {
            lifespan: below(1_440),
            select: SelectRule::Required,
        },
        quotas: MAILBOX,
        ..plain(kind, OUTLOOK)
    }
}

const fn directory(kind: Kind) -> Limits {
    Limits {
        // Creation and soft deletion arrive as `updated` (subscription).
        changes: &[Updated, Deleted],
        quotas: DIRECTORY,
        ..plain(kind, below(41_760))
    }
}

/// Drive roots and lists report `updated` only (subscription).
const fn storage(kind: Kind) -> Limits {
    Limits {
        changes: &[Updated],
        ..plain(kind, below(42_300))
    }
}

const fn teams(kind: Kind, basic: Lifespan, quotas: &'static [Quota]) -> Limits {
    Limits {
        lifecycle: LifecycleRule::NeededBeyondAnHour,
        quotas,
        ..plain(kind, basic)
    }
}

const fn rich_teams(
    kind: Kind,
    basic: Lifespan,
    select: SelectRule,
    q: &'static [Quota],
) -> Limits {
    Limits {
        rich: Rich::Yes {
            lifespan: basic,
            select,
        },
        ..teams(kind, basic, q)
    }
}

const fn doubtful(limits: Limits, doubt: &'static str) -> Limits {
    Limits {
        doubt: Some(doubt),
        ..limits
    }
}

use SelectRule::{Allowed, Refused};

const DAYS_3: Lifespan = below(4_320);
const UNDER_3: Lifespan = below(4_230);

/// In the order of [`Kind::ALL`], which is the order of its variants.
static TABLE: [Limits; Kind::ALL.len()] = [
    outlook(Kind::Message),
    outlook(Kind::Event),
    outlook(Kind::Contact),
    directory(Kind::User),
    directory(Kind::Group),
    plain(Kind::Conversation, UNDER_3),
    storage(Kind::DriveItem),
    storage(Kind::List),
    plain(Kind::SecurityAlert, below(43_200)),
    plain(Kind::HealthAlert, below(42_300)),
    teams(Kind::CallRecord, UNDER_3, CALLS),
    rich_teams(Kind::CallRecording, DAYS_3, Allowed, TEAMS_PER_USER),
    rich_teams(Kind::CallTranscript, DAYS_3, Allowed, TEAMS_PER_USER),
    rich_teams(Kind::Channel, DAYS_3, Allowed, TEAMS),
    rich_teams(Kind::Chat, DAYS_3, Allowed, TEAMS_PER_USER),
    rich_teams(Kind::ChatMessage, DAYS_3, Refused, TEAMS_PER_USER),
    rich_teams(Kind::ConversationMember, DAYS_3, Refused, TEAMS),
    rich_teams(Kind::Team, DAYS_3, Allowed, TEAMS),
    doubtful(
        rich_teams(Kind::OnlineMeeting, UNDER_3, Refused, MEETING),
        "its maximum lifetime is documented twice, as 4,320 and as 4,230 minutes; the shorter counts here",
    ),
    Limits {
        changes: &[Updated],
        global_cloud_only: true,
        ..rich_teams(Kind::Presence, PRESENCE, Refused, PRESENCE_QUOTAS)
    },
    teams(Kind::Shifts, below(360), TEAMS_PER_USER),
    teams(Kind::Approval, below(43_200), APPROVALS),
    Limits {
        lifecycle: LifecycleRule::Optional,
        ..rich_teams(Kind::AiInteraction, DAYS_3, Allowed, TEAMS_PER_USER)
    },
    plain(Kind::Printer, UNDER_3),
    doubtful(
        plain(Kind::PrintTaskDefinition, UNDER_3),
        "its path is documented as print/taskDefinitions and as print/printtaskdefinition",
    ),
    Limits {
        global_cloud_only: true,
        ..plain(Kind::TodoTask, UNDER_3)
    },
    doubtful(
        plain(Kind::VirtualEvent, CAUTIOUS),
        "its maximum lifetime is not documented; 4,230 minutes are assumed",
    ),
    doubtful(
        teams(Kind::TeamsAppInstallation, DAYS_3, TEAMS),
        "its path for subscriptions is not documented",
    ),
    doubtful(
        plain(Kind::Unknown, CAUTIOUS),
        "Graph may accept a subscription to it and never notify; 4,230 minutes are assumed as its maximum",
    ),
];

pub(super) fn of(kind: Kind) -> &'static Limits {
    &TABLE[kind as usize]
}

//! The table of limits against what is documented.

use super::*;
use crate::domain::ids::is_guid;

fn resource(path: &str) -> Resource {
    Resource::parse(path).unwrap()
}

#[track_caller]
fn check_lifetimes(kind: ResourceKind, rich: bool, max_min: i64, request_min: i64) {
    let limits = of(kind);
    assert_eq!(
        limits.max_lifetime(rich),
        SignedDuration::from_mins(max_min)
    );
    assert_eq!(
        limits.request_lifetime(rich),
        SignedDuration::from_mins(request_min)
    );
}

#[track_caller]
fn check_role(path: &str, name: &str) {
    match permission(&resource(path)) {
        Permission::Role(role) => assert_eq!(role.name, name),
        other => panic!("{path} gave {other:?}"),
    }
}

#[test]
fn every_kind_has_its_own_row() {
    for kind in ResourceKind::ALL {
        assert_eq!(of(kind).kind, kind);
        assert!(!of(kind).change_types().is_empty());
    }
}

#[test]
fn what_is_asked_for_lies_below_the_maximum_and_above_the_minimum() {
    for kind in ResourceKind::ALL {
        for rich in [false, true] {
            let limits = of(kind);
            assert!(
                limits.request_lifetime(rich) < limits.max_lifetime(rich),
                "{kind}"
            );
            assert!(limits.request_lifetime(rich) > RAISED_TO, "{kind}");
        }
    }
}

#[test]
fn the_maxima_are_those_of_the_subscription_page() {
    check_lifetimes(ResourceKind::Message, false, 10_080, 10_060);
    check_lifetimes(ResourceKind::Message, true, 1_440, 1_430);
    check_lifetimes(ResourceKind::User, false, 41_760, 41_750);
    check_lifetimes(ResourceKind::DriveItem, false, 42_300, 42_290);
    check_lifetimes(ResourceKind::SecurityAlert, false, 43_200, 43_190);
    check_lifetimes(ResourceKind::ChatMessage, true, 4_320, 4_310);
    check_lifetimes(ResourceKind::CallRecord, false, 4_230, 4_220);
    check_lifetimes(ResourceKind::Presence, false, 60, 55);
    check_lifetimes(ResourceKind::Shifts, false, 360, 350);
    check_lifetimes(ResourceKind::Unknown, false, 4_230, 4_220);
}

#[test]
fn a_declared_lifetime_is_never_stretched_and_cut_at_the_margin() {
    let limits = of(ResourceKind::Message);
    let ask = |minutes| {
        let declared = Lifetime::Exactly(SignedDuration::from_mins(minutes));
        limits.lifetime_to_request(declared, false).as_mins()
    };
    assert_eq!(ask(60), 60);
    assert_eq!(ask(10_080), 10_060);
    assert_eq!(
        limits.lifetime_to_request(Lifetime::Max, false).as_mins(),
        10_060
    );
}

#[test]
fn teams_need_a_lifecycle_url_beyond_one_hour_only() {
    let hour = SignedDuration::from_hours(1);
    let more = hour + SignedDuration::from_secs(1);
    assert!(!of(ResourceKind::ChatMessage).needs_lifecycle(hour));
    assert!(of(ResourceKind::ChatMessage).needs_lifecycle(more));
    assert!(!of(ResourceKind::Message).needs_lifecycle(more));
}

#[test]
fn rich_outlook_refuses_bodies_paging_and_foreign_expansions() {
    let refused = |query: &str| refused_options(&resource(&format!("me/messages?{query}")));
    assert_eq!(refused("$top=5&$select=Body,id"), ["$top", "$select=Body"]);
    assert_eq!(
        refused("$orderby=x&$expand=attachments"),
        ["$orderby", "$expand=attachments"]
    );
    let fine = "$select=id&$expand=singleValueExtendedProperties($filter=id eq 'x')&$filter=a";
    assert!(refused(fine).is_empty());
    assert!(refused_options(&resource("chats/getAllMessages?$top=5")).is_empty());
}

#[test]
fn resource_data_is_a_matter_of_the_path_too() {
    let rich = |path: &str| has_resource_data(&resource(path));
    assert!(rich("chats") && rich("chats/a") && rich("chats/a/messages") && rich("me/events"));
    assert!(!rich("users/a/chats") && !rich("users") && !rich("drives/a/root"));
    assert!(!rich(
        "appCatalogs/teamsApps/a/installedToChats/getAllMessages"
    ));
}

#[test]
fn the_permission_follows_the_path_within_a_kind() {
    check_role("users/a/messages", "Mail.Read");
    check_role("teams/getAllMessages", "ChannelMessage.Read.All");
    check_role("users/a/chats/getAllMessages", "Chat.Read.All");
    check_role(
        "appCatalogs/teamsApps/a/installedToChats/getAllMessages",
        "Chat.Read.WhereInstalled",
    );
    check_role("teams/a/members", "TeamMember.Read.All");
    check_role(
        "teams/getAllChannels/getAllMembers",
        "ChannelMember.Read.All",
    );
    check_role("chats/a/members", "ChatMember.Read.All");
    for path in ["communications/presences/a", "groups/a/conversations"] {
        assert_eq!(permission(&resource(path)), Permission::SignedInUserOnly);
    }
    assert_eq!(
        permission(&resource("users/a/memberOf")),
        Permission::NotDocumented
    );
}

#[test]
fn every_tenant_wide_role_has_its_id() {
    let role = permission(&resource("users/a/messages"));
    let id = "810c84a8-4a9e-49e6-bf7d-12d183f40d01";
    assert_eq!(
        role,
        Permission::Role(AppRole {
            name: "Mail.Read",
            id: Some(id)
        })
    );
    for path in [
        "teams",
        "sites/a/lists/b",
        "print/printers/a/jobs",
        "solutions/virtualEvents/x",
    ] {
        match permission(&resource(path)) {
            Permission::Role(AppRole { id: Some(id), .. }) => assert!(is_guid(id)),
            other => panic!("{path} gave {other:?}"),
        }
    }
}

#[test]
fn a_quota_reads_as_a_sentence() {
    let mailbox = of(ResourceKind::Event).quotas[0].to_string();
    assert!(mailbox.starts_with("at most 1,000 active subscriptions per mailbox"));
    assert_eq!(thousands(999), "999");
    assert_eq!(thousands(1_234_567), "1,234,567");
}

//! Tests of the judgement.

use super::*;
use crate::domain::ids::{AppId, FleetId, SubscriptionName};
use crate::domain::notification::{Happening, Sealed, fixtures};
use crate::domain::ownership::{FleetUrl, Origin};
use crate::domain::resource::ResourceKind;
use crate::domain::sight::LifecycleEvent;

const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const OTHER: &str = "9f4ebab6-520d-49c0-85cc-7b25c78d4a93";
const TAG: KeyTag = KeyTag::from_bytes([7; 16]);
const RICH: KeyTag = KeyTag::from_bytes([8; 16]);

fn ring(kid: &str) -> KeyRing {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    KeyRing::parse(&format!("{kid}:{key}")).unwrap()
}

fn home() -> Home {
    Home {
        current: FleetUrl {
            origin: Origin::parse("https://app.example.com").unwrap(),
            fleet: FleetId::parse("prod").unwrap(),
        },
        former: vec![
            FleetUrl::parse_former("https://old.example.com/api/notifications/older").unwrap(),
        ],
    }
}

fn expected(name: &str, resource_data: bool) -> Expected {
    Expected {
        name: SubscriptionName::parse(name).unwrap(),
        tenant: TenantId::parse(TENANT).unwrap(),
        kind: ResourceKind::Message,
        resource_data,
        opening: Opening::Decrypt,
    }
}

fn roster() -> Roster {
    Roster::from_iter([
        (TAG, expected("inbox", false)),
        (RICH, expected("rich", true)),
    ])
}

fn item(fleet: &str, tag: KeyTag) -> Item<'static> {
    let state = ring("a").derive(&FleetId::parse(fleet).unwrap(), &tag);
    let mut item = fixtures::message();
    item.client_state = Some(state.expose().to_owned().into());
    item
}

#[track_caller]
fn check(item: &Item<'_>, wanted: &str) {
    let (ring, home, roster) = (ring("a"), home(), roster());
    let rules = Rules {
        ring: &ring,
        home: &home,
        roster: &roster,
    };
    let mut judge = Judge::new(rules);
    // The second time the answer comes from memory.
    for _ in 0..2 {
        let got = match judge.judge(item) {
            Verdict::Ours(standing) => format!(
                "{} {:?}",
                standing.expected.map_or("-", |one| one.name.as_str()),
                standing.proof
            ),
            Verdict::UnknownKid(kid) => format!("kid {kid}"),
            Verdict::Refused(refusal) => refusal.to_string(),
        };
        assert_eq!(got, wanted);
    }
}

#[test]
fn a_client_state_of_ours_proves_a_basic_item() {
    check(&item("prod", TAG), "inbox ClientState");
    check(&item("older", TAG), "inbox ClientState");
}

#[test]
fn a_subscription_id_is_no_check() {
    let mut late = item("prod", TAG);
    late.subscription = Some("a-replaced-one".into());
    check(&late, "inbox ClientState");
    late.subscription = None;
    check(&late, "inbox ClientState");
}

#[test]
fn what_is_not_signed_by_us_is_refused() {
    check(&item("alien", TAG), "wrong_client_state");
    let mut forged = item("prod", TAG);
    forged.client_state = Some("secretClientValue".into());
    check(&forged, "foreign_client_state");
    forged.client_state = Some("x".repeat(5000).into());
    check(&forged, "foreign_client_state");
    forged.client_state = None;
    check(&forged, "no_client_state");
}

#[test]
fn a_key_outside_of_the_ring_is_told_apart() {
    let mut item = item("prod", TAG);
    let state = ring("new").derive(&FleetId::parse("prod").unwrap(), &TAG);
    item.client_state = Some(state.expose().to_owned().into());
    check(&item, "kid new");
}

#[test]
fn a_tenant_that_is_named_must_be_the_declared_one() {
    let mut one = item("prod", TAG);
    one.tenant = Some(TENANT.to_uppercase().into());
    check(&one, "inbox ClientState");
    one.tenant = Some("".into());
    check(&one, "inbox ClientState");
    one.organization = Some(OTHER.into());
    check(&one, "wrong_tenant");
    one.organization = Some(TENANT.into());
    check(&one, "inbox ClientState");
    one.tenant = Some(OTHER.into());
    check(&one, "wrong_tenant");
    one.tenant = None;
    one.organization = None;
    check(&one, "inbox ClientState");
}

#[test]
fn what_is_declared_no_more_is_accepted_without_a_name() {
    check(&item("prod", KeyTag::from_bytes([9; 16])), "- ClientState");
}

#[test]
fn content_and_declared_content_need_tokens_but_lifecycle_events_do_not() {
    let mut sealed = item("prod", TAG);
    sealed.sealed = Some(Sealed::default());
    check(&sealed, "inbox Tokens");
    check(&item("prod", RICH), "rich Tokens");
    let mut lifecycle = item("prod", RICH);
    lifecycle.happening = Happening::Lifecycle(LifecycleEvent::Missed);
    check(&lifecycle, "rich ClientState");
}

#[test]
fn the_memory_of_the_last_client_state_never_lets_another_one_through() {
    let (ring, home, roster) = (ring("a"), home(), roster());
    let mut judge = Judge::new(Rules {
        ring: &ring,
        home: &home,
        roster: &roster,
    });
    let good = item("prod", TAG);
    let mut bad = good.clone();
    let mut text = bad.client_state.take().unwrap().into_owned();
    text.pop();
    bad.client_state = Some(text.into());
    for _ in 0..3 {
        assert!(matches!(judge.judge(&good), Verdict::Ours(_)));
        assert!(matches!(judge.judge(&bad), Verdict::Refused(_)));
    }
}

fn proven(tenant: &str) -> TokenCheck {
    TokenCheck::Proven(Proven {
        tenant: TenantId::parse(tenant).unwrap(),
        application: AppId::parse("app").unwrap(),
        until: jiff::Timestamp::UNIX_EPOCH,
    })
}

#[track_caller]
fn check_tokens(checks: &[TokenCheck], wanted: Result<(), Against>) {
    let tenant = TenantId::parse(TENANT).unwrap();
    assert_eq!(judge_by_tokens(checks, Some(&tenant)), wanted);
}

#[test]
fn every_token_counts_and_one_is_of_the_tenant() {
    let refused = |refusal| Err(Against::Refused(refusal));
    let wrong = || TokenCheck::Wrong(TokenFault::Audience);
    let later = Err(Against::TryLater(Delay::AuthorityUnreachable));
    check_tokens(&[], refused(Refusal::NoTokens));
    check_tokens(&[proven(OTHER), proven(TENANT)], Ok(()));
    check_tokens(&[proven(OTHER)], refused(Refusal::NoTokenOfTenant));
    check_tokens(&[proven(TENANT), TokenCheck::Unchecked], later);
    let fault = Refusal::Token(TokenFault::Audience);
    check_tokens(&[proven(TENANT), wrong()], refused(fault));
    check_tokens(&[TokenCheck::Unchecked, wrong()], refused(fault));
    assert_eq!(
        judge_by_tokens(&[proven(TENANT)], None),
        refused(Refusal::NoTokenOfTenant)
    );
}

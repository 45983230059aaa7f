//! Another fleet of the same application holds the combination.

use jiff::SignedDuration;
use serde_json::json;

use super::super::play::{Play, entry_of};
use super::super::wishes::{CONTESTED, Wish, short_id};
use super::{creates_of, of, operations};
use crate::domain::conflict::{Answer, Cause, Operation, Service, Verdict, classify, find_rule};
use crate::domain::state::BlockedBy;
use crate::sim::calls::CallRecord;
use crate::sim::control::PlantOrder;
use crate::sim::request::Op;
use crate::sim::row::Row;

/// Long enough to outlive the story.
const HOLDER_LIVES: SignedDuration = SignedDuration::from_hours(48);

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story
        .step("Another fleet of the same application holds the combination");
    let holder = plant(play, &CONTESTED)?;
    play.story.tell(format!(
        "The fleet \"staging\" has a subscription of groups, {}. Now ours wishes for the same, {}.",
        short_id(&holder.id),
        CONTESTED.name
    ));
    let before = play.stage.last_call();
    play.wish(CONTESTED)?;
    play.tick(SignedDuration::ZERO).await?;
    let calls = play.stage.calls_after(before);
    play.story.wire(&calls);
    let create = creates_of(&calls, CONTESTED.resource);
    let refusal = "409 ObjectIdentifierInUse";
    let verdict = claim_refused(play, &CONTESTED, create.first().copied(), refusal);
    explain(play, &verdict);
    claim_recognised(play, &verdict, &holder.id, &calls);
    claim_blocked(play, &CONTESTED, &holder).await?;
    left_alone(play, before, &holder).await
}

/// A subscription of another fleet.
pub(super) fn plant(play: &Play, wish: &Wish) -> anyhow::Result<Row> {
    let control = play.stage.control();
    let subscription = json!({
        "resource": wish.resource,
        "changeType": wish.change_types.join(","),
        "notificationUrl": "https://staging.contoso.example/api/notifications/staging",
        "lifecycleNotificationUrl": "https://staging.contoso.example/api/lifecycle/staging",
        "expirationDateTime": (control.now() + HOLDER_LIVES).to_string(),
        "clientState": "a secret of the other fleet",
    });
    let subscription = subscription.as_object().cloned().unwrap_or_default();
    Ok(control.plant(PlantOrder {
        tenant: None,
        app: None,
        subscription,
    })?)
}

/// Graph refused the create; classified as `evergraph explain` does it.
pub(super) fn claim_refused(
    play: &mut Play,
    wish: &Wish,
    create: Option<&CallRecord>,
    expected: &str,
) -> Verdict {
    let (status, code) = create.map_or((0, String::new()), |call| {
        (
            call.status.unwrap_or_default(),
            call.code.clone().unwrap_or_default(),
        )
    });
    play.story.same(
        format!("Graph refused the POST: {expected}"),
        &expected.to_owned(),
        &format!("{status} {code}"),
    );
    verdict(play, wish, status, &code)
}

/// Tells what `evergraph explain` says of the refusal.
pub(super) fn explain(play: &mut Play, verdict: &Verdict) {
    let rule = find_rule(verdict.rule);
    play.story.tell(format!(
        "What happened, as `evergraph explain` says it: {}, {}. {} (rule {})",
        verdict.cause,
        verdict.cause.meaning(),
        rule.map_or("", |rule| rule.why),
        verdict.rule
    ));
    play.story.tell(format!(
        "What to do: {}. {} Never: {}",
        verdict.remedy,
        rule.map_or("", |rule| rule.advice),
        verdict.cause.never()
    ));
}

/// The refusal was understood, and the holder that it names was looked at.
pub(super) fn claim_recognised(
    play: &mut Play,
    verdict: &Verdict,
    holder: &str,
    calls: &[CallRecord],
) {
    let named = verdict.holder.as_deref();
    play.story.claim(
        "It was recognised, with the id of the holder",
        verdict.cause == Cause::AlreadyExists && named == Some(holder),
        format!("{}, held by {holder}", Cause::AlreadyExists),
        format!("{}, held by {}", verdict.cause, named.unwrap_or_default()),
    );
    let read = of(calls, Op::Get).any(|call| call.id.as_deref() == Some(holder));
    play.story.claim(
        "The holder was read by its id before anything was believed",
        read,
        format!("get {}", short_id(holder)),
        operations(calls),
    );
}

/// The answer classified as the handler does it. Status and code are those of Graph's own log,
/// the message is the one that the handler reported.
fn verdict(play: &Play, wish: &Wish, status: u16, code: &str) -> Verdict {
    let mut decisions = play.decisions.iter().rev();
    let reported = decisions
        .find(|one| one.action == "create" && one.subject == wish.name && one.words.contains(code));
    let words = reported.map_or("", |one| one.words.as_str());
    let message = words
        .split_once(&format!("{code}: "))
        .map_or("", |(_, rest)| rest);
    let body = json!({"error": {"code": code, "message": message.trim_end_matches(')')}});
    classify(&Answer {
        service: Service::GraphSubscriptions,
        operation: Operation::Create,
        status,
        headers: &[],
        body: body.to_string().as_bytes(),
    })
}

/// It was reported and remembered as held by a stranger.
pub(super) async fn claim_blocked(
    play: &mut Play,
    wish: &Wish,
    holder: &Row,
) -> anyhow::Result<()> {
    let mut decisions = play.decisions.iter().rev();
    let reported = decisions.find(|one| one.action == "block" && one.subject == wish.name);
    let reported = reported.map(|one| format!("{} {}: {}", one.action, one.subject, one.reason));
    play.story.same(
        "It is reported as held by a stranger",
        &format!("block {}: foreign-holder", wish.name),
        &reported.unwrap_or_default(),
    );
    let memory = play.stage.memory().await?;
    let blocked = entry_of(&memory, wish).and_then(|entry| entry.blocked.clone());
    let names_holder = blocked.as_ref().is_some_and(|blocked| {
        blocked.cause == BlockedBy::Foreign
            && blocked
                .holder
                .as_ref()
                .is_some_and(|id| id.as_str() == holder.id)
    });
    let until = blocked.map_or_else(String::new, |blocked| {
        blocked.until.strftime("%H:%M").to_string()
    });
    play.story.claim(
        format!("It is remembered, and not tried again before the next audit at {until}"),
        names_holder,
        format!("blocked, held by {}", holder.id),
        format!("blocked until {until}, holder as expected: {names_holder}"),
    );
    Ok(())
}

async fn left_alone(play: &mut Play, before: u64, holder: &Row) -> anyhow::Result<()> {
    let quiet_from = play.stage.last_call();
    play.stage.tick(SignedDuration::ZERO).await?;
    play.story.same(
        "The next run does not hammer: no call of Graph",
        &"no call".to_owned(),
        &operations(&play.stage.calls_after(quiet_from)),
    );
    let calls = play.stage.calls_after(before);
    let touched = calls.iter().filter(|call| {
        matches!(call.operation, Op::Renew | Op::Delete | Op::Reauthorize)
            && call.id.as_deref() == Some(&holder.id)
    });
    let same = play.live(&CONTESTED) == [holder.clone()];
    play.story.same(
        "The stranger's subscription was left alone: no PATCH, no DELETE, unchanged",
        &"0 calls, unchanged true".to_owned(),
        &format!("{} calls, unchanged {same}", touched.count()),
    );
    Ok(())
}

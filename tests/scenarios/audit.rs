//! The audit: every decision is one record, deletes wait for theirs, and nothing else does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergraph::adapters::audit::memory::MemoryAudit;
use evergraph::app::audit::line::decode;
use evergraph::app::audit::trail::Trail;
use evergraph::app::heartbeat::{Health, Heartbeat};
use evergraph::app::marks;
use evergraph::app::report::{Action, Report};
use evergraph::domain::audit::{BEGUN, DONE, Kind, Record};
use evergraph::domain::ids::{AppId, SubscriptionId, TenantId};
use evergraph::domain::plan::Reason;
use evergraph::domain::policy::Mode;
use evergraph::domain::sight::{LifecycleEvent, WakeMark};
use evergraph::domain::subscription::Observed;
use evergraph::ports::audit::{Audit as _, AuditError, Book};
use evergraph::ports::graph::{CreateRequest, Graph, GraphError, Listed, RenewRequest, Reply};
use evergraph::sim::port::SimGraph;
use jiff::SignedDuration;

use crate::fleet::{Fleet, calls, done, mailboxes, wish};
use crate::rows::{plant_foreign, plant_like, words};

fn records(audit: &MemoryAudit) -> Vec<Record> {
    let lines = audit.lines(Book::Decisions);
    lines.iter().map(|line| decode(line).unwrap()).collect()
}

fn failure() -> AuditError {
    AuditError::Unavailable {
        place: "a test".to_owned(),
        why: "the storage account is away".to_owned(),
    }
}

fn of<'r>(records: &'r [Record], action: &'static str) -> Vec<&'r Record> {
    let of_kind = records.iter().filter(|one| one.kind == Kind::Decision);
    of_kind.filter(|one| one.action == action).collect()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[tokio::test(start_paused = true)]
async fn every_decision_of_a_report_is_one_record_with_its_particulars() {
    let mut wishes = mailboxes(2);
    wishes[0].because = Some("https://tickets.example.com/4711".to_owned());
    let fleet = Fleet::new(wishes);
    let report = fleet.tick().await;
    let records = records(&fleet.audit);
    for decision in &report.decisions {
        let same = |one: &&Record| {
            one.action == decision.action.as_str()
                && one.reason == decision.reason.as_str()
                && one.outcome == decision.outcome
                && one.about.id == decision.id
                && one.about.name == decision.name
                && one.at == decision.at
        };
        assert_eq!(records.iter().filter(same).count(), 1, "{decision:?}");
    }
    let created = of(&records, "create");
    assert_eq!(created.len(), 2);
    for one in &created {
        let row = fleet
            .live()
            .into_iter()
            .find(|row| Some(row.id.as_str()) == one.about.id.as_deref());
        let row = row.unwrap();
        assert_eq!(one.after["expires"], row.expires.to_string());
        assert!(
            one.about.key.is_some() && one.about.tenant.is_some(),
            "{one:?}"
        );
        assert_eq!(one.rule.as_ref().unwrap().id, "plan/missing");
        assert_eq!(one.request_ids.len(), 1);
        assert!(
            one.seen.contains("complete listing of 0 rows"),
            "{}",
            one.seen
        );
        let because = (one.about.name.as_deref() == Some("box-0"))
            .then_some("https://tickets.example.com/4711");
        assert_eq!(one.because.as_deref(), because);
    }
    assert_eq!(of(&records, "declare").len(), 2);
    let runs: std::collections::BTreeSet<_> = records.iter().map(|one| &one.run).collect();
    let ids: std::collections::BTreeSet<_> = records.iter().map(|one| &one.id).collect();
    assert_eq!((runs.len(), ids.len()), (1, records.len()));
    let last = records.last().unwrap();
    assert_eq!((&last.kind, last.outcome.as_str()), (&Kind::Pass, DONE));
    assert!(records.iter().all(|one| one.actor.starts_with("prod")));
}

#[tokio::test(start_paused = true)]
async fn no_record_and_no_line_holds_a_client_state() {
    let fleet = Fleet::new(mailboxes(3));
    fleet.run_for(hours(30)).await;
    let lines = fleet.audit.lines(Book::Decisions).join("\n");
    for row in fleet.live() {
        let secret = row.client_state.unwrap();
        assert!(!lines.contains(secret.expose()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_tick_does_not_touch_the_audit() {
    let fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    // What was created is looked at once more.
    fleet.jump(5);
    fleet.tick().await;
    let before = fleet.audit.appends();
    assert!(before > 0);
    for _ in 0..5 {
        fleet.jump(5);
        let report = fleet.tick().await;
        assert_eq!(calls(&[report], "list"), 0, "the tick was idle");
    }
    assert_eq!(fleet.audit.appends(), before);
}

#[tokio::test(start_paused = true)]
async fn a_pass_writes_its_records_in_few_calls() {
    let fleet = Fleet::new(mailboxes(40));
    let report = fleet.tick().await;
    // Before each write of state, and once at the end.
    let appends = fleet.audit.appends();
    let writes = u64::from(report.state_writes);
    assert!(
        appends <= writes + 1,
        "{appends} for {writes} writes of state"
    );
    assert!(records(&fleet.audit).len() > 80);
}

/// Graph that never answers a create: the pass hangs there until it is killed.
#[tokio::test(start_paused = true)]
async fn a_pass_that_is_killed_has_its_records_as_far_as_its_memory_goes() {
    let mut fleet = Fleet::new(mailboxes(2));
    let deletes = Arc::default();
    fleet.services.graph = Arc::new(Watched {
        graph: Arc::clone(&fleet.graph),
        audit: fleet.audit.clone(),
        deletes,
        hangs_at_create: true,
    });
    let killed = tokio::time::timeout(Duration::from_secs(60), fleet.tick()).await;
    assert!(killed.is_err(), "it hangs");
    let state = String::from_utf8(fleet.state_bytes().await).unwrap();
    assert!(state.contains("intent"), "{state}");
    assert_eq!(of(&records(&fleet.audit), "declare").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_removal_is_written_down_before_it_is_sent() {
    let fleet = Fleet::new(mailboxes(20));
    fleet.tick().await;
    fleet.declare(mailboxes(17));
    fleet.run_for(hours(3)).await;
    assert_eq!(fleet.live().len(), 17);
    let records = records(&fleet.audit);
    let begun: Vec<_> = of(&records, "delete")
        .into_iter()
        .filter(|one| one.outcome == BEGUN)
        .collect();
    assert_eq!(begun.len(), 3);
    for one in begun {
        assert_eq!(one.reason, Reason::Undeclared.as_str());
        assert!(one.before.contains_key("expires"), "{one:?}");
        let after: Vec<_> = records
            .iter()
            .filter(|other| other.settles.as_ref() == Some(&one.id))
            .collect();
        assert_eq!(after.len(), 1, "{one:?}");
        assert_eq!(after[0].outcome, DONE);
        assert_eq!(after[0].about.id, one.about.id);
    }
}

/// Graph as it is, but for a look at the audit at each delete.
struct Watched {
    graph: Arc<SimGraph>,
    audit: MemoryAudit,
    deletes: Arc<Mutex<Vec<(String, bool)>>>,
    hangs_at_create: bool,
}

#[async_trait::async_trait]
impl Graph for Watched {
    async fn application(&self, tenant: &TenantId) -> Result<AppId, GraphError> {
        self.graph.application(tenant).await
    }
    async fn list(&self, tenant: &TenantId) -> Result<Reply<Listed>, GraphError> {
        self.graph.list(tenant).await
    }
    async fn get(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<Observed>, GraphError> {
        self.graph.get(tenant, id).await
    }
    async fn create(
        &self,
        tenant: &TenantId,
        request: &CreateRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        if self.hangs_at_create {
            std::future::pending::<()>().await;
        }
        self.graph.create(tenant, request).await
    }
    async fn renew(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        request: &RenewRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        self.graph.renew(tenant, id, request).await
    }
    async fn reauthorize(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<()>, GraphError> {
        self.graph.reauthorize(tenant, id).await
    }
    async fn delete(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        limit: Duration,
    ) -> Result<Reply<()>, GraphError> {
        let begun = records(&self.audit).into_iter().any(|one| {
            one.action == "delete"
                && one.outcome == BEGUN
                && one.about.id.as_deref() == Some(id.as_str())
        });
        self.deletes.lock().unwrap().push((id.to_string(), begun));
        self.graph.delete(tenant, id, limit).await
    }
}

fn long_lived(fleet: &Fleet, body: &mut serde_json::Map<String, serde_json::Value>) {
    let end = fleet.sim.clock.read() + hours(166);
    body.insert("expirationDateTime".to_owned(), end.to_string().into());
}

/// Duplicates, a row that is no longer declared, and one that is not as declared.
async fn rows_that_must_go() -> Fleet {
    let fleet = Fleet::new(mailboxes(6));
    fleet.tick().await;
    let row = fleet.live()[0].clone();
    for _ in 0..2 {
        plant_like(&fleet, &row, |body| long_lived(&fleet, body));
    }
    fleet.declare(mailboxes(5));
    let mut live = fleet.live().into_iter();
    let other = live
        .find(|row| row.resource == "users/u1/messages")
        .unwrap();
    fleet.control.remove(&other.id, false).unwrap();
    plant_like(&fleet, &other, |body| {
        body.insert("clientState".to_owned(), "not ours to know".into());
        long_lived(&fleet, body);
    });
    fleet
}

#[tokio::test(start_paused = true)]
async fn a_record_precedes_every_delete_that_graph_hears() {
    let mut fleet = rows_that_must_go().await;
    assert!(deletes_heard(&mut fleet).await >= 4);
    assert_eq!(fleet.live().len(), 5);
    let records = records(&fleet.audit);
    let settled = |one: &&Record| {
        let after = records
            .iter()
            .filter(|other| other.settles.as_ref() == Some(&one.id));
        one.outcome == BEGUN && after.count() == 1
    };
    let begun = of(&records, "delete")
        .into_iter()
        .filter(|one| one.outcome == BEGUN);
    assert!(begun.clone().all(|one| settled(&one)));
}

#[tokio::test(start_paused = true)]
async fn a_record_precedes_the_delete_of_what_is_in_the_way() {
    let mut fleet = Fleet::new(vec![wish("chats", "chats/getAllMessages", "created")]);
    fleet.tick().await;
    let both = "created,updated";
    fleet.declare(vec![wish("chats", "chats/getAllMessages", both)]);
    assert_eq!(deletes_heard(&mut fleet).await, 1);
    assert_eq!(fleet.live()[0].change_type, both);
    let records = records(&fleet.audit);
    let end = records.iter().filter(|one| one.kind == Kind::Pass);
    let gap = |one: &&Record| one.after.keys().any(|name| name.starts_with("gap_ms."));
    assert_eq!(end.filter(gap).count(), 1, "the gap stands in the audit");
}

/// Runs for hours; answers how many deletes Graph heard. Each had its record before.
async fn deletes_heard(fleet: &mut Fleet) -> usize {
    let deletes: Arc<Mutex<Vec<_>>> = Arc::default();
    fleet.services.graph = Arc::new(Watched {
        graph: Arc::clone(&fleet.graph),
        audit: fleet.audit.clone(),
        deletes: Arc::clone(&deletes),
        hangs_at_create: false,
    });
    fleet.run_for(hours(6)).await;
    let heard = deletes.lock().unwrap().clone();
    for (id, begun) in &heard {
        assert!(begun, "{id} was deleted before it was written down");
    }
    heard.len()
}

fn brakes(reports: &[Report]) -> usize {
    let braked = |report: &&Report| report.brakes.iter().any(|one| one.brake == "audit-failing");
    reports.iter().filter(braked).count()
}

#[tokio::test(start_paused = true)]
async fn while_the_audit_fails_deletes_wait_and_everything_else_goes_on() {
    let mut fleet = rows_that_must_go().await;
    fleet.config.policy.tick = SignedDuration::from_mins(30);
    let lines = fleet.audit.lines(Book::Decisions);
    fleet.audit.fail(Some(failure()));
    let mut wishes = mailboxes(5);
    wishes.push(wish("late", "users/late/messages", "created"));
    fleet.declare(wishes);
    let reports = fleet.run_for(hours(24 * 6)).await;
    assert_eq!(calls(&reports, "delete"), 0);
    let created = done(&reports, Action::Create);
    assert!(created >= 1, "the late wish is served");
    assert!(done(&reports, Action::Renew) >= 6, "renewals go on");
    assert!(brakes(&reports) > 0);
    let said = words(&reports);
    for part in [
        "audit-failing",
        "EVERGRAPH_AUDIT",
        "storage account is away",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert_eq!(fleet.audit.lines(Book::Decisions), lines);
    let beat = Heartbeat::read(&fleet.store).await.unwrap();
    let now = fleet.sim.clock.read() - fleet.config.policy.tick;
    assert_eq!(beat.health(now, fleet.config.policy.tick), Health::Stale);

    fleet.audit.fail(None);
    let reports = fleet.run_for(hours(6)).await;
    assert!(calls(&reports, "delete") >= 3, "they only waited");
    assert_eq!(fleet.live().len(), 6);
    assert_eq!(brakes(&reports), 0);
    let beat = Heartbeat::read(&fleet.store).await.unwrap();
    let now = fleet.sim.clock.read() - fleet.config.policy.tick;
    assert_eq!(beat.health(now, fleet.config.policy.tick), Health::Ok);
    // What was decided meanwhile was kept in memory, and is there.
    let records = records(&fleet.audit);
    let late = of(&records, "create")
        .into_iter()
        .filter(|one| one.about.name.as_deref() == Some("late"))
        .count();
    assert_eq!(late, 1);
    let deletes = of(&records, "delete");
    for one in deletes.iter().filter(|one| one.outcome == BEGUN) {
        let after = records
            .iter()
            .filter(|other| other.settles.as_ref() == Some(&one.id));
        assert_eq!(after.count(), 1, "{one:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_written_by_the_next_tick_even_if_nothing_is_due() {
    let fleet = Fleet::new(mailboxes(2));
    fleet.audit.fail(Some(failure()));
    let report = fleet.tick().await;
    assert_eq!(brakes(&[report]), 1);
    assert_eq!(fleet.live().len(), 2);
    fleet.jump(5);
    fleet.tick().await;
    fleet.audit.fail(None);
    // Before what was created is looked at once more.
    fleet.jump(1);
    let report = fleet.tick().await;
    assert_eq!(calls(std::slice::from_ref(&report), "list"), 0);
    assert_eq!(brakes(&[report]), 0);
    assert_eq!(of(&records(&fleet.audit), "create").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_only_observes_leaves_no_record() {
    let mut fleet = Fleet::new(mailboxes(2));
    fleet.config.policy.mode = Mode::Observe;
    fleet.tick().await;
    assert_eq!(fleet.audit.appends(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_kept_with_its_cause_its_remedy_and_its_rule() {
    let fleet = Fleet::new(mailboxes(1));
    plant_foreign(&fleet, "users/u0/messages", "created,updated", 3);
    fleet.tick().await;
    let records = records(&fleet.audit);
    let refused = of(&records, "create");
    assert_eq!(refused.len(), 1, "{records:#?}");
    let one = refused[0];
    assert_eq!(one.outcome, "conflict");
    assert!(one.cause.is_some() && one.remedy.is_some(), "{one:?}");
    let rule = one.rule.as_ref().unwrap();
    assert!(rule.id.starts_with("graph-subscriptions/"), "{rule:?}");
    assert_eq!(rule.version, env!("CARGO_PKG_VERSION"));
    let blocked = of(&records, "block");
    assert_eq!(blocked[0].about.name.as_deref(), Some("box-0"));
    assert!(blocked[0].until.is_some());
}

#[tokio::test(start_paused = true)]
async fn lifecycle_events_that_a_pass_took_up_are_kept() {
    let fleet = Fleet::new(mailboxes(1));
    fleet.tick().await;
    let id = fleet.live()[0].id.clone();
    for event in ["missed", "reauthorizationRequired"] {
        let mark = WakeMark {
            event: LifecycleEvent::parse(event).unwrap(),
            subscription: SubscriptionId::parse(&id).unwrap(),
        };
        marks::leave(&fleet.store, &mark).await.unwrap();
    }
    fleet.jump(15);
    fleet.tick().await;
    let records = records(&fleet.audit);
    let mut heard: Vec<_> = records
        .iter()
        .filter(|one| one.kind == Kind::Lifecycle)
        .collect();
    heard.sort_by_key(|one| one.action.clone());
    let events: Vec<_> = heard.iter().map(|one| one.action.as_str()).collect();
    assert_eq!(events, ["missed", "reauthorizationRequired"]);
    assert_eq!(heard[0].about.name.as_deref(), Some("box-0"));
    assert!(heard[0].words.contains("read anew"), "{}", heard[0].words);
}

#[tokio::test(start_paused = true)]
async fn records_are_removed_after_their_time_and_once_a_day() {
    let mut fleet = Fleet::new(mailboxes(1));
    let trail = Trail::new(Arc::new(fleet.audit.clone()), "prod", "short");
    fleet.services.trail = Arc::new(trail.keeping(hours(24 * 3)));
    fleet.run_for(hours(24 * 9)).await;
    let days = fleet.audit.segments(Book::Decisions, None).await.unwrap();
    let (first, last) = (days[0].day, days[days.len() - 1].day);
    let span = last.since(first).unwrap().get_days();
    assert!((2..=4).contains(&span), "{first} to {last}");
}

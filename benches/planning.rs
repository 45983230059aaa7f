//! How long one planning takes over a large state. The bound: at least 1,000,000 subscriptions a
//! second on one core.

#![allow(clippy::unwrap_used, missing_docs, reason = "benchmark")]

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

#[path = "on_cpu/mod.rs"]
mod on_cpu;
use evergraph::domain::agenda::Agenda;
use evergraph::domain::client_state::KeyRing;
use evergraph::domain::ids::{AppId, FleetId, Kid, SubscriptionId, SubscriptionName, TenantId};
use evergraph::domain::ownership::{FleetUrl, Home, Origin};
use evergraph::domain::policy::{Mode, Policy};
use evergraph::domain::reconcile::{Inputs, Progress, config_hash, reconcile};
use evergraph::domain::resource::Resource;
use evergraph::domain::sight::{Listing, Proofs, Sights};
use evergraph::domain::state::{Entry, Held, HeldOrigin, Residence, ShardState, TenantState};
use evergraph::domain::subscription::{
    ChangeType, ChangeTypes, Declaration, Desired, DesiredSet, Lifetime, Observed, SubscriptionKey,
};
use jiff::{SignedDuration, Timestamp};

const COUNT: usize = 100_000;
const NOW: Timestamp = Timestamp::constant(1_900_000_000, 0);

struct Fleet {
    declaration: Declaration,
    state: ShardState,
    home: Home,
    ring: KeyRing,
    policy: Policy,
    rows: Vec<(TenantId, Observed)>,
    tenants: Vec<TenantId>,
}

fn fleet(tenants: usize, due_every: Option<usize>) -> Fleet {
    let tenants: Vec<TenantId> = (0..tenants)
        .map(|at| TenantId::parse(&format!("{at:08}-1111-4111-8111-111111111111")).unwrap())
        .collect();
    let home = Home {
        current: FleetUrl {
            origin: Origin::parse("https://app.example.com").unwrap(),
            fleet: FleetId::parse("prod").unwrap(),
        },
        former: Vec::new(),
    };
    let wishes: Vec<Desired> = (0..COUNT)
        .map(|at| wish(&tenants[at % tenants.len()], at))
        .collect();
    let declaration = Declaration::Read(DesiredSet::of(wishes.clone()));
    let mut state = ShardState {
        residence: Some(Residence {
            fleet: home.current.fleet.clone(),
            origin: home.current.origin.as_str().to_owned(),
        }),
        config_hash: config_hash(&declaration, &home),
        ..ShardState::default()
    };
    for tenant in &tenants {
        let known = TenantState {
            app: Some(AppId::unnamed()),
            audited_at: Some(NOW),
            ..TenantState::default()
        };
        state.tenants.insert(tenant.clone(), known);
    }
    let mut rows = Vec::new();
    for (at, wish) in wishes.iter().enumerate() {
        let due = due_every.is_some_and(|every| at % every == 0);
        let (entry, row) = served(wish, at, due, &home);
        state.entries.insert(wish.key.tag(), entry);
        rows.push((wish.key.tenant.clone(), row));
    }
    Fleet {
        declaration,
        state,
        home,
        ring: KeyRing::parse("a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap(),
        policy: Policy::default(),
        rows,
        tenants,
    }
}

fn wish(tenant: &TenantId, at: usize) -> Desired {
    let resource = Resource::parse(&format!(
        "users/{at:08}-2222-4222-8222-222222222222/messages"
    ))
    .unwrap();
    Desired {
        name: SubscriptionName::parse(&format!("mail-{at}")).unwrap(),
        key: SubscriptionKey {
            tenant: tenant.clone(),
            resource: resource.normal().to_owned(),
            change_types: ChangeTypes::of(&[ChangeType::Created, ChangeType::Updated]),
            resource_data: false,
            query_options: None,
        },
        resource,
        lifetime: Lifetime::Max,
        lifecycle: true,
        certificate: None,
        because: None,
    }
}

fn served(wish: &Desired, at: usize, due: bool, home: &Home) -> (Entry, Observed) {
    // Graph's ids and its order have nothing to do with ours.
    let mixed = at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let id = SubscriptionId::parse(&format!("{mixed:016x}-4333-8333-{at:012x}")).unwrap();
    let hour = SignedDuration::from_hours(1);
    let expires = NOW + hour * 48;
    let mut entry = Entry::new(wish.key.clone());
    entry.name = Some(wish.name.clone());
    entry.held = Some(Held {
        id: id.clone(),
        expires,
        due: if due { NOW } else { NOW + hour * 24 },
        obtained_at: NOW - hour * 100,
        origin: HeldOrigin::Created,
        kid: Some(Kid::parse("a").unwrap()),
        certificate_id: None,
        certificate_asked: None,
        patched_at: None,
        doubted: false,
    });
    let row = Observed {
        id,
        resource: wish.resource.as_str().to_owned(),
        change_types: Some(wish.key.change_types),
        notification_url: home.current.notifications(),
        lifecycle_url: Some(home.current.lifecycle()),
        expires,
        client_state: None,
        application: None,
        resource_data: false,
        certificate_id: None,
        query_options: None,
    };
    (entry, row)
}

impl Fleet {
    fn sights(&self, listed: bool) -> Sights {
        let mut sights = Sights::new();
        for tenant in &self.tenants {
            let sight = sights.entry(tenant.clone()).or_default();
            sight.app = Some(AppId::unnamed());
        }
        if listed {
            for tenant in &self.tenants {
                let rows = self.rows.iter().filter(|(of, _)| of == tenant);
                sights.get_mut(tenant).unwrap().listing = Listing::Complete {
                    rows: rows.map(|(_, row)| row.clone()).collect(),
                    begun_at: NOW,
                };
            }
        }
        sights
    }

    fn plan(&self, sights: &Sights) -> usize {
        let (proofs, former_apps) = (Proofs::default(), BTreeSet::new());
        let progress = Progress::new(NOW);
        let plan = reconcile(&Inputs {
            declaration: &self.declaration,
            state: &self.state,
            unreadable: None,
            sights,
            marks: &[],
            proofs: &proofs,
            home: &self.home,
            ring: &self.ring,
            former_apps: &former_apps,
            policy: &self.policy,
            now: NOW,
            progress: &progress,
        });
        assert!(plan.looks.is_empty() && plan.holds.is_empty());
        plan.steps.len()
    }
}

fn planning(c: &mut Criterion<on_cpu::OnCpu>) {
    let mut group = c.benchmark_group("planning");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.sample_size(20);
    for (name, tenants, due_every, listed) in [
        ("nothing due", 1, None, false),
        ("nothing due, 1000 tenants", 1000, None, false),
        ("1 % due", 1, Some(100), false),
        ("a full audit", 1, None, true),
        ("a full audit, 100 tenants", 100, None, true),
    ] {
        let fleet = fleet(tenants, due_every);
        let sights = fleet.sights(listed);
        let wanted = due_every.map_or(0, |every| COUNT / every);
        assert_eq!(fleet.plan(&sights), wanted);
        group.bench_function(name, |b| {
            b.iter(|| black_box(fleet.plan(black_box(&sights))))
        });
    }
    let fleet = fleet(1, None);
    let hash = config_hash(&fleet.declaration, &fleet.home);
    group.bench_function("idle tick", |b| {
        b.iter_batched(
            || Agenda {
                declaration: &fleet.declaration,
                config_hash: hash.as_deref(),
                state: &fleet.state,
                policy: &fleet.policy,
                mode: Mode::Full,
                now: NOW,
            },
            |agenda| assert_eq!(black_box(agenda).first_item(), None),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(on_cpu::OnCpu);
    targets = planning
}
criterion_main!(benches);

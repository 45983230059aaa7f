//! The stored form of 100,000 subscriptions: reading and writing each take well under a second.

#![allow(clippy::unwrap_used, missing_docs, reason = "bench file")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evergraph::app::state_doc::StateDoc;
use evergraph::domain::ids::{Kid, SubscriptionId, SubscriptionName, TenantId};
use evergraph::domain::state::{Entry, Held, HeldOrigin};
use evergraph::domain::subscription::{ChangeTypes, SubscriptionKey};
use jiff::Timestamp;

const COUNT: usize = 100_000;

fn entry(at: usize) -> Entry {
    let start = Timestamp::UNIX_EPOCH;
    let key = SubscriptionKey {
        tenant: TenantId::parse("84bd8158-6d4d-4958-8b9f-9d6445542f95").unwrap(),
        resource: format!("users/{at:08x}-90c4-4a8e-b6f1-2f5c9a0e6d17/messages"),
        change_types: ChangeTypes::parse("created,updated").unwrap(),
        resource_data: false,
        query_options: None,
    };
    Entry {
        name: Some(SubscriptionName::parse(&format!("mailbox-{at}")).unwrap()),
        held: Some(Held {
            id: SubscriptionId::parse(&format!("{at:08x}-2dc5-4530-97cd-4e7ae6534c07")).unwrap(),
            expires: start,
            due: start,
            obtained_at: start,
            origin: HeldOrigin::Created,
            kid: Some(Kid::parse("2026a").unwrap()),
            certificate_id: None,
            certificate_asked: None,
            patched_at: Some(start),
            doubted: false,
        }),
        renewals: 7,
        creations: 1,
        ..Entry::new(key)
    }
}

fn state(c: &mut Criterion) {
    let mut doc = StateDoc::default();
    for at in 0..COUNT {
        let entry = entry(at);
        doc.state.entries.insert(entry.key.tag(), entry);
    }
    let bytes = doc.encode();
    let mut group = c.benchmark_group("state of 100,000 subscriptions");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("save", |b| b.iter(|| black_box(doc.encode())));
    group.bench_function("load", |b| {
        b.iter(|| StateDoc::decode(black_box(&bytes)).unwrap())
    });
    group.finish();
}

criterion_group!(benches, state);
criterion_main!(benches);

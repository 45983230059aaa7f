//! What an item costs on its way in, on one core and without a socket: time on the processor,
//! items a second, and allocations for each item (printed once, before the times).
//!
//! `evergraph bench intake` measures the same as whole processes, beside peers.

#![allow(clippy::unwrap_used, missing_docs, reason = "benchmark")]

use std::alloc::System;
use std::hint::black_box;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use evergraph::adapters::clock::SystemClock;
use evergraph::adapters::crypto::{DecryptionKeyEntry, DecryptionKeys};
use evergraph::adapters::event_ids::CountedIds;
use evergraph::adapters::jwks::{AuthorityOptions, AuthorityTokens};
use evergraph::adapters::sink::memory::MemorySink;
use evergraph::adapters::state::memory::MemoryStore;
use evergraph::app::intake::{Answer, Intake, IntakeConfig, IntakeServices, Route};
use evergraph::domain::client_state::KeyRing;
use evergraph::domain::ids::{AppId, FleetId, SubscriptionName, TenantId};
use evergraph::domain::notification::Sealed;
use evergraph::domain::notification::roster::{Expected, Opening, Roster};
use evergraph::domain::ownership::{FleetUrl, Home, Origin};
use evergraph::domain::resource::ResourceKind;
use evergraph::domain::subscription::KeyTag;
use evergraph::ports::keys::ContentKeys as _;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::runtime::Runtime;
use url::Url;

#[path = "on_cpu/mod.rs"]
mod on_cpu;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const TAG: KeyTag = KeyTag::from_bytes([1; 16]);
const PLACE: &str = "BENCHNUMBERPLACE";

struct Bench {
    runtime: Runtime,
    intake: Intake,
    ring: KeyRing,
    fleet: FleetId,
    number: u64,
}

fn ring() -> KeyRing {
    KeyRing::parse("a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap()
}

fn bench() -> Bench {
    let fleet = FleetId::parse("prod").unwrap();
    let home = Home {
        current: FleetUrl {
            origin: Origin::parse("https://app.example.com").unwrap(),
            fleet: fleet.clone(),
        },
        former: Vec::new(),
    };
    let authority = Url::parse("https://login.example").unwrap();
    let own: [AppId; 0] = [];
    let services = IntakeServices {
        sink: Arc::new(MemorySink::forgetful(1_000, Default::default())),
        store: Arc::new(MemoryStore::new()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(CountedIds::of_process(7)),
        publisher: Arc::new(AuthorityTokens::new(AuthorityOptions::of_authority(
            &authority, own,
        ))),
        keys: Arc::new(DecryptionKeys::none()),
    };
    let intake = Intake::new(services, IntakeConfig::new(home, Arc::new(ring())));
    let expected = Expected {
        name: SubscriptionName::parse("inbox").unwrap(),
        tenant: TenantId::parse(TENANT).unwrap(),
        kind: ResourceKind::Message,
        resource_data: false,
        opening: Opening::Decrypt,
    };
    intake.declare(Roster::from_iter([(TAG, expected)]));
    Bench {
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
        intake,
        ring: ring(),
        fleet,
        number: 0,
    }
}

/// A body with so many items of a mailbox, and the places of their numbers.
fn body(client_state: &str, items: usize) -> (Vec<u8>, Vec<usize>) {
    let id = format!("AAMkAGI1YTMxNmQyLTk2YjQtNDdmYi05OGJl{PLACE}AADkrWGo7bouTKlsgTZMr9KwAAA=");
    let item = json!({
        "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
        "subscriptionExpirationDateTime": "2031-03-20T11:00:00.0000000Z",
        "clientState": client_state,
        "changeType": "created",
        "resource": format!("Users/7d3c1b52-90c4-4a8e-b6f1-2f5c9a0e6d17/Messages/{id}"),
        "tenantId": TENANT,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": format!("Users/7d3c1b52-90c4-4a8e-b6f1-2f5c9a0e6d17/Messages/{id}"),
            "@odata.etag": "W/\"CQAAABYAAADkrWGo7bouTKlsgTZMr9KwAAAUWRHf\"",
            "id": id,
        },
    });
    let body = json!({ "value": vec![item; items] }).to_string();
    let places = body.match_indices(PLACE).map(|(at, _)| at).collect();
    (body.into_bytes(), places)
}

impl Bench {
    /// The next body of the same form, none of whose items came before.
    fn fresh(&mut self, (body, places): &(Vec<u8>, Vec<usize>)) -> Vec<u8> {
        let mut body = body.clone();
        for (at, place) in places.iter().enumerate() {
            if at % 3 == 0 {
                self.number += 1;
            }
            let number = format!("{:016x}", self.number);
            body[*place..place + PLACE.len()].copy_from_slice(number.as_bytes());
        }
        body
    }

    fn receive(&self, body: &[u8]) -> Answer {
        let admission = self.intake.admit().unwrap();
        let receiving = self.intake.receive(admission, Route::Notifications, body);
        self.runtime.block_on(receiving)
    }
}

fn tell_allocations(what: &str, items: usize, region: &Region<'_, System>) {
    let change = region.change();
    eprintln!(
        "{what}: {:.1} allocations and {:.0} bytes for each item",
        change.allocations as f64 / items as f64,
        change.bytes_allocated as f64 / items as f64
    );
}

/// The way of basic items: all of it, and up to the judgement alone (forged items go no further).
fn basic(c: &mut Criterion<on_cpu::OnCpu>) {
    let mut bench = bench();
    let genuine = bench.ring.derive(&bench.fleet, &TAG).expose().to_owned();
    let mut forged = genuine.clone();
    let last = if forged.ends_with('A') { "B" } else { "A" };
    forged.replace_range(forged.len() - 1.., last);
    for items in [1, 100] {
        let mut group = c.benchmark_group(format!("basic, {items} in a post"));
        group.throughput(Throughput::Elements(items as u64));
        for (what, client_state) in [
            ("read and judged, all forged", &forged),
            (
                "taken in: read, judged, told from repeats, written as CloudEvents",
                &genuine,
            ),
        ] {
            let form = body(client_state, items);
            for _ in 0..1_000 {
                let body = bench.fresh(&form);
                black_box(bench.receive(&body));
            }
            let body = bench.fresh(&form);
            let region = Region::new(ALLOCATOR);
            let answer = bench.receive(&body);
            tell_allocations(&format!("{items} in a post, {what}"), items, &region);
            let Answer::Accepted(receipt) = answer else {
                panic!("{answer:?}");
            };
            assert_eq!(receipt.written + receipt.refused, items);
            let bench = std::cell::RefCell::new(&mut bench);
            group.bench_function(what, |b| {
                b.iter_batched(
                    || bench.borrow_mut().fresh(&form),
                    |body| black_box(bench.borrow().receive(&body)),
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

fn client_state(c: &mut Criterion<on_cpu::OnCpu>) {
    let ring = ring();
    let fleets = [FleetId::parse("prod").unwrap()];
    let text = ring.derive(&fleets[0], &TAG).expose().to_owned();
    let region = Region::new(ALLOCATOR);
    ring.verify(&fleets, &text).unwrap();
    tell_allocations("clientState verified", 1, &region);
    let mut group = c.benchmark_group("clientState");
    group.throughput(Throughput::Elements(1));
    group.bench_function("verified", |b| {
        b.iter(|| ring.verify(&fleets, black_box(&text)).unwrap())
    });
    group.finish();
}

/// A key pair, its keys as the handler holds them, and an envelope.
fn envelope() -> (DecryptionKeys, Value) {
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let certificate = CertificateParams::new(vec!["bench".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&pair).unwrap();
    let content = json!({"subject": "Order 4711 was changed", "bodyPreview": "x".repeat(400)});
    let sealed = evergraph::sim::envelope::seal(
        &STANDARD.encode(certificate.der()),
        Some("bench"),
        content.to_string().as_bytes(),
        &[7; 32],
    );
    let list = format!("bench={}", pair.serialize_pem());
    let entries = DecryptionKeyEntry::parse_list(&list).unwrap();
    let (keys, faults) = DecryptionKeys::load(&entries, |_| unreachable!("no files"));
    assert!(faults.is_empty());
    (keys, sealed.unwrap())
}

/// Opening an envelope; nearly all of it is one RSA operation.
fn rich(c: &mut Criterion<on_cpu::OnCpu>) {
    let (keys, envelope) = envelope();
    let part = |name: &str| Some(envelope[name].as_str().unwrap().into());
    let sealed = Sealed {
        data: part("data"),
        signature: part("dataSignature"),
        key: part("dataKey"),
        certificate_id: part("encryptionCertificateId"),
    };
    let region = Region::new(ALLOCATOR);
    keys.open(&sealed).unwrap();
    tell_allocations("an envelope opened", 1, &region);
    let mut group = c.benchmark_group("rich");
    group.throughput(Throughput::Elements(1));
    group.bench_function("an envelope opened", |b| {
        b.iter(|| keys.open(black_box(&sealed)).unwrap())
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(on_cpu::OnCpu);
    targets = basic, client_state, rich
}
criterion_main!(benches);

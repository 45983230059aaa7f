//! Any answer to any question.

use std::time::Duration;

use evergraph::domain::conflict::{RetryAfter, playbook};
use evergraph::domain::ensure::{
    Drift, Failure, Heard, HolderId, Move, Observation, Ours, Progress, Refusal, Seen, Standing,
    Token, Told,
};
use proptest::prelude::*;

use crate::words::{refused, s};

pub fn any_seen() -> impl Strategy<Value = Seen> {
    let drift = prop_oneof![
        4 => Just(Drift::None),
        2 => Just(Drift::Patchable(vec!["size".to_owned()])),
        1 => Just(Drift::Fixed(vec!["kind".to_owned()])),
    ];
    let standing = prop_oneof![
        6 => Just(Standing::Live),
        1 => Just(Standing::BeingMade),
        1 => Just(Standing::SoftDeleted),
        1 => Just(Standing::BeingDeleted),
    ];
    let ours = prop_oneof![
        4 => Just(Ours::ByRule),
        1 => Just(Ours::Foreign),
        1 => Just(Ours::Unknown),
    ];
    let token = prop::option::of(prop_oneof![Just("me"), Just("other")].prop_map(Token::new));
    (0..4_u8, ours, token, 0..3_u8, drift, standing).prop_map(
        |(id, ours, token, version, drift, standing)| Seen {
            ours,
            token,
            version: (version > 0).then(|| version.to_string()),
            drift,
            standing,
            ..Seen::ours(format!("t{id}"))
        },
    )
}

pub fn any_refusal() -> impl Strategy<Value = Refusal> {
    let rules: Vec<_> = playbook().map(|rule| rule.means).collect();
    let wait = prop_oneof![
        6 => Just(None),
        2 => (0..400_u64).prop_map(|wait| Some(RetryAfter::For(s(wait)))),
        1 => Just(Some(RetryAfter::Absurd("9999".to_owned()))),
    ];
    let holder = prop::option::of((0..4_u8).prop_map(|id| HolderId::new(format!("t{id}"))));
    (prop::sample::select(rules), wait, holder).prop_map(|(means, wait, holder)| {
        let mut refusal = refused(means.cause, means.remedy);
        refusal.verdict.automatic = means.automatic;
        refusal.verdict.may_have_taken_effect = means.effect;
        refusal.verdict.wait = wait;
        refusal.holder = holder;
        refusal
    })
}

pub fn any_failure() -> impl Strategy<Value = Failure> {
    let words = || "words".to_owned();
    prop_oneof![
        8 => any_refusal().prop_map(|refusal| Failure::Refused(Box::new(refusal))),
        1 => Just(Failure::Gone { request_id: None }),
        1 => Just(Failure::Unauthorised { words: words(), request_id: None }),
        2 => Just(Failure::NoReply { words: words() }),
        1 => Just(Failure::NotSent { words: words() }),
        1 => Just(Failure::NotSupported("Do it by hand.")),
    ]
}

/// One answer to whatever is asked: which one counts is decided by the question.
#[derive(Clone, Debug)]
pub struct Reply {
    pub fails: Option<Failure>,
    pub holders: Vec<Seen>,
    pub complete: bool,
    pub seen: Seen,
    pub there: bool,
    pub takes: Duration,
    pub per_mille: u16,
}

pub fn any_reply() -> impl Strategy<Value = Reply> {
    (
        prop::option::of(any_failure()),
        prop::collection::vec(any_seen(), 0..4),
        prop::bool::weighted(0.9),
        any_seen(),
        any::<bool>(),
        0..6_000_u64,
        0..1_000_u16,
    )
        .prop_map(
            |(fails, holders, complete, seen, there, takes, per_mille)| Reply {
                fails,
                holders,
                complete,
                seen,
                there,
                takes: Duration::from_millis(takes),
                per_mille,
            },
        )
}

pub fn heard(next: &Move, reply: &Reply) -> Heard {
    if let Some(failure) = &reply.fails {
        return Heard::Failed(failure.clone());
    }
    let named = |id: &HolderId| Seen {
        id: id.clone(),
        ..reply.seen.clone()
    };
    match next {
        Move::Observe => Heard::Observed(Told::new(Observation {
            holders: reply.holders.clone(),
            missing: (!reply.complete).then(|| "a page".to_owned()),
        })),
        Move::ReRead { holder } => Heard::Read(Told::new(reply.there.then(|| named(holder)))),
        Move::Create { .. } => Heard::Wrote(Told::new(reply.seen.clone())),
        Move::Patch { seen } | Move::Keep { seen } => Heard::Wrote(Told::new(named(&seen.id))),
        Move::Poll => Heard::Polled(Told::new(match reply.there {
            true => Progress::Settled,
            false => Progress::Running { wait: None },
        })),
        _ => Heard::Did(Told::new(())),
    }
}

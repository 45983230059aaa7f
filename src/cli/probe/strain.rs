//! Slow, large and many requests, and judgements over several answers.

use std::time::Duration;

use futures::future::join_all;

use super::ask::{Answer, Ask, Asker, Load, Silence};
use super::case::{Act, Case, Group, Verdict};
use super::delivery::{batch, change};
use super::judge::{FIRST_ATTEMPT, Judge, Judged, in_short, told};

/// The page on delivery by webhooks.
const DELIVERY_PAGE: &str =
    "learn.microsoft.com/graph/change-notifications-delivery-webhooks (2026-04-22)";

/// Parallel requests of the burst.
const BURST: usize = 20;

pub(super) fn cases() -> Vec<Case> {
    let mut all = large();
    all.extend(slow());
    all.push(case(
        "strain.alive",
        "A receiver that one request brings down loses the others.",
        "what all of the above is about",
        "a handshake after all of this is answered",
        Act::Each(
            vec![Ask::handshake("still+there")],
            Judge::Echo("still there".into()),
        ),
    ));
    all
}

fn case(
    id: &'static str,
    says: &'static str,
    source: &'static str,
    expected: &'static str,
    act: Act,
) -> Case {
    Case {
        id,
        group: Group::Strain,
        says,
        source,
        expected,
        act,
    }
}

fn large() -> Vec<Case> {
    vec![
        case(
            "strain.many-items",
            "One POST may hold several items, for several subscriptions.",
            DELIVERY_PAGE,
            "2xx within 3 s for 500 items",
            Act::Each(vec![Ask::notification(batch(500))], Judge::Acknowledged),
        ),
        case(
            "strain.burst",
            "After an outage, what was missed arrives at once; late answers of more than 10 % \
             make Graph delay everything.",
            DELIVERY_PAGE,
            "2xx within 3 s for each of 20 parallel POSTs",
            Act::AtOnce(
                vec![Ask::notification(change("burst")); BURST],
                Judge::AcknowledgedOrLater,
            ),
        ),
        case(
            "strain.oversize",
            "No size is documented; a receiver needs a bound of its own.",
            "memory exhaustion, not Graph's documentation",
            "a body of 8 MB is refused or taken, without a server error",
            Act::Each(
                vec![Ask::notification(format!(
                    "{{\"value\":[{{\"clientState\":\"{}\"}}]}}",
                    "a".repeat(8 << 20)
                ))],
                Judge::RefusedOrTaken,
            ),
        ),
        case(
            "strain.deep-nesting",
            "A body of 20,000 opening brackets overflows the stack of a careless parser.",
            "CWE-674, not Graph's documentation",
            "no server error",
            Act::Each(
                vec![
                    Ask::notification("[".repeat(20_000)),
                    Ask::notification(format!("{{\"value\":{}", "[".repeat(20_000))),
                ],
                Judge::NoServerError,
            ),
        ),
    ]
}

fn slow() -> Vec<Case> {
    let stalled = Ask::notification("").load(Load::Stalled(change("stalled")));
    vec![
        case(
            "strain.slow-body",
            "An answer counts from the request on; a network may be slow.",
            DELIVERY_PAGE,
            "2xx within 3 s, though the body takes one",
            Act::Each(
                vec![
                    Ask::notification("")
                        .load(Load::Paused(change("slow"), Duration::from_secs(1))),
                ],
                Judge::Acknowledged,
            ),
        ),
        case(
            "strain.stalled-neighbour",
            "One caller that stops in the middle must not keep Graph waiting.",
            "slow request attacks (slowloris), not Graph's documentation",
            "a handshake beside a stalled body is answered within 3 s",
            Act::Beside(
                stalled.clone(),
                Ask::handshake("beside"),
                Judge::Echo("beside".into()),
            ),
        ),
        case(
            "strain.stalled-body",
            "Whoever stops in the middle holds a connection.",
            "slow request attacks (slowloris), not Graph's documentation",
            "an answer or the end of the connection within --stall-s",
            Act::CutOff(stalled),
        ),
    ]
}

/// Sends all; whoever knows less than the receiver must not learn from the answers.
pub(super) async fn alike(asker: &Asker, asks: &[Ask]) -> Judged {
    let mut answers: Vec<Answer> = Vec::new();
    for ask in asks {
        match asker.ask(ask).await {
            Ok(answer) => answers.push(answer),
            Err(silence) => return Judged::new(Verdict::Fail, told(&silence)),
        }
    }
    let Some(first) = answers.first() else {
        return Judged::new(Verdict::Fail, "nothing was sent");
    };
    match answers
        .iter()
        .find(|other| look_of(other) != look_of(first))
    {
        Some(other) => Judged::new(
            Verdict::Fail,
            format!("{} and {}", in_short(first), in_short(other)),
        ),
        None => Judged::new(Verdict::Pass, format!("always {}", in_short(first))),
    }
}

/// What an attacker compares. Values of headers differ by nature (dates, ids); names do not.
fn look_of(answer: &Answer) -> (u16, &str, Vec<&str>) {
    let mut names: Vec<&str> = answer.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    (answer.status, &answer.body, names)
}

/// Sends all; none of the words may come back, in body or headers.
pub(super) async fn silent(asker: &Asker, asks: &[Ask], words: &[&'static str]) -> Judged {
    let mut all = Vec::new();
    for ask in asks {
        let answer = match asker.ask(ask).await {
            Ok(answer) => answer,
            Err(silence) => return Judged::new(Verdict::Fail, told(&silence)),
        };
        let headers = answer
            .headers
            .values()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let whole = headers.chain([answer.body.clone()]).collect::<Vec<_>>();
        let leaked = words
            .iter()
            .find(|word| whole.iter().any(|text| text.contains(**word)));
        all.push(match leaked {
            Some(word) => {
                let seen = format!("{word:?} came back: {}", in_short(&answer));
                Judged::new(Verdict::Fail, seen)
            }
            None => Judged::new(Verdict::Pass, in_short(&answer)),
        });
    }
    Judged::worst(all)
}

/// Sends all at the same time.
pub(super) async fn at_once(asker: &Asker, asks: &[Ask], judge: &Judge) -> Judged {
    let answers = join_all(asks.iter().map(|ask| asker.ask(ask))).await;
    Judged::worst(answers.iter().map(|answer| judge.look(answer)).collect())
}

/// Sends the second while the first is under way.
pub(super) async fn beside(asker: &Asker, first: &Ask, second: &Ask, judge: &Judge) -> Judged {
    let first = asker.ask(first);
    let second = async {
        // So that the first has reached the receiver.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let outcome = asker.ask(second).await;
        match &outcome {
            Ok(answer) if answer.took >= FIRST_ATTEMPT => {
                let seen = format!("it was kept waiting: {}", in_short(answer));
                Judged::new(Verdict::Fail, seen)
            }
            _ => judge.look(&outcome),
        }
    };
    tokio::pin!(first, second);
    tokio::select! {
        judged = &mut second => judged,
        _ = &mut first => second.await,
    }
}

/// Sends one whose end never comes.
pub(super) async fn cut_off(asker: &Asker, ask: &Ask) -> Judged {
    match asker.ask_endlessly(ask).await {
        Ok(answer) => Judged::new(Verdict::Pass, in_short(&answer)),
        Err(Silence::Broken(words)) => Judged::new(Verdict::Pass, words),
        Err(Silence::TimedOut) => {
            Judged::new(Verdict::Warn, "still open when the patience was over")
        }
    }
}

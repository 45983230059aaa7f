//! The count at the end: the simulator's own log against the lines in the sink.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde_json::Value;

/// Subscription, change type or lifecycle event, id, etag and sequence number of a resource.
type Print = [String; 5];

fn print_of(subscription: &Value, words: [&Value; 2], resource: [&Value; 3]) -> Print {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let word = text(words[0]) + &text(words[1]);
    let [id, etag, sequence] = resource.map(text);
    [text(subscription), word, id, etag, sequence]
}

fn sent(event: &Value) -> Print {
    let resource = [&event["resource_id"], &event["etag"], &event["sequence"]];
    let words = [&event["change_type"], &event["lifecycle_event"]];
    print_of(&event["subscription"], words, resource)
}

fn got(event: &Value) -> Print {
    let (item, data) = (&event["data"], &event["data"]["resourceData"]);
    let resource = [&data["id"], &data["@odata.etag"], &data["sequenceNumber"]];
    let words = [&item["changeType"], &item["lifecycleEvent"]];
    print_of(&item["subscriptionId"], words, resource)
}

/// Outlook items and directory objects name the version of a thing.
fn is_certain(print: &Print) -> bool {
    let [_, _, id, etag, sequence] = print;
    !id.is_empty() && !(etag.is_empty() && sequence.is_empty())
}

/// The whole lines of every file in the folder; what a crash or a full disk tore is none.
pub fn found(folder: &Path) -> Found {
    let (mut events, mut torn) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            let text = std::fs::read(path).unwrap();
            let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            torn += usize::from(lines.pop().is_some_and(|rest| !rest.is_empty()));
            events.extend(lines.into_iter().map(|line| -> Value {
                serde_json::from_slice(line).unwrap_or_else(|_| panic!("no event: {line:?}"))
            }));
        }
    }
    Found { events, torn }
}

/// What lies in the sink.
pub struct Found {
    events: Vec<Value>,
    torn: usize,
}

pub struct Tally {
    events: usize,
    again: usize,
    forged: usize,
    lines: usize,
    torn: usize,
    repeats: usize,
    rich: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            events,
            again,
            forged,
            lines,
            torn,
            repeats,
            rich,
        } = self;
        write!(
            f,
            "{events} events ({rich} sealed), {again} of them sent more than once, {forged} forged; \
             {lines} lines in the sink, {repeats} of them repeats with a known id, and {torn} torn"
        )
    }
}

/// Everything that must be true in the end.
pub fn check(truth: &Value, found: &Found) -> Tally {
    let all = truth["value"].as_array().unwrap();
    let (forged, genuine): (Vec<&Value>, Vec<&Value>) =
        all.iter().partition(|event| !event["flaw"].is_null());
    let mut there: BTreeMap<Print, Vec<&Value>> = BTreeMap::new();
    for event in &found.events {
        there.entry(got(event)).or_default().push(event);
    }
    check_nothing_is_missing(&genuine, &there);
    let repeats = check_ids(&genuine, &there);
    check_nothing_strange(&genuine, &forged, &there);
    let rich = check_contents(&genuine, &there);
    let again = genuine
        .iter()
        .filter(|event| event["sent"].as_u64() > Some(1));
    let tally = Tally {
        events: genuine.len(),
        again: again.count(),
        forged: forged.len(),
        lines: found.events.len(),
        torn: found.torn,
        repeats,
        rich,
    };
    assert!(tally.events > 500 && tally.again > 20, "{tally}");
    assert!(tally.forged > 10 && tally.rich > 50, "{tally}");
    tally
}

/// What Graph was told 2xx for is there, and in the end that is everything: nothing was given up.
fn check_nothing_is_missing(genuine: &[&Value], there: &BTreeMap<Print, Vec<&Value>>) {
    let mut settled: BTreeMap<Print, usize> = BTreeMap::new();
    for event in genuine {
        assert_eq!(event["fate"], "accepted", "{event}");
        assert!(event["accepted"].as_u64() > Some(0), "{event}");
        let print = sent(event);
        // What has no identity is never taken for a repeat: each 2xx stands for a line.
        let lines = match is_certain(&print) {
            true => 1,
            false => event["accepted"].as_u64().unwrap() as usize,
        };
        *settled.entry(print).or_default() += lines;
    }
    let missing = settled.iter().filter(|(print, count)| {
        let lines = there.get(*print).map_or(0, Vec::len);
        lines < **count
    });
    let missing: Vec<_> = missing.collect();
    let few = &missing[..missing.len().min(5)];
    assert!(missing.is_empty(), "{} missing: {few:#?}", missing.len());
}

/// Where identity is certain, one event has one id, and one id is one event. Returns how many
/// lines collapse. Where it is not, each line has an id of its own.
fn check_ids(genuine: &[&Value], there: &BTreeMap<Print, Vec<&Value>>) -> usize {
    let (mut owners, mut repeats) = (BTreeMap::new(), 0);
    let mut unique = BTreeSet::new();
    for (print, lines) in there {
        let (certain, uncertain): (Vec<&&Value>, Vec<&&Value>) =
            lines.iter().partition(|event| event["certain"] == true);
        let ids: BTreeSet<&str> = certain.iter().map(|one| id(one)).collect();
        assert!(ids.len() <= 1, "one event, several ids: {lines:#?}");
        assert!(certain.is_empty() || uncertain.is_empty(), "{lines:#?}");
        repeats += certain.len() - ids.len();
        for one in ids {
            let other = owners.insert(one, print);
            assert_eq!(other, None, "one id, several events: {print:?}");
        }
        for one in uncertain {
            assert!(unique.insert(id(one)), "not unique: {one}");
        }
    }
    let certain = genuine.iter().map(|event| sent(event)).filter(is_certain);
    let certain: BTreeSet<Print> = certain.collect();
    assert_eq!(
        owners.len(),
        certain.len(),
        "each with an identity has an id"
    );
    repeats
}

fn id(event: &Value) -> &str {
    event["id"].as_str().unwrap()
}

fn check_nothing_strange(
    genuine: &[&Value],
    forged: &[&Value],
    there: &BTreeMap<Print, Vec<&Value>>,
) {
    let known: BTreeSet<Print> = genuine.iter().map(|event| sent(event)).collect();
    let strange: Vec<_> = there.keys().filter(|one| !known.contains(*one)).collect();
    assert!(strange.is_empty(), "nobody sent: {strange:#?}");
    for event in forged {
        let print = sent(event);
        // A forged item of a drive looks like any other of it.
        let is_told_apart = !print[2].is_empty();
        assert!(!is_told_apart || !there.contains_key(&print), "{event}");
    }
}

/// No secret is in the sink, and sealed content was opened. Returns how many were.
fn check_contents(genuine: &[&Value], there: &BTreeMap<Print, Vec<&Value>>) -> usize {
    let mut rich = 0;
    for event in genuine {
        for line in &there[&sent(event)] {
            let data = &line["data"];
            assert!(data["clientState"].is_null(), "{line}");
            assert!(data["encryptedContent"].is_null(), "{line}");
            if event["rich"] == true {
                let id = event["resource_id"].as_str().unwrap();
                let content = &data["decryptedContent"];
                let texts = [&content["subject"], &content["body"]["content"]];
                let right = texts
                    .iter()
                    .any(|text| text.as_str().is_some_and(|text| text.ends_with(id)));
                assert!(right, "{line}");
            }
        }
        rich += usize::from(event["rich"] == true);
    }
    rich
}

//! Events in messages.
//!
//! A message is base64 of a JSON array of CloudEvents (the JSON batch format of CloudEvents 1.0),
//! because base64 is what the queue trigger of Azure Functions decodes by default. An event that
//! fills more than a message stands in it without its `data`: the attribute `dataref` (an
//! extension that CloudEvents documents) names the blob that holds it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// Longest text of a message: 64 KiB
/// (learn.microsoft.com/rest/api/storageservices/put-message).
pub(super) const MESSAGE_BYTES: usize = 64 * 1024;

/// What that leaves before base64, which writes four characters for three bytes.
pub(super) const BATCH_BYTES: usize = MESSAGE_BYTES / 4 * 3;

/// What an array needs around its members.
const BRACKETS: usize = 2;

/// Whether an event fits into a message by itself.
pub(super) fn fits(event: &[u8]) -> bool {
    event.len() + BRACKETS <= BATCH_BYTES
}

/// Puts events into as few messages as their order allows. Each of them fits into one.
pub(super) fn messages(events: &[Bytes]) -> Vec<String> {
    let mut out = Vec::new();
    let mut batch = Vec::with_capacity(BATCH_BYTES);
    for event in events {
        if !batch.is_empty() && batch.len() + 1 + event.len() + 1 > BATCH_BYTES {
            out.push(closed(&mut batch));
        }
        batch.push(if batch.is_empty() { b'[' } else { b',' });
        batch.extend_from_slice(event);
    }
    if !batch.is_empty() {
        out.push(closed(&mut batch));
    }
    out
}

fn closed(batch: &mut Vec<u8>) -> String {
    batch.push(b']');
    let text = STANDARD.encode(&*batch);
    batch.clear();
    text
}

/// What stands between the attributes of an event and its data. Within a text of JSON its
/// quotes would be written `\"`, so the first one is the one.
const DATA: &[u8] = b",\"data\":";

/// The attributes of an event, up to its data, and the data. `None` where there is no data.
pub(super) fn split(event: &Bytes) -> Option<(Bytes, Bytes)> {
    let at = event.windows(DATA.len()).position(|part| part == DATA)?;
    let data = event.slice(at + DATA.len()..event.len().checked_sub(1)?);
    Some((event.slice(..at), data))
}

/// The event with a reference in the place of its data.
pub(super) fn refer(attributes: &[u8], blob: &str) -> Bytes {
    let reference = serde_json::Value::String(blob.to_owned());
    let mut out = Vec::with_capacity(attributes.len() + blob.len() + 16);
    out.extend_from_slice(attributes);
    out.extend_from_slice(b",\"dataref\":");
    out.extend_from_slice(reference.to_string().as_bytes());
    out.push(b'}');
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(message: &str) -> serde_json::Value {
        assert!(message.len() <= MESSAGE_BYTES, "{}", message.len());
        serde_json::from_slice(&STANDARD.decode(message).unwrap()).unwrap()
    }

    #[track_caller]
    fn check_packed(sizes: &[usize], wanted: &[usize]) {
        let text = |size: &usize| Bytes::from(format!("\"{}\"", "x".repeat(size - 2)));
        let events: Vec<Bytes> = sizes.iter().map(text).collect();
        assert!(events.iter().all(|event| fits(event)));
        let packed = messages(&events);
        let counts: Vec<usize> = packed
            .iter()
            .map(|message| decoded(message).as_array().unwrap().len())
            .collect();
        assert_eq!(counts, wanted);
    }

    #[test]
    fn a_message_is_filled_to_its_last_byte_and_no_further() {
        check_packed(&[], &[]);
        check_packed(&[10], &[1]);
        check_packed(&[BATCH_BYTES - 2], &[1]);
        check_packed(&[100, BATCH_BYTES - 103], &[2]);
        check_packed(&[100, BATCH_BYTES - 102], &[1, 1]);
        check_packed(&[BATCH_BYTES - 2, 5, 5], &[1, 2]);
        assert!(!fits(&vec![0; BATCH_BYTES - 1]));
    }

    #[test]
    fn an_event_parts_with_its_data() {
        let event = Bytes::from_static(br#"{"id":"1","subject":"a,\"data\":b","data":{"x":1}}"#);
        let (attributes, data) = split(&event).unwrap();
        assert_eq!(data, r#"{"x":1}"#);
        let referring: serde_json::Value =
            serde_json::from_slice(&refer(&attributes, "https://a/b")).unwrap();
        assert_eq!(referring["dataref"], "https://a/b");
        assert_eq!(referring["subject"], "a,\"data\":b");
        assert!(split(&Bytes::from_static(b"{}")).is_none());
    }
}

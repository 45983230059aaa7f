//! Tests of reading what Graph posts. The forms are those of its documentation and of real
//! notifications that users reported.

use super::*;
use crate::domain::sight::LifecycleEvent;
use crate::domain::subscription::ChangeType;
use proptest::prelude::*;

fn one(text: &str) -> Parsed<'_> {
    item(text).ok().unwrap()
}

#[track_caller]
fn check_malformed(text: &str) {
    assert_eq!(item(text).err(), Some(Refusal::Malformed), "{text}");
}

#[test]
fn a_basic_item_says_all_that_it_says() {
    let parsed = one(r##"{
        "id": "lsgTZMr9KwAAA",
        "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
        "subscriptionExpirationDateTime": "2026-03-19T22:11:09.952Z",
        "clientState": "secret",
        "changeType": "created",
        "resource": "users/u@t/messages/m",
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": "Users/u@t/Messages/m",
            "@odata.etag": "W/\"CQAA\"",
            "id": "m"
        },
        "somethingNew": [{"clientState": "inner"}]
    }"##);
    let item = parsed.item;
    assert_eq!(item.client_state.as_deref(), Some("secret"));
    assert_eq!(item.happening, Happening::Change(ChangeType::Created));
    assert_eq!(item.notification_id.as_deref(), Some("lsgTZMr9KwAAA"));
    assert_eq!(item.resource.as_deref(), Some("users/u@t/messages/m"));
    assert_eq!(item.data.etag.as_deref(), Some("W/\"CQAA\""));
    assert_eq!(item.data.id.as_deref(), Some("m"));
    assert_eq!(parsed.resource, Some("\"users/u@t/messages/m\""));
    assert!(item.sealed.is_none());
    assert!(matches!(item.client_state, Some(Cow::Borrowed(_))));
}

#[test]
fn a_personal_account_has_an_empty_tenant() {
    let parsed = one(r#"{"tenantId":"","clientState":"c"}"#);
    assert_eq!(parsed.item.tenants().count(), 0);
}

#[test]
fn an_organization_stands_for_a_tenant_or_beside_it() {
    let parsed = one(r#"{"organizationId":"o"}"#);
    assert_eq!(parsed.item.tenants().collect::<Vec<_>>(), ["o"]);
    let parsed = one(r#"{"organizationId":"o","tenantId":"t"}"#);
    assert_eq!(parsed.item.tenants().collect::<Vec<_>>(), ["t", "o"]);
}

#[test]
fn times_of_every_form_are_left_alone() {
    for time in [
        "2026-03-19T22:11:09Z",
        "2026-03-19T22:11:09.8+00:00",
        "2026-03-19T22:11:09.952Z",
        "2026-02-02T10:30:34.9097561-08:00",
        "2022-01-02T03:12:18.2257768+05:30",
        "NA",
    ] {
        let text = format!(r#"{{"subscriptionExpirationDateTime":"{time}"}}"#);
        assert_eq!(one(&text).text, text);
    }
}

#[test]
fn a_sequence_number_keeps_its_64_bits() {
    let parsed = one(
        r#"{"resourceData":{"id":"g","sequenceNumber":636784480202455800,
        "organizationId":"x","members@delta":[{"id":"y"}]}}"#,
    );
    let sequence = parsed.item.data.sequence;
    assert_eq!(sequence.as_deref(), Some("636784480202455800"));
    let parsed = one(r#"{"resourceData":{"sequenceNumber":"9223372036854775807"}}"#);
    let sequence = parsed.item.data.sequence;
    assert_eq!(sequence.as_deref(), Some("9223372036854775807"));
    let parsed = one(r#"{"resourceData":{"sequenceNumber":true}}"#);
    assert_eq!(parsed.item.data.sequence, None);
}

#[test]
fn a_lifecycle_item_needs_no_resource() {
    let parsed = one(r#"{"subscriptionId":"s","clientState":"c","tenantId":"t",
        "lifecycleEvent":"reauthorizationRequired"}"#);
    let wanted = Happening::Lifecycle(LifecycleEvent::ReauthorizationRequired);
    assert_eq!(parsed.item.happening, wanted);
    let parsed = one(r#"{"lifecycleEvent":null,"changeType":"deleted"}"#);
    assert_eq!(
        parsed.item.happening,
        Happening::Change(ChangeType::Deleted)
    );
}

#[test]
fn an_envelope_has_four_parts_and_none_of_them_is_made_up() {
    let parsed = one(
        r#"{"encryptedContent":{"data":"d\/","dataSignature":"s","dataKey":"k",
        "encryptionCertificateId":"My/Cert","encryptionCertificateThumbprint":"AA"}}"#,
    );
    let sealed = parsed.item.sealed.unwrap();
    assert_eq!(sealed.data.as_deref(), Some("d/"));
    assert_eq!(sealed.signature.as_deref(), Some("s"));
    assert_eq!(sealed.key.as_deref(), Some("k"));
    assert_eq!(sealed.certificate_id.as_deref(), Some("My/Cert"));
    let without = one(r#"{"encryptedContent":{"data":"d","dataKey":"k"}}"#);
    assert_eq!(without.item.sealed.unwrap().signature, None);
    for odd in [
        "\"x\"",
        "7",
        "[]",
        r#"{"data":"a","data":"b","dataKey":"k"}"#,
    ] {
        let text = format!(r#"{{"encryptedContent":{odd}}}"#);
        assert_eq!(one(&text).item.sealed, Some(Sealed::default()), "{odd}");
    }
    assert!(one(r#"{"encryptedContent":null}"#).item.sealed.is_none());
}

#[test]
fn members_of_an_unexpected_type_count_as_absent_unless_they_prove_something() {
    let parsed = one(
        r#"{"resource":5,"id":{},"changeType":7,"subscriptionId":[],"resourceData":"x",
            "clientState":null,"tenantId":null}"#,
    );
    assert_eq!(parsed.resource, None);
    assert_eq!(parsed.item.happening.word(), "");
    assert_eq!(parsed.item.client_state, None);
    check_malformed(r#"{"clientState":5}"#);
    check_malformed(r#"{"tenantId":{}}"#);
    check_malformed(r#"{"organizationId":[]}"#);
}

#[test]
fn a_member_that_stands_there_twice_is_malformed() {
    check_malformed(r#"{"clientState":"a","clientState":"b"}"#);
    check_malformed(r#"{"clientState":"a","client\u0053tate":"b"}"#);
    check_malformed(r#"{"clientState":null,"clientState":"b"}"#);
    check_malformed(r#"{"encryptedContent":{},"encryptedContent":null}"#);
    check_malformed(r#"{"tenantId":"a","tenantId":"b"}"#);
}

#[test]
fn one_bad_item_spoils_no_neighbour() {
    let body = br#"{"value":[1,{"clientState":"a"},[],"x",{"clientState":7},null,
        {"clientState":"b"}],"validationTokens":null}"#;
    let posted = Posted::parse(body, 100).unwrap();
    let read: Vec<_> = posted.items.iter().map(Result::is_ok).collect();
    assert_eq!(read, [false, true, false, false, false, false, true]);
    assert!(posted.tokens.is_empty());
}

#[track_caller]
fn check_body(body: &[u8], wanted: Result<(usize, usize), BodyError>) {
    let got = Posted::parse(body, 3);
    assert_eq!(got.map(|one| (one.items.len(), one.tokens.len())), wanted);
}

#[test]
fn a_body_without_an_array_is_no_notification() {
    for bad in [
        &b""[..],
        b"{",
        b"[]",
        b"{}",
        b"null",
        br#"{"value":{}}"#,
        br#"{"value":null}"#,
        br#"{"value":[],"value":[]}"#,
        b"{\"value\":[\"\xff\"]}",
        br#"{"value":[1,]}"#,
    ] {
        check_body(bad, Err(BodyError::Form));
    }
    check_body(br#" {"value":[],"more":{}} "#, Ok((0, 0)));
}

#[test]
fn more_than_the_cap_is_refused_as_a_whole() {
    check_body(
        br#"{"value":[1,2,3],"validationTokens":["a","b","c"]}"#,
        Ok((3, 3)),
    );
    check_body(br#"{"value":[1,2,3,4]}"#, Err(BodyError::TooMany));
    let tokens = br#"{"value":[],"validationTokens":["a","b","c","d"]}"#;
    check_body(tokens, Err(BodyError::TooMany));
}

#[test]
fn tokens_of_another_form_count_as_wrong_ones() {
    let body = br#"{"value":[],"validationTokens":"a"}"#;
    assert_eq!(Posted::parse(body, 3).unwrap().tokens, [None]);
    let body = br#"{"value":[],"validationTokens":["a",7]}"#;
    assert_eq!(
        Posted::parse(body, 3).unwrap().tokens,
        [Some("a".into()), None]
    );
}

#[track_caller]
fn check_cut(text: &str, wanted: &str) {
    let mut left = text.to_owned();
    left.replace_range(one(text).client_state.unwrap(), "");
    assert_eq!(left, wanted);
}

#[test]
fn the_secret_is_cut_out_with_one_comma() {
    check_cut(r#"{"clientState":"x"}"#, "{}");
    check_cut(r#"{ "clientState" : "x" }"#, "{ }");
    check_cut(r#"{"clientState":"x","a":1}"#, r#"{"a":1}"#);
    check_cut(r#"{"a":1, "clientState":"x", "b":2}"#, r#"{"a":1, "b":2}"#);
    check_cut(r#"{"a":1, "clientState":"x"}"#, r#"{"a":1}"#);
    check_cut(r#"{"a":1,"client\u0053tate":"\"}"}"#, r#"{"a":1}"#);
}

/// Both ways of reading agree wherever the first one reads at all.
#[track_caller]
fn check_ways(body: &str) -> bool {
    let Ok(first) = read_body(body, 100, OneWalk(body)) else {
        return false;
    };
    let raw = read_body(body, 100, PhantomData::<&RawValue>).ok().unwrap();
    let second: Vec<_> = raw.value.read.iter().map(|raw| item(raw.get())).collect();
    assert_eq!(first.value.is_cut, raw.value.is_cut);
    assert_eq!(first.value.read.len(), second.len());
    for (one, other) in first.value.read.into_iter().zip(second) {
        assert!(other.is_ok_and(|other| other == one), "{body}");
    }
    true
}

#[test]
fn posts_of_graph_are_walked_once() {
    let items = [
        r#"{"clientState":"a","resource":"r","resourceData":{"id":"m"},"tenantId":"t"}"#,
        " { \"changeType\" : \"created\" ,\n \"clientState\":\"a\" } ",
        r#"{"a":{"}":1},"encryptedContent":{"data":"d"},"clientState":"a\"}","lifecycleEvent":null}"#,
    ];
    for item in items {
        assert!(check_ways(&format!(r#"{{"value":[{item}]}}"#)), "{item}");
    }
    let body = format!(r#"{{"more":[{{}}],"value":[{}]}}"#, items.join(","));
    assert!(check_ways(&body));
}

#[test]
fn what_is_odd_is_left_to_the_second_way() {
    for odd in [
        "1",
        "null",
        "[]",
        "{}",
        r#"{"client\u0053tate":"a"}"#,
        r#"{"clientState":"a","clientState":"b"}"#,
        r#"{"clientState":7}"#,
    ] {
        assert!(!check_ways(&format!(r#"{{"value":[{odd}]}}"#)), "{odd}");
    }
}

proptest! {
    #[test]
    fn both_ways_of_reading_agree(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "},{", ",", ":", "null", "7", " ", "\n", "\"a\"", "\"ä\\\"\"",
            "\"clientState\":\"c\"", "\"tenantId\":\"t\"", "\"x\":{\"id\":[1]}", "\"id\" : \"i\"",
            "\"resourceData\":{\"id\":\"m\"}", "\"encryptedContent\":{\"data\":\"d\"}",
        ]), 0..24),
        glue in prop::sample::select(vec!["", ",", " , "]),
    ) {
        check_ways(&format!("{{\"value\":[{}]}}", parts.join(glue)));
        check_ways(&format!("{{\"value\":[{{{}}}]}}", parts.join(glue)));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Posted::parse(&bytes, 10);
    }

    #[test]
    fn nothing_like_a_notification_makes_it_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "value", "\"value\":", "clientState",
            "\"clientState\":", "\"encryptedContent\":", "\"resourceData\":", "null", "\"a\"",
            "\"\\u00", "\\ud800", "1", " ", "ä",
        ]), 0..40),
    ) {
        let text = parts.concat();
        let _ = Posted::parse(text.as_bytes(), 10);
        let _ = item(&text);
        let wrapped = format!("{{\"value\":[{{\"clientState\":\"x\",{text}}}]}}");
        let _ = Posted::parse(wrapped.as_bytes(), 10);
    }

    #[test]
    fn what_is_left_after_the_cut_is_the_item_without_its_secret(
        before in prop::collection::btree_map("[a-d]{1,3}", any::<i32>(), 0..3),
        after in prop::collection::btree_map("[e-h]{1,3}", any::<String>(), 0..3),
        secret in any::<String>(),
        blank in "[ \n\t]{0,2}",
    ) {
        let mut members: Vec<String> = Vec::new();
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        members.extend(before.iter().map(|(name, value)| format!("\"{name}\"{blank}:{value}")));
        members.push(format!("\"clientState\":{blank}{}", quoted(&secret)));
        members.extend(after.iter().map(|(name, value)| format!("\"{name}\":{}", quoted(value))));
        let text = format!("{{{blank}{}{blank}}}", members.join(&format!("{blank},{blank}")));
        let parsed = one(&text);
        prop_assert_eq!(parsed.item.client_state.as_deref(), Some(secret.as_str()));
        let mut left = text.clone();
        left.replace_range(parsed.client_state.unwrap(), "");
        let mut wanted: serde_json::Value = serde_json::from_str(&text).unwrap();
        wanted.as_object_mut().unwrap().remove("clientState");
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&left).unwrap(), wanted);
    }
}

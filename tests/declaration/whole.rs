//! Whole declarations.

use proptest::prelude::*;

use super::*;

#[test]
fn every_error_is_reported_at_once_in_the_order_of_the_text() {
    let text = several(&[
        "name = \"\"\nresource = \"users\"\nchange_types = [\"created\"]\nlifetime = \"99d\"",
        "nam = \"b\"\nresource = \"a//b\"",
    ]);
    let reading = reading(&text);
    let codes: Vec<&str> = reading.errors().map(|one| one.code).collect();
    let expected = [
        "bad-value",
        "change-type",
        "lifetime-too-long",
        "missing-key",
        "missing-key",
        "unknown-key",
        "bad-resource",
    ];
    assert_eq!(codes, expected, "{}", words(&reading));
}

#[test]
fn a_place_counts_characters_and_lines() {
    let text =
        one("name = \"a\"\nresource = \"users\"\nchange_types = [\"updated\", \"é\", \"x\"]");
    let reading = reading(&text);
    let places: Vec<(usize, usize)> = reading
        .errors()
        .map(|e| e.place.as_ref().map(|p| (p.line, p.column)).unwrap())
        .collect();
    assert_eq!(places, [(7, 28), (7, 33)]);
}

/// Texts that resemble a declaration: lines of one, shuffled and broken.
fn almost_a_declaration() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("[defaults]\n"),
        Just("[tenants.t]\n"),
        Just("[[subscriptions]]\n"),
        Just("[tenants]\n"),
        Just("id = \"84bd8158-6d4d-4958-8b9f-9d6445542f95\"\n"),
        Just("id = 3\n"),
        Just("tenant = \"t\"\n"),
        Just("name = \"a\"\n"),
        Just("name = \"b\"\n"),
        Just("resource = \"users\"\n"),
        Just("resource = \"chats('x')/messages\"\n"),
        Just("resource = \"me/messages?$select=a\"\n"),
        Just("change_types = [\"updated\"]\n"),
        Just("change_types = [1]\n"),
        Just("lifetime = \"max\"\n"),
        Just("lifetime = \"999999999d\"\n"),
        Just("lifecycle = false\n"),
        Just("query_options = \"\"\n"),
        Just("resource_data = { certificate = \"\" }\n"),
        Just("subscriptions = {}\n"),
        Just("= \n"),
        Just("\"\n"),
        Just("é = 1\r\n"),
        Just("credential = \"none\"\n"),
        Just("secret_setting = \"x\"\n"),
        Just("["),
    ];
    proptest::collection::vec(line, 0..20).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_text_gives_a_set_or_errors_and_the_same_again(
        text in prop_oneof![almost_a_declaration(), any::<String>()],
    ) {
        let reading = reading(&text);
        prop_assert_eq!(reading.declared.is_some(), reading.errors().next().is_none());
        for one in &reading.diagnostics {
            prop_assert!(!one.message.is_empty());
            if let Some(place) = &one.place {
                prop_assert!(place.span.start <= place.span.end && place.span.end <= text.len());
                prop_assert!(text.is_char_boundary(place.span.start));
            }
        }
        prop_assert_eq!(super::reading(&text), reading);
    }
}

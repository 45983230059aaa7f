//! What reading a declaration finds, on small texts.

use super::*;

#[test]
fn the_target_is_read_from_the_address_of_graph() {
    let of = |text: &str| Target::of(&url::Url::parse(text).unwrap());
    assert_eq!(of("https://graph.microsoft.com/v1.0"), Target::global());
    assert!(of("https://graph.microsoft.com/beta/").beta);
    assert!(of("https://graph.microsoft.us/v1.0").national_cloud);
}

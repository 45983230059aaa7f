//! What a specification says, and what is said of a wrong one.

use super::*;

const BLOB: &str = r#"
container = "https://acct.blob.core.windows.net/releases?sv=1&sig=c2VjcmV0"
name = "app/config.json"
owner = "team-a"
content = "{}"
lease = "30s"

[metadata]
stage = "prod"
"#;

#[track_caller]
fn check_refused(kind: KindName, text: &str, key: &str, line: Option<usize>, words: &str) {
    let reading = read(kind, text, Path::new("."));
    assert!(reading.spec.is_none());
    let found = reading.diagnostics.iter().find(|one| one.key == key);
    let found = found.unwrap_or_else(|| panic!("{key}: {:#?}", reading.diagnostics));
    assert_eq!(found.place.as_ref().map(|place| place.line), line);
    let sentence = found.sentence("spec.toml");
    assert!(sentence.contains(words), "{sentence}");
}

#[test]
fn a_blob_is_read_with_its_signature_hidden() {
    let reading = read(KindName::Blob, BLOB, Path::new("."));
    assert_eq!(reading.diagnostics, []);
    assert!(!format!("{reading:?}").contains("c2VjcmV0"));
    let Some(Spec::Blob(spec)) = reading.spec else {
        panic!("no blob");
    };
    assert_eq!(
        spec.wanted.key(),
        "blob/acct.blob.core.windows.net/releases/app/config.json"
    );
    assert_eq!(spec.wanted.lease.map(|term| term.as_secs()), Some(30));
    assert_eq!(
        spec.place.account.as_str(),
        "https://acct.blob.core.windows.net/"
    );
    assert!(spec.place.signature.is_some());
}

#[test]
fn the_account_of_an_emulator_stands_in_the_path() {
    let text = BLOB.replace(
        "https://acct.blob.core.windows.net",
        "http://127.0.0.1:10000/dev",
    );
    let Some(Spec::Blob(spec)) = read(KindName::Blob, &text, Path::new(".")).spec else {
        panic!("no blob");
    };
    assert_eq!(spec.place.account.as_str(), "http://127.0.0.1:10000/dev");
    assert_eq!(spec.wanted.container, "releases");
}

#[test]
fn what_is_wrong_is_told_with_its_line_its_key_and_what_is_allowed() {
    let kind = KindName::Blob;
    let with = |from: &str, to: &str| BLOB.replace(from, to);
    check_refused(kind, &with("30s", "10s"), "lease", Some(6), "15s to 60s");
    check_refused(
        kind,
        &with("team-a", "Team A"),
        "owner",
        Some(4),
        "a-z, 0-9 and -",
    );
    check_refused(
        kind,
        &with("releases", "-x"),
        "container",
        Some(2),
        "the address of a container",
    );
    check_refused(
        kind,
        &with("stage", "2nd"),
        "metadata.2nd",
        Some(9),
        "no digit first",
    );
    check_refused(
        kind,
        &with("lease", "leese"),
        "leese",
        Some(6),
        "allowed here:",
    );
    check_refused(
        kind,
        &with("name = \"app/config.json\"", ""),
        "name",
        None,
        "is missing",
    );
    check_refused(
        kind,
        &with("\"30s\"", "30"),
        "lease",
        Some(6),
        "write a length",
    );
    check_refused(
        kind,
        &with("content =", "content_file ="),
        "content_file",
        Some(5),
        "cannot be read",
    );
    check_refused(kind, "name = ", "", Some(1), "no valid TOML");
}

#[test]
fn a_site_names_its_place_and_its_package() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.zip"), b"zip").unwrap();
    let text = r#"
subscription = "11111111-2222-3333-4444-555555555555"
resource_group = "shop"
site = "shop-web"
owner = "team-a"
package = "app.zip"
"#;
    let reading = read(KindName::AppService, text, folder.path());
    assert_eq!(reading.diagnostics, []);
    let wrong = text.replace("shop-web", "shop_web");
    check_refused(
        KindName::AppService,
        &wrong,
        "site",
        Some(4),
        "letters, digits and -",
    );
    check_refused(
        KindName::AppService,
        text,
        "package",
        Some(6),
        "cannot be read",
    );
}

#[test]
fn people_and_items_have_their_properties_in_a_table() {
    let staff = r#"
business = "clinic@contoso.com"
address = "ann@contoso.com"
role = "member"
[properties]
displayName = "Ann"
"#;
    let Some(Spec::BookingsStaff(spec)) = read(KindName::BookingsStaff, staff, Path::new(".")).spec
    else {
        panic!("no staff");
    };
    assert_eq!(spec.fields["displayName"], "\"Ann\"");
    assert_eq!(spec.fields["role"], "\"member\"");
    let wrong = staff.replace("\"member\"", "\"membre\"");
    check_refused(
        KindName::BookingsStaff,
        &wrong,
        "role",
        Some(4),
        "externalGuest",
    );
    let item = r#"
regions = ["https://a.documents.azure.com"]
database = "d"
container = "c"
partition = "p"
id = "a/b"
owner = "team-a"
"#;
    check_refused(KindName::CosmosItem, item, "id", Some(6), "without /");
    let good = item.replace("a/b", "ab");
    assert!(
        read(KindName::CosmosItem, &good, Path::new("."))
            .spec
            .is_some()
    );
}

#[test]
fn what_a_person_may_not_say_of_people_and_items_is_refused() {
    let staff = r#"
business = "clinic@contoso.com"
address = "ann@contoso.com"
role = "teamMember"
[properties]
displayName = "Ann"
"#;
    let Some(Spec::BookingsStaff(spec)) = read(KindName::BookingsStaff, staff, Path::new(".")).spec
    else {
        panic!("no staff");
    };
    assert_eq!(spec.fields["role"], "\"member\"");
    let twice = format!("{staff}emailAddress = \"x@y.example\"\n");
    let key = "properties.emailAddress";
    check_refused(
        KindName::BookingsStaff,
        &twice,
        key,
        Some(7),
        "the key address",
    );
    let nameless = staff.replace("displayName", "timeZone");
    let key = "properties.displayName";
    check_refused(KindName::BookingsStaff, &nameless, key, None, "is missing");

    let customer = r#"
business = "clinic@contoso.com"
address = "eve@fabrikam.com"
owner = "team-a"
[properties]
displayName = "Eve"
addresses = [{ street = "Old Lane 1", postOfficeBox = "7" }]
"#;
    let key = "properties.addresses";
    check_refused(
        KindName::BookingsCustomer,
        customer,
        key,
        Some(7),
        "our mark",
    );
    let good = customer.replace(", postOfficeBox = \"7\"", "");
    let spec = read(KindName::BookingsCustomer, &good, Path::new(".")).spec;
    let Some(Spec::BookingsCustomer(spec)) = spec else {
        panic!("no customer");
    };
    assert_eq!(spec.fields["addresses"], r#"[{"street":"Old Lane 1"}]"#);

    let item = r#"
regions = ["https://a.documents.azure.com"]
database = "d"
container = "c"
partition = "p"
id = "a"
owner = "team-a"
[properties]
_ts = 1
evergraph = "x"
"#;
    check_refused(
        KindName::CosmosItem,
        item,
        "properties._ts",
        Some(9),
        "without _",
    );
    let key = "properties.evergraph";
    check_refused(KindName::CosmosItem, item, key, Some(10), "our mark");
}

#[test]
fn every_kind_has_a_name_that_is_read_back() {
    for kind in KindName::ALL {
        assert_eq!(KindName::parse(kind.as_str()), Some(*kind));
    }
}

//! Declarations in files and blobs.

use evergraph::adapters::declaration::{BlobSource, FileSource};
use evergraph::domain::subscription::Declaration;
use evergraph::ports::declaration::{DeclarationSource as _, Fetched};

use super::*;

fn unusable(fetched: Fetched) -> String {
    match fetched {
        Fetched::Read { declared, .. } => match declared.declaration {
            Declaration::Unusable { why } => why,
            Declaration::Read(_) => panic!("it should be unusable"),
        },
        Fetched::Unchanged => panic!("it should be read"),
    }
}

#[tokio::test]
async fn a_file_is_read_once_until_its_content_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subscriptions.toml");
    let text = one("name = \"a\"\nresource = \"me/messages\"\nchange_types = [\"updated\"]");
    std::fs::write(&path, &text).unwrap();
    let source = FileSource::new(&path, Target::global());
    let Fetched::Read { declared, mark } = source.fetch(None).await.unwrap() else {
        panic!("nothing is known yet");
    };
    let Declaration::Read(set) = &declared.declaration else {
        panic!("{declared:?}");
    };
    assert_eq!(set.by_key.len(), 1);
    assert_eq!(declared.tenants.len(), 1);
    assert!(
        declared.warnings[0].contains("subscriptions.toml:6:12"),
        "{declared:?}"
    );
    assert_eq!(source.fetch(Some(&mark)).await.unwrap(), Fetched::Unchanged);
    // Written anew with the same content: still the same. Another content: another mark.
    std::fs::write(&path, &text).unwrap();
    assert_eq!(source.fetch(Some(&mark)).await.unwrap(), Fetched::Unchanged);
    std::fs::write(&path, text.replace("\"a\"", "\"b\"")).unwrap();
    assert!(
        matches!(source.fetch(Some(&mark)).await.unwrap(), Fetched::Read { mark: new, .. } if new != mark)
    );
}

#[tokio::test]
async fn an_invalid_file_is_an_answer_and_a_missing_one_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let source = FileSource::new(&path, Target::global());
    let error = source.fetch(None).await.unwrap_err().to_string();
    assert!(error.contains("there is no such file"), "{error}");
    std::fs::write(&path, "x = 1\n").unwrap();
    let why = unusable(source.fetch(None).await.unwrap());
    assert!(why.contains("s.toml:1:1: x: unknown key \"x\""), "{why}");
    std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
    let why = unusable(source.fetch(None).await.unwrap());
    assert!(why.contains("save it as UTF-8"), "{why}");
    let error = FileSource::new(folder.path(), Target::global())
        .fetch(None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("it is a folder"), "{error}");
}

#[tokio::test]
async fn many_errors_are_told_in_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let lines: String = (0..9).map(|n| format!("key{n} = 1\n")).collect();
    std::fs::write(&path, lines).unwrap();
    let why = unusable(
        FileSource::new(&path, Target::global())
            .fetch(None)
            .await
            .unwrap(),
    );
    assert!(
        why.ends_with("and 4 more; `evergraph check` shows all"),
        "{why}"
    );
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let text = one("name = \"a\"\nresource = \"users\"\nchange_types = [\"updated\"]");
    std::fs::write(&path, format!("\u{feff}{text}")).unwrap();
    let fetched = FileSource::new(&path, Target::global())
        .fetch(None)
        .await
        .unwrap();
    assert!(
        matches!(fetched, Fetched::Read { declared, .. } if matches!(declared.declaration, Declaration::Read(_)))
    );
}

/// A source of the blob `/config/s.toml` of a pretended Blob Storage.
fn blob(server: &httpmock::MockServer) -> BlobSource {
    let url = server.url("/account/config/s.toml?sv=2025&sig=hunter2");
    BlobSource::new(&url::Url::parse(&url).unwrap(), None, Target::global()).unwrap()
}

#[tokio::test]
async fn a_blob_is_read_with_its_sas_and_then_only_on_condition() {
    let server = httpmock::MockServer::start_async().await;
    let text = one("name = \"a\"\nresource = \"users\"\nchange_types = [\"updated\"]");
    let size = text.len();
    let unchanged = server
        .mock_async(|when, then| {
            when.method("GET")
                .path("/account/config/s.toml")
                .header("if-none-match", "\"0x1\"");
            then.status(304)
                .header("x-ms-error-code", "ConditionNotMet");
        })
        .await;
    let whole = server
        .mock_async(|when, then| {
            when.method("GET")
                .path("/account/config/s.toml")
                .query_param("sig", "hunter2")
                .header_missing("if-none-match");
            then.status(206)
                .header("etag", "\"0x1\"")
                .header("content-range", format!("bytes 0-{}/{size}", size - 1))
                .header("content-length", size.to_string())
                .body(&text);
        })
        .await;
    let source = blob(&server);
    let Fetched::Read { declared, mark } = source.fetch(None).await.unwrap() else {
        panic!("nothing is known yet");
    };
    assert!(
        matches!(&declared.declaration, Declaration::Read(set) if set.by_key.len() == 1),
        "{declared:?}"
    );
    assert_eq!(mark.0, "\"0x1\"");
    assert_eq!(source.fetch(Some(&mark)).await.unwrap(), Fetched::Unchanged);
    assert_eq!(
        (whole.calls_async().await, unchanged.calls_async().await),
        (1, 1)
    );
}

#[tokio::test]
async fn a_blob_that_cannot_be_read_says_why_without_its_sas_and_is_asked_once() {
    let server = httpmock::MockServer::start_async().await;
    for (status, code, advice) in [
        (404, "BlobNotFound", "there is no such blob"),
        (403, "AuthenticationFailed", "the SAS must be in date"),
        (503, "ServerBusy", "at the next tick"),
    ] {
        let mock = server
            .mock_async(|when, then| {
                when.method("GET");
                then.status(status)
                    .header("x-ms-error-code", code)
                    .body("hunter2");
            })
            .await;
        let source = blob(&server);
        let error = source.fetch(None).await.unwrap_err().to_string();
        assert!(error.contains(advice) && error.contains(code), "{error}");
        assert!(!error.contains("hunter2") && !format!("{source:?}").contains("hunter2"));
        assert_eq!(mock.calls_async().await, 1);
        mock.delete_async().await;
    }
    let nobody = BlobSource::new(
        &url::Url::parse("http://127.0.0.1:9/a/b/c?sig=hunter2").unwrap(),
        None,
        Target::global(),
    )
    .unwrap();
    let error = nobody.fetch(None).await.unwrap_err().to_string();
    assert!(
        error.contains("could not be reached") && !error.contains("hunter2"),
        "{error}"
    );
}

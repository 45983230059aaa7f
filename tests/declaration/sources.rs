use evergraph::adapters::declaration::FileSource;
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

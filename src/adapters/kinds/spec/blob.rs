//! The specification of a blob.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::super::super::declaration::fields::{At, Fields};
use super::super::blob::CONTENT_MAX;
use super::{Checks, not_empty};
use crate::domain::duration;
use crate::domain::ensure::kinds::blob::{Wanted, container_rule, metadata_rule, name_rule};
use crate::domain::ensure::kinds::owner::Digest;

/// Where a container is: the account, and a shared access signature where the address has one.
#[derive(Clone, Debug)]
pub struct Place {
    /// The account's root, without a query.
    pub account: Url,
    /// The query with the signature.
    pub signature: Option<SecretString>,
}

/// A blob with its content.
#[derive(Clone, Debug)]
pub struct BlobSpec {
    /// What is wanted.
    pub wanted: Wanted,
    /// The content.
    pub content: Vec<u8>,
    /// Where the account is.
    pub place: Place,
}

const CONTAINER: &str = "the address of a container, such as https://account.blob.core.windows.net/releases, a shared access signature allowed";

pub(super) fn read(mut fields: Fields<'_, '_, '_>, folder: &Path) -> Option<BlobSpec> {
    let text = "a text in quotes";
    let container = fields.text("container", "the address of a container in quotes");
    let name = fields.text("name", text);
    let owner = fields.text("owner", text);
    let content = fields.text("content", text);
    let content_file = fields.text("content_file", "the path of a file in quotes");
    let content_type = fields.text("content_type", text);
    let lease = fields.text("lease", "a length of time such as \"30s\"");
    let create = fields.flag("create_container");
    let metadata = fields.texts_by_name("metadata", "a table of texts, [metadata]");
    let mut checks = Checks(fields.finished());
    let container = checks.needed("container", container.as_ref(), CONTAINER, place);
    let name = checks.needed("name", name.as_ref(), "the name of a blob", |text| {
        name_rule(text).is_none().then(|| text.to_owned())
    });
    let owner = checks.owner(owner.as_ref());
    let content = whole_content(&mut checks, content.as_ref(), content_file.as_ref(), folder);
    let content_type = checks.value(
        "content_type",
        content_type.as_ref(),
        "a media type, such as application/json",
        not_empty,
    );
    let lease = checks.value("lease", lease.as_ref(), "15s to 60s", lease_term);
    let metadata = own_metadata(&mut checks, metadata);
    let (place, container) = container?;
    let content = content?;
    let account = format!(
        "{}{}",
        place.account.authority(),
        place.account.path().trim_end_matches('/')
    );
    Some(BlobSpec {
        wanted: Wanted {
            account,
            container,
            name: name?,
            owner: owner?,
            content: Digest::of(&content),
            content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
            metadata,
            lease,
            create_container: create.is_some_and(|at| at.value),
        },
        content,
        place,
    })
}

/// The account and the container of an address.
fn place(text: &str) -> Option<(Place, String)> {
    let mut url = Url::parse(text).ok()?;
    let signature = url.query().filter(|query| !query.is_empty());
    let signature = signature.map(|query| SecretString::from(query.to_owned()));
    url.set_query(None);
    let container = url.path_segments()?.next_back()?.to_owned();
    if container_rule(&container).is_some() || !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.path_segments_mut().ok()?.pop();
    let account = url;
    Some((Place { account, signature }, container))
}

fn whole_content(
    checks: &mut Checks<'_, '_>,
    content: Option<&At<String>>,
    file: Option<&At<String>>,
    folder: &Path,
) -> Option<Vec<u8>> {
    match (content, file) {
        (Some(at), None) => Some(at.value.clone().into_bytes()),
        (None, Some(_)) => checks.file("content_file", file, folder, CONTENT_MAX),
        (Some(_), Some(at)) => {
            checks.bad("content_file", at, "only one of content and content_file");
            None
        }
        (None, None) => {
            checks.missing(
                "content_file",
                "the path of the content, or content with the text itself",
            );
            None
        }
    }
}

fn lease_term(text: &str) -> Option<Duration> {
    let seconds = u64::try_from(duration::parse(text).ok()?.as_secs()).ok()?;
    let allowed = Wanted::LEASE_MIN_S..=Wanted::LEASE_MAX_S;
    allowed
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}

fn own_metadata(
    checks: &mut Checks<'_, '_>,
    pairs: Vec<(At<String>, At<String>)>,
) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::new();
    for (name, value) in pairs {
        let key = format!("metadata.{}", name.value);
        if let Some(rule) = metadata_rule(&name.value) {
            checks.bad(&key, &name, rule);
        }
        let plain = |c: char| c.is_ascii() && !c.is_ascii_control();
        if !value.value.chars().all(plain) || value.value.trim() != value.value {
            checks.bad(&key, &value, "printable ASCII without blanks at its ends");
        }
        metadata.insert(name.value, value.value);
    }
    metadata
}

//! The setting that names private keys: `id=path`, `id=PEM`, or `id=` and a secret of Key Vault.
//!
//! Entries are separated by commas or line breaks. A path or an address ends there; a PEM text ends with its
//! last `-----END …-----`, may hold the certificate beside the key (as a certificate's secret
//! in Key Vault does), and may have its line breaks written as `\n`, as settings often do.
//!
//! ```text
//! 2026-09=/secrets/2026-09.pem, 2026-03=-----BEGIN PRIVATE KEY-----\nMIIE…\n-----END PRIVATE KEY-----
//! 2027-03=https://contoso.vault.azure.net/secrets/notifications, *=https://contoso.vault.azure.net/secrets/notifications
//! ```
//!
//! The id `*` stands for every id that looks like a version of the secret (32 hex digits): who
//! gives the certificate's version in the vault as `encryptionCertificateId` never changes the
//! setting again.

use std::path::PathBuf;

use secrecy::SecretString;

use super::vault::VaultSecret;

/// Longest id: what Graph keeps of `encryptionCertificateId`.
const ID_CHARS: usize = 128;

/// One named private key.
#[derive(Debug)]
pub struct DecryptionKeyEntry {
    /// Our own id of the certificate, as the subscription declares it.
    pub id: String,
    /// Where its private key is.
    pub source: KeySource,
}

/// Where a private key is.
#[derive(Debug)]
pub enum KeySource {
    /// In a PEM file.
    File(PathBuf),
    /// In the setting itself.
    Pem(SecretString),
    /// In a secret of Key Vault.
    Vault(VaultSecret),
}

/// Why the list cannot be read. Entries are secrets and are not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// An entry without `=`, or with nothing on one of its sides.
    #[error(
        "entry {at} of the decryption keys is not id=path, id=PEM or id=URL of a Key Vault secret"
    )]
    Form {
        /// Place in the list, from 1.
        at: usize,
    },
    /// An id that Graph would not keep.
    #[error("the id of entry {at} of the decryption keys has more than {ID_CHARS} characters")]
    LongId {
        /// Place in the list, from 1.
        at: usize,
    },
    /// A PEM text that does not end.
    #[error("the PEM text of the decryption key {id:?} has no -----END line")]
    Open {
        /// The id.
        id: String,
    },
    /// An address that is no secret's.
    #[error("the decryption key {id:?} does not name a secret of Key Vault: {why}")]
    Vault {
        /// The id.
        id: String,
        /// What is wrong.
        why: &'static str,
    },
    /// `*` before something else than a secret.
    #[error("only a secret of Key Vault without a version may stand for any id (`*`)")]
    Any,
    /// Two entries with one id.
    #[error("the decryption keys name {id:?} twice")]
    Twice {
        /// The id.
        id: String,
    },
}

/// The id that stands for every version of a secret.
pub(super) const ANY: &str = "*";

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

impl DecryptionKeyEntry {
    /// Reads the list. An empty text is an empty list.
    ///
    /// # Errors
    /// The first fault, with the place of the entry.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ListFault> {
        let mut entries: Vec<Self> = Vec::new();
        let mut rest = skip(text);
        while !rest.is_empty() {
            let at = entries.len() + 1;
            let (entry, after) = one(rest, at)?;
            if entries.iter().any(|known| known.id == entry.id) {
                return Err(ListFault::Twice { id: entry.id });
            }
            entries.push(entry);
            rest = skip(after);
        }
        Ok(entries)
    }
}

/// What separates entries, line breaks that are written out included.
fn skip(mut text: &str) -> &str {
    loop {
        let rest = text.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        let rest = rest.strip_prefix("\\n").unwrap_or(rest);
        let rest = rest.strip_prefix("\\r").unwrap_or(rest);
        if rest.len() == text.len() {
            return rest;
        }
        text = rest;
    }
}

fn one(text: &str, at: usize) -> Result<(DecryptionKeyEntry, &str), ListFault> {
    let line = text.split(['\n', ',']).next().unwrap_or(text);
    let (id, _) = line.split_once('=').ok_or(ListFault::Form { at })?;
    let value = &text[id.len() + 1..];
    let id = id.trim().to_owned();
    if id.is_empty() || id.contains(DASHES) {
        return Err(ListFault::Form { at });
    }
    if id.chars().count() > ID_CHARS {
        return Err(ListFault::LongId { at });
    }
    // A PEM text may begin on the next line; a path may not.
    let trimmed = value.trim_start();
    if trimmed.starts_with(BEGIN) {
        let value = trimmed;
        let end = pem_end(value).ok_or_else(|| ListFault::Open { id: id.clone() })?;
        let pem = value[..end].replace("\\r", "").replace("\\n", "\n");
        let source = KeySource::Pem(pem.into());
        return Ok((DecryptionKeyEntry { id, source }, &value[end..]));
    }
    let end = value.find(['\n', ',']).unwrap_or(value.len());
    let path = value[..end].trim();
    if path.is_empty() {
        return Err(ListFault::Form { at });
    }
    let source = match path.contains("://") {
        true => match VaultSecret::parse(path) {
            Ok(secret) => KeySource::Vault(secret),
            Err(why) => return Err(ListFault::Vault { id, why }),
        },
        false => KeySource::File(PathBuf::from(path)),
    };
    let any = matches!(&source, KeySource::Vault(secret) if secret.version.is_none());
    match id == ANY && !any {
        true => Err(ListFault::Any),
        false => Ok((DecryptionKeyEntry { id, source }, &value[end..])),
    }
}

/// Where a run of PEM sections ends.
fn pem_end(text: &str) -> Option<usize> {
    let mut end = 0;
    loop {
        let section = &text[end..];
        let label = section.find(END)? + END.len();
        end += label + section[label..].find(DASHES)? + DASHES.len();
        let next = skip(&text[end..]);
        if !next.starts_with(BEGIN) {
            return Some(end);
        }
        end = text.len() - next.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[track_caller]
    fn check(text: &str, wanted: &[(&str, &str)]) {
        let entries = DecryptionKeyEntry::parse_list(text).unwrap();
        let got: Vec<_> = entries
            .iter()
            .map(|entry| {
                let source = match &entry.source {
                    KeySource::File(path) => path.display().to_string(),
                    KeySource::Pem(pem) => pem.expose_secret().to_owned(),
                    KeySource::Vault(secret) => format!("vault {secret}"),
                };
                (entry.id.clone(), source)
            })
            .collect();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(id, source)| ((*id).to_owned(), (*source).to_owned()))
            .collect();
        assert_eq!(got, wanted);
    }

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAA=,=\n-----END PRIVATE KEY-----";
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----";

    #[test]
    fn files_and_texts_stand_side_by_side() {
        check("", &[]);
        check(" , \n", &[]);
        check("a=/k/a.pem", &[("a", "/k/a.pem")]);
        check(
            "a=a.pem,b = b.pem\nc=c.pem\r\n",
            &[("a", "a.pem"), ("b", "b.pem"), ("c", "c.pem")],
        );
        check(
            &format!("My/Cert={KEY},b=b.pem"),
            &[("My/Cert", KEY), ("b", "b.pem")],
        );
        let both = format!("{CERTIFICATE}\n{KEY}");
        check(&format!("a=\n{both}\nb={KEY}"), &[("a", &both), ("b", KEY)]);
    }

    #[test]
    fn line_breaks_may_be_written_out() {
        let written = format!("{CERTIFICATE}\n{KEY}").replace('\n', "\\n");
        let plain = format!("{CERTIFICATE}\n{KEY}");
        check(&format!("a={written},b=x"), &[("a", &plain), ("b", "x")]);
        check(&format!("a={written}\\n,b=x"), &[("a", &plain), ("b", "x")]);
    }

    #[test]
    fn secrets_of_a_vault_stand_beside_them() {
        let url = "https://contoso.vault.azure.net/secrets/graph";
        let version = format!("{url}/0123456789abcdef0123456789abcdef");
        check(
            &format!("a={url},b={version}/\nc=c.pem,*={url}"),
            &[
                ("a", &format!("vault {url}")),
                ("b", &format!("vault {version}")),
                ("c", "c.pem"),
                ("*", &format!("vault {url}")),
            ],
        );
        check_fault(&format!("*={version}"), ListFault::Any);
        check_fault("*=/k/a.pem", ListFault::Any);
        for bad in [
            "http://contoso.vault.azure.net/secrets/graph",
            "https://contoso.vault.azure.net/certificates/graph",
            "https://contoso.vault.azure.net/secrets",
            "https://contoso.vault.azure.net/secrets/a/b/c",
            "https://contoso.vault.azure.net/secrets/a b",
            "https://u:p@contoso.vault.azure.net/secrets/a",
            "https://contoso.vault.azure.net/secrets/a?x=1",
            "https:///secrets/a",
        ] {
            let fault = DecryptionKeyEntry::parse_list(&format!("a={bad}")).unwrap_err();
            assert!(matches!(fault, ListFault::Vault { .. }), "{bad}: {fault}");
        }
    }

    #[track_caller]
    fn check_fault(text: &str, fault: ListFault) {
        assert_eq!(DecryptionKeyEntry::parse_list(text).unwrap_err(), fault);
    }

    #[test]
    fn what_is_wrong_is_named_without_repeating_it() {
        check_fault("a=x, secret", ListFault::Form { at: 2 });
        check_fault("=x", ListFault::Form { at: 1 });
        check_fault("a=", ListFault::Form { at: 1 });
        check_fault("a=\nb=c.pem", ListFault::Form { at: 1 });
        check_fault(KEY, ListFault::Form { at: 1 });
        check_fault(
            "a=-----BEGIN PRIVATE KEY-----\nAA",
            ListFault::Open { id: "a".into() },
        );
        check_fault("a=x,a=y", ListFault::Twice { id: "a".into() });
        check_fault(
            &format!("{}=x", "i".repeat(129)),
            ListFault::LongId { at: 1 },
        );
    }

    #[test]
    fn an_entry_never_prints_its_key() {
        let entries = DecryptionKeyEntry::parse_list(&format!("a={KEY}")).unwrap();
        assert!(!format!("{entries:?}").contains("AA=,="));
    }
}

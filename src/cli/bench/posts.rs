//! What is posted: items as Graph sends them, each of its own identity, verified like any other.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use super::plan::Cell;
use crate::compose::declaration::{Target, read};
use crate::domain::client_state::KeyRing;
use crate::domain::ids::FleetId;
use crate::sim::envelope::{KEY_BYTES, seal};

/// The fleet of the measured handlers.
pub(super) const FLEET: &str = "bench";

/// Signs clientState. Known to everybody and good for nothing but a measurement.
pub(super) const KEY: &str = "bench:ZXZlcmdyYXBoLWJlbmNoLWtleS1ub3QtYS1zZWNyZXQh";

/// The tenant of everything.
pub(super) const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";

/// Our application: the audience of the tokens.
pub(super) const APP: &str = "0b7f9c52-2a5c-4a3d-9e6b-6c1d2e3f4a5b";

/// Our id of the certificate.
pub(super) const CERTIFICATE: &str = "bench";

const USER: &str = "7d3c1b52-90c4-4a8e-b6f1-2f5c9a0e6d17";

/// Stands in an item where its number goes, so that no item is a repeat.
const PLACE: &str = "BENCHNUMBERPLACE";

/// The keys of a run.
pub(super) struct Keys {
    /// The private key that opens content, PKCS#8.
    pub(super) pair: KeyPair,
    /// Its certificate, base64 of DER.
    pub(super) certificate: String,
}

impl Keys {
    /// Fresh ones.
    pub(super) fn generate() -> anyhow::Result<Self> {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let certificate = CertificateParams::new(vec![CERTIFICATE.to_owned()])?;
        let certificate = certificate.self_signed(&pair)?;
        Ok(Self {
            certificate: STANDARD.encode(certificate.der()),
            pair,
        })
    }

    /// What the handlers are told to expect: a mailbox without content, and one with it.
    pub(super) fn declaration(&self) -> String {
        let certificate = &self.certificate;
        format!(
            r#"[tenants.bench]
id = "{TENANT}"

[[subscriptions]]
name = "basic"
resource = "users/{USER}/messages"
change_types = ["created"]

[[subscriptions]]
name = "rich"
resource = "users/{USER}/messages?$select=subject,bodyPreview,from"
change_types = ["created"]
resource_data = {{ certificate = "{certificate}", certificate_id = "{CERTIFICATE}" }}
"#
        )
    }

    /// A wrapped key as it stands in an envelope.
    pub(super) fn wrapped(&self) -> anyhow::Result<Vec<u8>> {
        let sealed = self.seal(0)?;
        let wrapped = sealed["dataKey"].as_str().unwrap_or_default();
        Ok(STANDARD.decode(wrapped)?)
    }

    fn seal(&self, number: usize) -> anyhow::Result<Value> {
        let key: [u8; KEY_BYTES] = std::array::from_fn(|at| (at * 7 + number * 13) as u8);
        let content = json!({
            "@odata.type": "#microsoft.graph.message",
            "id": format!("AAMkAGI1AAAoZCfHAAA{number}="),
            "subject": "Order 4711 was changed",
            "bodyPreview": "Hello,\r\n\r\nplease note the new date of delivery. ".repeat(4),
            "from": {"emailAddress": {"name": "Ada Example", "address": "ada@contoso.example"}},
        });
        let content = content.to_string();
        let sealed = seal(
            &self.certificate,
            Some(CERTIFICATE),
            content.as_bytes(),
            &key,
        )?;
        Ok(sealed)
    }
}

/// Envelopes of a run; items take turns.
const ENVELOPES: usize = 8;

/// One POST, in bytes, and where its numbers stand.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) bytes: Vec<u8>,
    /// Which item, and where.
    places: Vec<(u64, usize)>,
    pub(super) items: usize,
}

impl Post {
    /// The post of a cell. `token` is the publisher's.
    pub(super) fn of(cell: Cell, keys: &Keys, token: &str) -> anyhow::Result<Self> {
        let name = if cell.is_rich() { "rich" } else { "basic" };
        let client_state = client_state(&keys.declaration(), name)?;
        let mut items = Vec::with_capacity(cell.items());
        for at in 0..cell.items() {
            let mut item = item(&client_state);
            if cell.is_rich() {
                item["encryptedContent"] = keys.seal(at % ENVELOPES)?;
            }
            items.push(item);
        }
        let mut body = json!({ "value": items });
        if cell.is_rich() {
            body["validationTokens"] = json!([token]);
        }
        Ok(Self::assemble(&body.to_string(), cell.items()))
    }

    fn assemble(body: &str, items: usize) -> Self {
        let head = format!(
            "POST /api/notifications/{FLEET} HTTP/1.1\r\nhost: 127.0.0.1\r\n\
             content-type: application/json; charset=utf-8\r\nuser-agent: evergraph-bench\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let found: Vec<usize> = body.match_indices(PLACE).map(|(at, _)| at).collect();
        let each = (found.len() / items).max(1);
        let places = found.iter().enumerate();
        let places = places.map(|(at, place)| ((at / each) as u64, head.len() + place));
        Self {
            places: places.collect(),
            items,
            bytes: [head.as_bytes(), body.as_bytes()].concat(),
        }
    }

    /// Writes the numbers of the items: `first` and those after it.
    pub(super) fn number(&self, bytes: &mut [u8], first: u64) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        for (item, place) in &self.places {
            let number = first + item;
            for (at, byte) in bytes[*place..place + PLACE.len()].iter_mut().enumerate() {
                *byte = DIGITS[(number >> (60 - 4 * at) & 15) as usize];
            }
        }
    }
}

/// An item of a mailbox, as the documentation shows it, with ids of real length.
fn item(client_state: &str) -> Value {
    let id =
        format!("AAMkAGI1YTMxNmQyLTk2YjQtNDdmYi05OGJlLTJhYjU1{PLACE}AADkrWGo7bouTKlsgTZMr9KwAAA=");
    json!({
        "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
        "subscriptionExpirationDateTime": "2031-03-20T11:00:00.0000000Z",
        "clientState": client_state,
        "changeType": "created",
        "resource": format!("Users/{USER}/Messages/{id}"),
        "tenantId": TENANT,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": format!("Users/{USER}/Messages/{id}"),
            "@odata.etag": "W/\"CQAAABYAAADkrWGo7bouTKlsgTZMr9KwAAAUWRHf\"",
            "id": id,
        },
    })
}

fn client_state(declaration: &str, name: &str) -> anyhow::Result<String> {
    let reading = read(declaration, Target::global());
    let why = || {
        let errors: Vec<_> = reading.errors().map(|one| one.sentence("bench")).collect();
        errors.join("; ")
    };
    let (set, _) = reading.declared.as_ref().with_context(why)?;
    let mut wishes = set.by_key.values();
    let wish = wishes.find(|wish| wish.name.as_str() == name);
    let tag = wish
        .context("the declaration lacks a subscription")?
        .key
        .tag();
    let ring = KeyRing::parse(KEY)?;
    let fleet = FleetId::parse(FLEET)?;
    Ok(ring.derive(&fleet, &tag).expose().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_of_every_post_has_its_own_number() {
        let keys = Keys::generate().unwrap();
        for cell in [Cell::BasicSingle, Cell::BasicBatch, Cell::RichBatch] {
            let post = Post::of(cell, &keys, "a.b.c").unwrap();
            let mut bytes = post.bytes.clone();
            post.number(&mut bytes, 0xABC);
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains(PLACE), "{text}");
            let (_, body) = text.split_once("\r\n\r\n").unwrap();
            let body: Value = serde_json::from_str(body).unwrap();
            let items = body["value"].as_array().unwrap();
            assert_eq!(items.len(), post.items);
            for (at, item) in items.iter().enumerate() {
                let number = format!("{:016X}", 0xABC + at);
                for path in ["/resource", "/resourceData/id", "/resourceData/@odata.id"] {
                    let text = item.pointer(path).unwrap().as_str().unwrap();
                    assert!(text.contains(&number), "{text} has not {number}");
                }
                assert_eq!(item.get("encryptedContent").is_some(), cell.is_rich());
            }
        }
    }
}

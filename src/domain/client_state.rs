//! The derived clientState: `1.{kid}.{tag}.{mac}`.
//!
//! It is computed, never stored: any instance verifies a notification without reading state,
//! and a subscription created a moment before a crash can still be verified after adoption.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use secrecy::zeroize::Zeroizing;
use subtle::ConstantTimeEq as _;

use super::ids::{FleetId, Kid};
use super::subscription::KeyTag;

const VERSION: &str = "1";
const LABEL: &[u8] = b"evergraph clientState";

/// The text that Graph repeats in every notification. A secret: it cannot print itself.
#[derive(Clone)]
pub struct ClientState(secrecy::SecretString);

impl ClientState {
    /// Longest text that Graph keeps (the resource page of subscription says 128).
    pub const MAX_CHARS: usize = 128;

    /// Wraps a text as it came from Graph.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text itself, for the request to Graph and for verification. Never log it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for ClientState {
    fn eq(&self, other: &Self) -> bool {
        self.expose()
            .as_bytes()
            .ct_eq(other.expose().as_bytes())
            .into()
    }
}

impl Eq for ClientState {}

impl fmt::Debug for ClientState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientState(…)")
    }
}

/// Why a clientState is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientStateFault {
    /// Not of our form.
    #[error("it is not of evergraph's form")]
    Form,
    /// Signed by a key that is not in the ring: a rolling deployment, or a forgery.
    #[error("its key {0} is not in the ring")]
    UnknownKid(Kid),
    /// Of our form, but the signature is wrong for every fleet that counts.
    #[error("its signature is wrong")]
    Signature,
}

/// Why a key ring cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// No entry at all.
    #[error("the ring is empty; it needs at least one kid:base64 entry")]
    Empty,
    /// An entry without the form `kid:base64`. The entry itself is a secret and is not repeated.
    #[error("entry {at} of the ring is not kid:base64")]
    Form {
        /// Place in the ring, from 1.
        at: usize,
    },
    /// Too few bytes to sign with.
    #[error("entry {at} of the ring ({kid}) has {bytes} bytes, at least 32 are needed")]
    Short {
        /// Place in the ring, from 1.
        at: usize,
        /// Its key id.
        kid: Kid,
        /// Bytes found.
        bytes: usize,
    },
    /// Two entries with one id.
    #[error("the ring names the key {0} twice")]
    Twice(Kid),
}

/// The master keys. The first signs, all verify.
///
/// The keys are held ready to sign: making one ready costs as much as a signature.
pub struct KeyRing(Vec<(Kid, hmac::Key)>);

impl KeyRing {
    /// Fewest bytes of one key: the output length of the HMAC, as RFC 2104 advises.
    pub const MIN_KEY_BYTES: usize = 32;

    /// Reads `kid:base64` entries separated by commas or white space. Both alphabets of base64 are accepted.
    pub fn parse(text: &str) -> Result<Self, RingError> {
        let mut keys: Vec<(Kid, hmac::Key)> = Vec::new();
        let entries = text
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            let at = index + 1;
            let (kid, key) = entry.split_once(':').ok_or(RingError::Form { at })?;
            let kid = Kid::parse(kid).map_err(|_| RingError::Form { at })?;
            let plain = key
                .trim_end_matches('=')
                .replace('+', "-")
                .replace('/', "_");
            let bytes = URL_SAFE_NO_PAD
                .decode(plain)
                .map_err(|_| RingError::Form { at })?;
            let bytes = Zeroizing::new(bytes);
            if bytes.len() < Self::MIN_KEY_BYTES {
                return Err(RingError::Short {
                    at,
                    kid,
                    bytes: bytes.len(),
                });
            }
            if keys.iter().any(|(known, _)| *known == kid) {
                return Err(RingError::Twice(kid));
            }
            keys.push((kid, hmac::Key::new(hmac::HMAC_SHA256, &bytes)));
        }
        if keys.is_empty() {
            return Err(RingError::Empty);
        }
        Ok(Self(keys))
    }

    /// The id of the key that signs.
    pub fn signing_kid(&self) -> &Kid {
        &self.0[0].0
    }

    /// Whether the ring holds the key.
    pub fn knows(&self, kid: &Kid) -> bool {
        self.0.iter().any(|(known, _)| known == kid)
    }

    /// The key ids, the signing one first.
    pub fn kids(&self) -> impl Iterator<Item = &Kid> {
        self.0.iter().map(|(kid, _)| kid)
    }

    /// The clientState of a key in a fleet, signed by the first key of the ring.
    pub fn derive(&self, fleet: &FleetId, tag: &KeyTag) -> ClientState {
        let (kid, key) = &self.0[0];
        let mac = sign(key, kid, fleet, tag);
        let mac = URL_SAFE_NO_PAD.encode(mac.as_ref());
        ClientState::new(format!("{VERSION}.{kid}.{tag}.{mac}"))
    }

    /// Whose clientState this is: the tag of the key and the id of the signing key, if any
    /// of the fleets verifies. Runs in constant time for texts of one length and kid.
    pub fn verify<'f>(
        &self,
        fleets: impl IntoIterator<Item = &'f FleetId>,
        text: &str,
    ) -> Result<(KeyTag, Kid), ClientStateFault> {
        let (kid, tag, mac) = split(text).ok_or(ClientStateFault::Form)?;
        let Some((kid, key)) = self.0.iter().find(|(known, _)| *known == kid) else {
            return Err(ClientStateFault::UnknownKid(kid));
        };
        for fleet in fleets {
            if bool::from(sign(key, kid, fleet, &tag).as_ref().ct_eq(&mac)) {
                return Ok((tag, kid.clone()));
            }
        }
        Err(ClientStateFault::Signature)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.kids()).finish()
    }
}

fn split(text: &str) -> Option<(Kid, KeyTag, Vec<u8>)> {
    if text.len() > ClientState::MAX_CHARS {
        return None;
    }
    let mut parts = text.split('.');
    let (version, kid, tag, mac) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version != VERSION || parts.next().is_some() {
        return None;
    }
    let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
    Some((Kid::parse(kid).ok()?, KeyTag::parse(tag)?, mac))
}

fn sign(key: &hmac::Key, kid: &Kid, fleet: &FleetId, tag: &KeyTag) -> hmac::Tag {
    let parts: [&[u8]; 5] = [
        LABEL,
        VERSION.as_bytes(),
        kid.as_str().as_bytes(),
        fleet.as_str().as_bytes(),
        tag.as_bytes(),
    ];
    let mut text = Vec::with_capacity(160);
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part);
    }
    hmac::sign(key, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(kids: &[&str]) -> KeyRing {
        let entry = |kid: &&str| format!("{kid}:{}", URL_SAFE_NO_PAD.encode([kid.len() as u8; 32]));
        KeyRing::parse(&kids.iter().map(entry).collect::<Vec<_>>().join(",")).unwrap()
    }

    fn fleet(name: &str) -> FleetId {
        FleetId::parse(name).unwrap()
    }

    const TAG: KeyTag = KeyTag::from_bytes([7; 16]);

    #[test]
    fn what_the_first_key_signs_every_later_ring_verifies() {
        let text = ring(&["a"]).derive(&fleet("prod"), &TAG);
        let rolled = ring(&["bb", "a"]);
        let fleets = [fleet("prod")];
        let (tag, kid) = rolled.verify(&fleets, text.expose()).unwrap();
        assert_eq!((tag, kid.as_str()), (TAG, "a"));
        assert!(text.expose().len() <= ClientState::MAX_CHARS);
    }

    #[test]
    fn a_former_fleet_counts_only_when_named() {
        let text = ring(&["a"]).derive(&fleet("old"), &TAG);
        let now = [fleet("new")];
        let both = [fleet("new"), fleet("old")];
        assert_eq!(
            ring(&["a"]).verify(&now, text.expose()),
            Err(ClientStateFault::Signature)
        );
        assert!(ring(&["a"]).verify(&both, text.expose()).is_ok());
    }

    #[test]
    fn every_changed_character_breaks_it() {
        let ring = ring(&["a"]);
        let fleets = [fleet("prod")];
        let text = ring.derive(&fleets[0], &TAG).expose().to_owned();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            assert!(ring.verify(&fleets, &forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn an_unknown_kid_is_told_apart_from_a_forgery() {
        let text = ring(&["zzz"]).derive(&fleet("prod"), &TAG);
        let fault = ring(&["a"]).verify(&[fleet("prod")], text.expose());
        assert_eq!(
            fault,
            Err(ClientStateFault::UnknownKid(Kid::parse("zzz").unwrap()))
        );
    }

    #[test]
    fn a_ring_says_what_is_wrong_without_repeating_it() {
        assert_eq!(KeyRing::parse(" , ").unwrap_err(), RingError::Empty);
        assert_eq!(
            KeyRing::parse("secretsecret").unwrap_err(),
            RingError::Form { at: 1 }
        );
        assert!(matches!(
            KeyRing::parse("a:c2hvcnQ="),
            Err(RingError::Short { bytes: 5, .. })
        ));
        let twice = format!("a:{k},a:{k}", k = URL_SAFE_NO_PAD.encode([1; 32]));
        assert!(matches!(KeyRing::parse(&twice), Err(RingError::Twice(_))));
    }

    #[test]
    fn neither_ring_nor_client_state_prints_a_secret() {
        let ring = ring(&["a"]);
        let text = ring.derive(&fleet("prod"), &TAG);
        assert!(!format!("{text:?}").contains("1.a."));
        assert!(!format!("{ring:?}").contains("AQEB"));
    }
}

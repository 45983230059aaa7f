//! The envelope of resource data, as Graph's page on it says: HMAC-SHA256 over the ciphertext
//! first, then AES-256-CBC with PKCS#7 padding, the first half of the key being the IV.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

use super::keys::SYMMETRIC_BYTES;
use crate::domain::notification::refusal::Refusal;
use crate::domain::notification::{Sealed, Text};

const IV_BYTES: usize = 16;

/// The parts of an envelope as bytes.
pub(super) struct Parts<'a> {
    /// Our id of the certificate.
    pub(super) certificate_id: &'a str,
    /// The wrapped key.
    pub(super) key: Vec<u8>,
    signature: Vec<u8>,
    data: Vec<u8>,
}

impl<'a> Parts<'a> {
    /// Takes the envelope apart.
    pub(super) fn of(sealed: &'a Sealed<'_>) -> Result<Self, Refusal> {
        let signature = sealed
            .signature
            .as_deref()
            .filter(|text| !text.is_empty())
            .ok_or(Refusal::NoDataSignature)?;
        Ok(Self {
            certificate_id: sealed.certificate_id.as_deref().ok_or(Refusal::Envelope)?,
            key: bytes(&sealed.key)?,
            signature: STANDARD.decode(signature).map_err(|_| Refusal::Envelope)?,
            data: bytes(&sealed.data)?,
        })
    }
}

fn bytes(text: &Option<Text<'_>>) -> Result<Vec<u8>, Refusal> {
    let text = text.as_deref().filter(|text| !text.is_empty());
    STANDARD
        .decode(text.ok_or(Refusal::Envelope)?)
        .map_err(|_| Refusal::Envelope)
}

/// Checks the signature in constant time, and only then decrypts, in place.
pub(super) fn open(
    symmetric: &[u8; SYMMETRIC_BYTES],
    parts: Parts<'_>,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let signer = hmac::Key::new(hmac::HMAC_SHA256, symmetric);
    hmac::verify(&signer, &parts.data, &parts.signature).map_err(|_| Refusal::DataSignature)?;

    let cipher = UnboundCipherKey::new(&AES_256, symmetric)
        .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
        .map_err(|_| Refusal::Content)?;
    let mut iv = [0; IV_BYTES];
    iv.copy_from_slice(&symmetric[..IV_BYTES]);
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let mut data = Zeroizing::new(parts.data);
    let plain = cipher
        .decrypt(&mut data, context)
        .map_err(|_| Refusal::Content)?
        .len();
    data.truncate(plain);
    Ok(data)
}

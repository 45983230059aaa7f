//! Resource data in its envelope, as Graph encrypts it ("change notifications with resource data").
//!
//! A fresh key of 32 bytes for each item, wrapped by RSA-OAEP with SHA-1 for both hashes; the
//! content by AES-256-CBC with PKCS7 padding, whose IV is the first 16 bytes of the key; the
//! signature is HMAC-SHA256 by the same key over the bytes of the ciphertext, not their base64.
//! All three were checked on the test vector that Microsoft publishes.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Length of the symmetric key in bytes.
pub const KEY_BYTES: usize = 32;

/// Why nothing can be encrypted to a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// It is no base64 of a DER certificate.
    #[error("encryptionCertificate is not base64 of a DER certificate")]
    NoCertificate,
    /// Its public key is not RSA of 2,048 to 4,096 bits and more.
    #[error(
        "the key in encryptionCertificate cannot wrap a key; it must be RSA, 2048 to 4096 bits"
    )]
    NoRsaKey,
    /// A primitive refused.
    #[error("the content could not be encrypted")]
    Cipher,
}

/// `encryptedContent` of an item: the content encrypted to the certificate by the key.
pub fn seal(
    certificate: &str,
    certificate_id: Option<&str>,
    content: &[u8],
    key: &[u8; KEY_BYTES],
) -> Result<Value, SealError> {
    let der = STANDARD
        .decode(certificate)
        .map_err(|_| SealError::NoCertificate)?;
    let public = public_key_of(&der).ok_or(SealError::NoCertificate)?;
    let wrapped = wrap(public, key)?;
    let data = encrypt(content, key)?;
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &data);
    Ok(json!({
        "data": STANDARD.encode(&data),
        "dataSignature": STANDARD.encode(signature.as_ref()),
        "dataKey": STANDARD.encode(&wrapped),
        "encryptionCertificateId": certificate_id,
        "encryptionCertificateThumbprint": thumbprint(&der),
    }))
}

/// SHA-1 of the DER certificate in upper-case hex.
pub fn thumbprint(der: &[u8]) -> String {
    use std::fmt::Write as _;
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, der);
    hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02X}");
        hex
    })
}

fn wrap(public: &[u8], key: &[u8; KEY_BYTES]) -> Result<Vec<u8>, SealError> {
    let public = PublicEncryptingKey::from_der(public).map_err(|_| SealError::NoRsaKey)?;
    let public = OaepPublicEncryptingKey::new(public).map_err(|_| SealError::NoRsaKey)?;
    let mut wrapped = vec![0; public.ciphertext_size()];
    let length = public
        .encrypt(&OAEP_SHA1_MGF1SHA1, key, &mut wrapped, None)
        .map_err(|_| SealError::Cipher)?
        .len();
    wrapped.truncate(length);
    Ok(wrapped)
}

fn encrypt(content: &[u8], key: &[u8; KEY_BYTES]) -> Result<Vec<u8>, SealError> {
    let (iv, _) = key.split_first_chunk::<16>().ok_or(SealError::Cipher)?;
    let unbound = UnboundCipherKey::new(&AES_256, key).map_err(|_| SealError::Cipher)?;
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(unbound).map_err(|_| SealError::Cipher)?;
    let mut data = content.to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    cipher
        .less_safe_encrypt(&mut data, context)
        .map_err(|_| SealError::Cipher)?;
    Ok(data)
}

/// The SubjectPublicKeyInfo in a certificate (RFC 5280, 4.1): version, serial number, signature,
/// issuer, validity and subject stand before it.
fn public_key_of(certificate: &[u8]) -> Option<&[u8]> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&0xa0) {
        (_, _, fields) = element(fields)?;
    }
    for _ in 0..5 {
        (_, _, fields) = element(fields)?;
    }
    let (whole, _, _) = element(fields)?;
    (whole.first() == Some(&0x30)).then_some(whole)
}

/// The first DER element: all of it, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (first, rest) = (*bytes.get(1)?, bytes.get(2..)?);
    let (length, header) = if first < 0x80 {
        (usize::from(first), 2)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let digits = rest.get(..count)?;
        let length = digits
            .iter()
            .fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
        (length, 2 + count)
    };
    let end = header.checked_add(length)?;
    Some((
        bytes.get(..end)?,
        bytes.get(header..end)?,
        bytes.get(end..)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::cipher::{DecryptionContext, PaddedBlockDecryptingKey};
    use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};

    /// A certificate as base64 of its DER, and its private key.
    fn made() -> (Vec<u8>, PrivateDecryptingKey) {
        let key =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
                .unwrap();
        let params = rcgen::CertificateParams::new(vec!["test".into()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let private = PrivateDecryptingKey::from_pkcs8(&key.serialize_der()).unwrap();
        (der, private)
    }

    #[test]
    fn the_holder_of_the_private_key_reads_the_content() {
        let (der, private) = made();
        let sealed = seal(&STANDARD.encode(&der), Some("one"), b"{\"a\":1}", &[7; 32]).unwrap();
        let bytes = |name: &str| STANDARD.decode(sealed[name].as_str().unwrap()).unwrap();
        let private = OaepPrivateDecryptingKey::new(private).unwrap();
        let mut key = vec![0; private.min_output_size()];
        let key = private
            .decrypt(&OAEP_SHA1_MGF1SHA1, &bytes("dataKey"), &mut key, None)
            .unwrap();
        assert_eq!(key, [7; 32]);
        let mut data = bytes("data");
        let check = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::verify(&check, &data, &bytes("dataSignature")).unwrap();
        let unbound = UnboundCipherKey::new(&AES_256, key).unwrap();
        let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(unbound).unwrap();
        let context = DecryptionContext::Iv128(FixedLength::from(&[7; 16]));
        assert_eq!(cipher.decrypt(&mut data, context).unwrap(), b"{\"a\":1}");
        assert_eq!(sealed["encryptionCertificateId"], "one");
        assert_eq!(sealed["encryptionCertificateThumbprint"], thumbprint(&der));
    }

    #[test]
    fn what_is_no_certificate_is_told_apart() {
        let (der, _) = made();
        for cut in [0, 1, 5, 40, 200] {
            let text = STANDARD.encode(&der[..cut]);
            let got = seal(&text, None, b"x", &[0; 32]);
            assert_eq!(got, Err(SealError::NoCertificate), "{cut}");
        }
        assert_eq!(
            seal("*", None, b"x", &[0; 32]),
            Err(SealError::NoCertificate)
        );
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["test".into()]).unwrap();
        let elliptic = STANDARD.encode(params.self_signed(&key).unwrap().der());
        assert_eq!(
            seal(&elliptic, None, b"x", &[0; 32]),
            Err(SealError::NoRsaKey)
        );
    }

    #[test]
    fn a_thumbprint_is_upper_case_hex() {
        let known = "A9993E364706816ABA3E25717850C26C9CD0D89D"; // FIPS 180, "abc"
        assert_eq!(thumbprint(b"abc"), known);
    }
}

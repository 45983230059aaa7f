//! The certificate to which Graph encrypts resource data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// How DER begins: a sequence with a length of two bytes. No certificate is shorter.
const SEQUENCE: [u8; 2] = [0x30, 0x82];

/// Base64 of the DER form, as Graph wants it, from PEM or from itself.
///
/// # Errors
/// A sentence that repeats nothing of the text: it may be a private key by mistake.
pub(super) fn der_base64(text: &str) -> Result<String, &'static str> {
    if text.contains("PRIVATE KEY") {
        return Err("a private key stands here; the declaration takes the public part alone");
    }
    let der = match text.contains("-----BEGIN") {
        true => CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|_| "this PEM text holds no certificate")?
            .to_vec(),
        false => {
            let plain: String = text.split_whitespace().collect();
            STANDARD
                .decode(plain)
                .map_err(|_| "this is neither PEM text nor base64")?
        }
    };
    match der.starts_with(&SEQUENCE) {
        true => Ok(STANDARD.encode(der)),
        false => Err("this is no certificate in DER form"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_and_base64_mean_the_same() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let own = rcgen::CertificateParams::default()
            .self_signed(&pair)
            .unwrap();
        let der = STANDARD.encode(own.der());
        assert_eq!(der_base64(&own.pem()), Ok(der.clone()));
        assert_eq!(der_base64(&format!(" {der}\n")), Ok(der));
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        let pair = rcgen::KeyPair::generate().unwrap();
        for wrong in [
            pair.serialize_pem().as_str(),
            "c.pem",
            "AAAA",
            "-----BEGIN X",
        ] {
            let why = der_base64(wrong).unwrap_err();
            assert!(!why.contains(wrong), "{why}");
        }
    }
}

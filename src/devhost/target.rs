//! The path of a proxied request, decoded for routing and encoded again for the handler.
//!
//! Seen in a running host: `%2F` arrives as `%252F`, `%e2%82%ac` as `%E2%82%AC`, `%zz` as
//! `%25zz`, dot segments are resolved, and the query stays byte for byte.

/// The path as the host's server sees it: escapes decoded where they are valid UTF-8, except
/// `%2F`; dot segments resolved. None for a path that holds a null character, which is refused.
pub(crate) fn decode_path(raw: &str) -> Option<String> {
    let bytes = raw.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let run = escape_run(&bytes[index..]);
        if run.is_empty() {
            out.push(bytes[index]);
            index += 1;
            continue;
        }
        decode_run(&run, &bytes[index..index + run.len() * 3], &mut out);
        index += run.len() * 3;
    }
    if out.contains(&0) {
        return None;
    }
    Some(without_dot_segments(&String::from_utf8_lossy(&out)))
}

/// The bytes of the escapes that follow each other from here.
fn escape_run(bytes: &[u8]) -> Vec<u8> {
    let mut run = Vec::new();
    for escape in bytes.chunks(3) {
        match escape {
            [b'%', high, low] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => run.push(high * 16 + low),
                _ => break,
            },
            _ => break,
        }
    }
    run
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Decodes what is UTF-8; a slash and what is not UTF-8 stay as they were written.
fn decode_run(run: &[u8], written: &[u8], out: &mut Vec<u8>) {
    let mut index = 0;
    while index < run.len() {
        let length = (1..=4.min(run.len() - index))
            .find(|length| std::str::from_utf8(&run[index..index + length]).is_ok());
        match length {
            Some(length) if run[index] != b'/' => {
                out.extend_from_slice(&run[index..index + length]);
                index += length;
            }
            _ => {
                out.extend_from_slice(&written[index * 3..index * 3 + 3]);
                index += 1;
            }
        }
    }
}

fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_folder = false;
    for segment in path.split('/').skip(1) {
        ends_in_folder = segment == "." || segment == "..";
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if ends_in_folder || out.is_empty() {
        out.push('/');
    }
    out
}

/// Encodes a decoded path: everything but unreserved characters, sub-delimiters, `:`, `@` and
/// `/` becomes an upper-case escape, a percent sign included.
pub(crate) fn encode_path(decoded: &str) -> String {
    let mut out = String::with_capacity(decoded.len());
    for byte in decoded.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
        if plain {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_path(raw: &str, expected: &str) {
        assert_eq!(encode_path(&decode_path(raw).unwrap()), expected, "{raw}");
    }

    #[test]
    fn paths_arrive_as_they_were_seen_behind_a_real_host() {
        check_path("/api/a%2Fb", "/api/a%252Fb");
        check_path("/api/a%2fb", "/api/a%252fb");
        check_path("/api/%e2%82%ac", "/api/%E2%82%AC");
        check_path("/api/x/../y/./z", "/api/y/z");
        check_path("/api/%2e%2e/y", "/y");
        check_path("/api/%zz", "/api/%25zz");
        check_path("/api/a%20b+c", "/api/a%20b+c");
        check_path("/api/%41%7E", "/api/A~");
        check_path("/api/%ff%41", "/api/%25ffA");
        check_path("/api/100%", "/api/100%25");
        check_path("/api/operator/", "/api/operator/");
        check_path("/api/..", "/");
        check_path("/", "/");
    }

    #[test]
    fn a_null_character_is_refused() {
        assert_eq!(decode_path("/api/%00"), None);
    }

    proptest::proptest! {
        #[test]
        fn every_path_becomes_one_without_dot_segments_in_plain_characters(raw in "/[a-z%0-9A-F./é]{0,30}") {
            if let Some(decoded) = decode_path(&raw) {
                let encoded = encode_path(&decoded);
                proptest::prop_assert!(encoded.starts_with('/') && encoded.is_ascii());
                proptest::prop_assert!(encoded.split('/').all(|segment| segment != "." && segment != ".."));
            }
        }
    }
}

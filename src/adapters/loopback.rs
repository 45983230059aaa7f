//! What may only be done towards this machine.

use url::{Host, Url};

/// Whether the address names this machine: `localhost`, 127.0.0.0/8 or ::1.
///
/// Plain HTTP, the credential `none` and the simulator's clock are accepted towards such an
/// address only.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_loopback(url: &str, expected: bool) {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        check_loopback("http://127.0.0.1:7071/", true);
        check_loopback("http://127.9.9.9/", true);
        check_loopback("http://localhost:7071/x", true);
        check_loopback("http://LOCALHOST/", true);
        check_loopback("http://[::1]:7071/", true);
        check_loopback("http://localhost.example.com/", false);
        check_loopback("http://127.0.0.1.example.com/", false);
        check_loopback("http://127.0.0.1@example.com/", false);
        check_loopback("http://10.0.0.1/", false);
        check_loopback("file:/tmp/x", false);
    }
}

//! Small grammars inside messages.

/// The status inside Graph's `ExtensionError`: "Operation: Create; Exception: [Status Code:
/// Conflict; Reason: …]". The status may be a name or a number, blanks may be missing. `text`
/// is in lower case.
pub(super) fn status(text: &str) -> Option<u16> {
    let (_, after) = text.split_once('[')?;
    let after = after.trim_start().strip_prefix("status code")?;
    let after = after.trim_start().strip_prefix(':')?;
    let end = after.find([';', ']', ',']).unwrap_or(after.len());
    let name: String = after[..end]
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    match name.parse::<u16>() {
        Ok(status) => (100..600).contains(&status).then_some(status),
        Err(_) => STATUS_NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, status)| *status),
    }
}

/// .NET's names, in lower case: the workloads behind Graph print them.
const STATUS_NAMES: &[(&str, u16)] = &[
    ("badrequest", 400),
    ("unauthorized", 401),
    ("paymentrequired", 402),
    ("forbidden", 403),
    ("notfound", 404),
    ("methodnotallowed", 405),
    ("notacceptable", 406),
    ("requesttimeout", 408),
    ("conflict", 409),
    ("gone", 410),
    ("preconditionfailed", 412),
    ("requestentitytoolarge", 413),
    ("unsupportedmediatype", 415),
    ("unprocessableentity", 422),
    ("locked", 423),
    ("faileddependency", 424),
    ("preconditionrequired", 428),
    ("toomanyrequests", 429),
    ("internalservererror", 500),
    ("notimplemented", 501),
    ("badgateway", 502),
    ("serviceunavailable", 503),
    ("gatewaytimeout", 504),
    ("insufficientstorage", 507),
];

/// Sub-codes that stand in messages only: "SubCode=40901." of Service Bus, "Substatus: 1002"
/// of Cosmos DB.
pub(super) fn sub_codes(text: &str) -> Vec<String> {
    const MARKS: &[(&str, &str)] = &[("subcode", "SubCode"), ("substatus", "substatus")];
    let mut found = Vec::new();
    for (mark, name) in MARKS {
        let Some((_, after)) = text.split_once(mark) else {
            continue;
        };
        let after = after.strip_prefix("code").unwrap_or(after);
        let Some(after) = after.trim_start().strip_prefix(['=', ':']) else {
            continue;
        };
        let after = after.trim_start();
        let end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        if (1..=6).contains(&end) {
            found.push(format!("{name}={}", &after[..end]));
        }
    }
    found
}

/// Codes as the SDKs print them: "ErrorCode:ContainerBeingDeleted" (Python), `Code="Conflict"`
/// (Go), "(ScopeLocked) The scope…" (Python), "Code: BadGateway" (.NET).
pub(super) fn printed_codes(plain: &str) -> Vec<&str> {
    let start = [("(", ")"), ("Code: ", " ")].into_iter();
    let start = start.filter_map(|(open, close)| {
        let (code, _) = plain.strip_prefix(open)?.split_once(close)?;
        Some(code)
    });
    let inside = [("ErrorCode:", ' '), ("Code=\"", '"')].into_iter();
    let inside = inside.filter_map(|(open, close)| {
        let (_, after) = plain.split_once(open)?;
        after.trim_start().split(close).next()
    });
    let is_code = |code: &&str| {
        code.len() >= 4
            && code.starts_with(|c: char| c.is_ascii_alphabetic())
            && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    start.chain(inside).filter(is_code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_status(text: &str, want: Option<u16>) {
        assert_eq!(status(text), want, "{text:?}");
    }

    #[test]
    fn the_inner_status_is_read_in_all_spellings() {
        check_status(
            "operation: create; exception: [status code: conflict; reason: x]",
            Some(409),
        );
        check_status(
            "operation: create; exception:[status code: conflict; reason: x.]",
            Some(409),
        );
        check_status(
            "operation:create;exception:[status code:429;reason:x]",
            Some(429),
        );
        check_status(
            "exception: [status code: too many requests; reason: x]",
            Some(429),
        );
        check_status("exception: [status code: forbidden]", Some(403));
        check_status("exception: [there was no raw user ticket]", None);
        check_status("exception: [status code: 9; reason: x]", None);
        check_status("failed with status code: conflict, code:", None);
    }

    #[test]
    fn sub_codes_are_read_from_messages() {
        assert_eq!(sub_codes("subcode=40901. another"), ["SubCode=40901"]);
        assert_eq!(
            sub_codes("read failed (substatus: 1002)"),
            ["substatus=1002"]
        );
        assert!(sub_codes("subcode=. substatus: unknown").is_empty());
    }

    #[test]
    fn codes_are_read_as_sdks_print_them() {
        let python = "The specified container is being deleted. Time:1 ErrorCode:ContainerBeingDeleted Error:None";
        assert_eq!(printed_codes(python), ["ContainerBeingDeleted"]);
        assert_eq!(printed_codes("(ScopeLocked) The scope"), ["ScopeLocked"]);
        assert_eq!(printed_codes("Code: BadGateway Message: x"), ["BadGateway"]);
        let go = r#"Original Error: Code="ScopeLocked" Message="x""#;
        assert_eq!(printed_codes(go), ["ScopeLocked"]);
        for none in [
            "(409 status): There is",
            "Code: ",
            "ErrorCode:",
            "(a b) c",
            "()",
        ] {
            let found = printed_codes(none);
            assert!(found.is_empty(), "{none}: {found:?}");
        }
    }
}

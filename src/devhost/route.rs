//! Route templates of HTTP functions: `hooks/{tenant}`, `operator/{*path}`, `items/{id:int?}`.

/// A parsed route, prefix included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// Compared without case, as ASP.NET does.
    Literal(String),
    Parameter {
        optional: bool,
        constraint: Option<Constraint>,
    },
    CatchAll,
}

/// The constraints that ASP.NET knows under these names and that are emulated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Constraint {
    Int,
    Guid,
    Alpha,
}

impl Route {
    /// Parses `prefix/template`. The error says what is wrong or not emulated.
    pub(crate) fn parse(prefix: &str, template: &str) -> Result<Self, String> {
        let joined = format!("{prefix}/{}", template.trim_matches('/'));
        let texts: Vec<&str> = joined.split('/').filter(|text| !text.is_empty()).collect();
        let mut segments = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            let segment = parse_segment(text)?;
            let is_last = index + 1 == texts.len();
            let must_be_last = matches!(
                segment,
                Segment::CatchAll | Segment::Parameter { optional: true, .. }
            );
            if must_be_last && !is_last {
                return Err(format!("`{text}` is only allowed as the last segment"));
            }
            segments.push(segment);
        }
        Ok(Self { segments })
    }

    /// True if the decoded path (`/api/hooks/x`) matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let mut rest: Vec<&str> = path.split('/').filter(|text| !text.is_empty()).collect();
        rest.reverse();
        for segment in &self.segments {
            match segment {
                Segment::CatchAll => return true,
                Segment::Literal(literal) => match rest.pop() {
                    Some(text) if text.to_lowercase() == literal.to_lowercase() => {}
                    _ => return false,
                },
                Segment::Parameter {
                    optional,
                    constraint,
                } => match rest.pop() {
                    Some(text) => {
                        if !constraint.is_none_or(|constraint| constraint.accepts(text)) {
                            return false;
                        }
                    }
                    None if *optional => {}
                    None => return false,
                },
            }
        }
        rest.is_empty()
    }
}

impl Constraint {
    fn accepts(self, text: &str) -> bool {
        match self {
            Self::Int => text.parse::<i32>().is_ok(),
            Self::Guid => uuid::Uuid::try_parse(text).is_ok(),
            Self::Alpha => text.chars().all(|c| c.is_ascii_alphabetic()),
        }
    }
}

fn parse_segment(text: &str) -> Result<Segment, String> {
    let inner = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let Some(inner) = inner else {
        return if text.contains(['{', '}']) {
            Err(format!(
                "`{text}` mixes text and a parameter, which this host does not emulate"
            ))
        } else {
            Ok(Segment::Literal(text.to_owned()))
        };
    };
    if inner.contains(['{', '}', '=']) || inner.is_empty() {
        return Err(format!(
            "`{text}` is no route parameter that this host emulates"
        ));
    }
    if inner.starts_with('*') {
        return Ok(Segment::CatchAll);
    }
    let (inner, optional) = match inner.strip_suffix('?') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let constraint = match inner.split_once(':').map(|(_, constraint)| constraint) {
        None => None,
        Some("int") => Some(Constraint::Int),
        Some("guid") => Some(Constraint::Guid),
        Some("alpha") => Some(Constraint::Alpha),
        Some(other) => {
            return Err(format!(
                "the constraint `{other}` is not emulated; int, guid and alpha are"
            ));
        }
    };
    Ok(Segment::Parameter {
        optional,
        constraint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_match(prefix: &str, template: &str, path: &str, expected: bool) {
        let route = Route::parse(prefix, template).unwrap();
        assert_eq!(route.matches(path), expected, "{template} {path}");
    }

    #[test]
    fn the_layout_that_was_tried_under_a_real_host_routes_alike() {
        check_match("api", "operator/{*path}", "/api/operator", true);
        check_match("api", "operator/{*path}", "/api/operator/", true);
        check_match("api", "operator/{*path}", "/api/operator/a/b", true);
        check_match("api", "notifications/{fleet}", "/api/notifications", false);
        check_match(
            "api",
            "notifications/{fleet}",
            "/api/notifications/prod",
            true,
        );
        check_match(
            "api",
            "notifications/{fleet}",
            "/api/notifications/a/b",
            false,
        );
        check_match("api", "health", "/renew", false);
        check_match("api", "health", "/API/Health", true);
    }

    #[test]
    fn optional_parameters_and_constraints_are_those_of_asp_net() {
        check_match("", "items/{id:int?}", "/items", true);
        check_match("", "items/{id:int?}", "/items/7", true);
        check_match("", "items/{id:int?}", "/items/x", false);
        check_match(
            "",
            "t/{id:guid}",
            "/t/c0ffee00-0000-4000-8000-000000000001",
            true,
        );
        check_match("", "{*all}", "/", true);
        check_match("", "/", "/", true);
    }

    #[test]
    fn what_is_not_emulated_is_refused() {
        for template in [
            "a{b}",
            "{a}{b}",
            "{}",
            "{*all}/x",
            "{a?}/x",
            "{a=1}",
            "{a:regex(x)}",
        ] {
            assert!(Route::parse("api", template).is_err(), "{template}");
        }
    }
}

//! What the story declares, and who else is in it.

use std::fmt::Write as _;

/// The simulator's tenant of a token that names none, which is what the credential `none` sends.
pub(super) const TENANT: &str = "5eed0000-0000-4000-8000-000000000001";

/// The fleet of the story.
pub(super) const FLEET: &str = "demo";

/// One declared subscription.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) name: &'static str,
    pub(super) resource: &'static str,
    pub(super) change_types: &'static [&'static str],
    /// A length of time, or `max`.
    pub(super) lifetime: &'static str,
    /// Whether notifications carry the content, sealed.
    pub(super) is_rich: bool,
}

const fn wish(
    name: &'static str,
    resource: &'static str,
    change_types: &'static [&'static str],
    lifetime: &'static str,
) -> Wish {
    Wish {
        name,
        resource,
        change_types,
        lifetime,
        is_rich: false,
    }
}

impl Wish {
    const fn rich(mut self) -> Self {
        self.is_rich = true;
        self
    }
}

/// Declared at the beginning: four kinds of resource, with different rules in Graph. Two live
/// for hours only, so that a jump of the clock makes exactly these due.
pub(super) const FIRST: [Wish; 4] = [
    wish(
        "orders-inbox",
        "users/7d3c1b52-90c4-4a8e-b6f1-2f5c9a0e6d17/mailFolders('inbox')/messages",
        &["created"],
        "8h",
    ),
    wish("people", "users", &["updated", "deleted"], "max"),
    wish(
        "support-channel",
        "teams/5f2b8c1e-3a4d-4b6f-9c7e-1d2a3b4c5d6e/channels/19:a1b2c3d4e5f6@thread.tacv2/messages",
        &["created", "updated"],
        "9h",
    )
    .rich(),
    wish(
        "contracts-drive",
        "drives/b!k5Yq3rT0a1Bc2De3Fg4Hi5/root",
        &["updated"],
        "max",
    ),
];

/// In the middle of its create the handler is killed.
pub(super) const INTERRUPTED: Wish = wish(
    "meeting-room",
    "users/room-4711@contoso.example/events",
    &["created", "updated", "deleted"],
    "max",
);

/// Another fleet of the same application holds it already.
pub(super) const CONTESTED: Wish = wish("partner-groups", "groups", &["updated"], "max");

/// Another fleet has the only place that Teams gives.
pub(super) const LIMITED: Wish = wish(
    "escalations",
    "teams/5f2b8c1e-3a4d-4b6f-9c7e-1d2a3b4c5d6e/channels/19:f6e5d4c3b2a1@thread.tacv2/messages",
    &["created"],
    "max",
);

/// The answer to its create is lost, and the list is behind.
pub(super) const FORGOTTEN: Wish = wish(
    "board-calendar",
    "users/0a5d8e13-77f2-4c19-b0e4-91d3c6a85f27/events",
    &["created"],
    "max",
);

/// Two handlers race to create it. The first is enough, unless the two calls did not overlap.
pub(super) const RACED: [Wish; 3] = [
    wish(
        "sales-contacts",
        "users/2c9e7a41-5b83-4d06-8f1e-6a3b9d0c7e52/contacts",
        &["created", "updated"],
        "max",
    ),
    wish(
        "sales-calendar",
        "users/2c9e7a41-5b83-4d06-8f1e-6a3b9d0c7e52/events",
        &["created", "updated"],
        "max",
    ),
    wish(
        "sales-mail",
        "users/2c9e7a41-5b83-4d06-8f1e-6a3b9d0c7e52/messages",
        &["created"],
        "max",
    ),
];

/// The name that the story gives a resource.
pub(super) fn name_of(resource: &str) -> Option<&'static str> {
    let later = [&INTERRUPTED, &CONTESTED, &LIMITED, &FORGOTTEN];
    let mut all = FIRST.iter().chain(later).chain(&RACED);
    all.find(|wish| wish.resource == resource)
        .map(|wish| wish.name)
}

/// The name of the key to which content is sealed.
pub(super) const CERTIFICATE_ID: &str = "demo";

/// The wishes as a declaration. Content is sealed to the certificate, in PEM.
pub(super) fn declaration(wishes: &[Wish], certificate: &str) -> String {
    let mut text =
        format!("[defaults]\ntenant = \"contoso\"\n\n[tenants.contoso]\nid = \"{TENANT}\"\n");
    for wish in wishes {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n[[subscriptions]]\nname = \"{}\"\nresource = \"{}\"\nchange_types = {:?}\nlifetime = \"{}\"\n",
            wish.name, wish.resource, wish.change_types, wish.lifetime
        );
        if wish.is_rich {
            let _ = write!(
                text,
                "\n[subscriptions.resource_data]\ncertificate_id = \"{CERTIFICATE_ID}\"\ncertificate = \"\"\"\n{certificate}\"\"\"\n"
            );
        }
    }
    text
}

/// A resource in at most `most` characters: long ids are cut, then the middle is left out.
pub(in crate::cli) fn short_resource(resource: &str, most: usize) -> String {
    let short = |segment: &str| -> String {
        let is_id = segment.chars().count() > 12 && segment.chars().any(|c| c.is_ascii_digit());
        match is_id {
            true => segment.chars().take(6).chain(['…']).collect(),
            false => segment.to_owned(),
        }
    };
    let segments: Vec<String> = resource.split('/').map(short).collect();
    let whole = segments.join("/");
    if whole.chars().count() <= most {
        return whole;
    }
    match (&segments[..], segments.last()) {
        ([first, second, _, ..], Some(last)) => format!("{first}/{second}/…/{last}"),
        _ => whole
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect(),
    }
}

/// The first digits of an id: enough to follow it through the story.
pub(super) fn short_id(id: &str) -> String {
    id.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_resource_keeps_its_beginning_and_its_end() {
        let short = |resource| short_resource(resource, 36);
        assert_eq!(short("users"), "users");
        assert_eq!(short(FIRST[3].resource), "drives/b!k5Yq…/root");
        assert_eq!(short(FIRST[2].resource), "teams/5f2b8c…/…/messages");
        assert_eq!(short(INTERRUPTED.resource), "users/room-4…/events");
        assert_eq!(short(&"x".repeat(99)).chars().count(), 36);
    }

    #[test]
    fn every_wish_has_a_name_of_its_own() {
        for wish in
            FIRST
                .iter()
                .chain(&RACED)
                .chain([&INTERRUPTED, &CONTESTED, &LIMITED, &FORGOTTEN])
        {
            assert_eq!(name_of(wish.resource), Some(wish.name));
        }
        assert_eq!(name_of("applications"), None);
    }
}

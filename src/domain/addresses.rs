//! Our addresses, made ready for many comparisons.

use url::Url;

use super::ownership::{FleetUrl, Home};
use super::subscription::Observed;

/// Today's and former addresses as text and as parsed, made once: most rows repeat today's
/// letter by letter, and of all others the URL is parsed once.
pub(super) struct Addresses<'a> {
    pub(super) home: &'a Home,
    notifications: Address,
    lifecycle: Address,
    former: Vec<Address>,
}

struct Address {
    text: String,
    url: Option<Url>,
}

impl Address {
    fn of(text: String) -> Self {
        let url = Url::parse(&text).ok();
        Self { text, url }
    }

    /// Compared as parsed: letter case of the host and a default port do not matter.
    fn is(&self, text: &str, url: Option<&Url>) -> bool {
        self.text == text || (url.is_some() && url == self.url.as_ref())
    }
}

impl<'a> Addresses<'a> {
    pub(super) fn of(home: &'a Home) -> Self {
        let former = home.former.iter().map(FleetUrl::notifications);
        Self {
            home,
            notifications: Address::of(home.current.notifications()),
            lifecycle: Address::of(home.current.lifecycle()),
            former: former.map(Address::of).collect(),
        }
    }

    /// Whether the row stands at today's address.
    pub(super) fn is_current(&self, row: &Observed) -> bool {
        let text = &row.notification_url;
        *text == self.notifications.text
            || self.notifications.is(text, Url::parse(text).ok().as_ref())
    }

    /// Whether the row is ours by its address, today's or a former one.
    pub(super) fn is_ours(&self, row: &Observed) -> bool {
        let text = &row.notification_url;
        if *text == self.notifications.text {
            return true;
        }
        let url = Url::parse(text).ok();
        let is = |address: &Address| address.is(text, url.as_ref());
        is(&self.notifications) || self.former.iter().any(is)
    }

    /// Whether the URL is today's lifecycle address.
    pub(super) fn is_lifecycle(&self, text: &str) -> bool {
        text == self.lifecycle.text || self.lifecycle.is(text, Url::parse(text).ok().as_ref())
    }
}

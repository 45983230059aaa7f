//! Is an item ours, and is it genuine? Each is judged on its own.

use std::borrow::Cow;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::Item;
use super::refusal::{Delay, Refusal, TokenFault};
use super::roster::{Expected, Opening, Roster};
use super::token::Proven;
use crate::domain::client_state::{ClientState, ClientStateFault, KeyRing};
use crate::domain::ids::{Kid, TenantId};
use crate::domain::ownership::Home;
use crate::domain::subscription::KeyTag;

/// What an item is measured by.
#[derive(Clone, Copy)]
pub struct Rules<'r> {
    /// The keys that sign clientState.
    pub ring: &'r KeyRing,
    /// The fleets whose clientState counts.
    pub home: &'r Home,
    /// What is declared.
    pub roster: &'r Roster,
}

/// What clientState and tenant say about an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict<'r> {
    /// Proven by clientState; tokens and envelope may still speak against it.
    Ours(Standing<'r>),
    /// Signed by a key that the ring does not hold: see [`super::grace::KidGrace`].
    UnknownKid(Kid),
    /// Not ours, or forged.
    Refused(Refusal),
}

/// Where a proven item stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing<'r> {
    /// The tag of its subscription's key.
    pub tag: KeyTag,
    /// What is declared about it; `None` where nothing is any more.
    pub expected: Option<&'r Expected>,
    /// The declared tenant, else the one that the item names.
    pub tenant: Option<Cow<'r, TenantId>>,
    /// Whether validation tokens must speak for it too.
    pub proof: Proof,
}

/// What proves an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// clientState alone: basic and lifecycle items have no token.
    ClientState,
    /// clientState and a validation token of its tenant.
    Tokens,
}

impl Standing<'_> {
    /// Whether the content of the item is to be opened here. What is declared no more stays
    /// sealed.
    pub fn opening(&self) -> Opening {
        self.expected
            .map_or(Opening::PassOn, |expected| expected.opening)
    }
}

/// A text and what the ring said about it.
type Checked = (ClientState, Result<KeyTag, ClientStateFault>);

/// Judges the items of one request.
pub struct Judge<'r> {
    rules: Rules<'r>,
    /// Items of one request mostly share a subscription, so that one MAC serves them all.
    last: Option<Checked>,
}

impl<'r> Judge<'r> {
    /// A judge by these rules.
    pub fn new(rules: Rules<'r>) -> Self {
        Self { rules, last: None }
    }

    /// Judges by clientState and tenant. Subscription ids are no check: late items of a
    /// replaced subscription verify by its key.
    pub fn judge(&mut self, item: &Item<'_>) -> Verdict<'r> {
        let Some(text) = item.client_state.as_deref() else {
            return Verdict::Refused(Refusal::NoClientState);
        };
        let tag = match self.verify(text) {
            Ok(tag) => tag,
            Err(ClientStateFault::UnknownKid(kid)) => return Verdict::UnknownKid(kid),
            Err(ClientStateFault::Form) => return Verdict::Refused(Refusal::ForeignClientState),
            Err(ClientStateFault::Signature) => return Verdict::Refused(Refusal::WrongClientState),
        };
        let expected = self.rules.roster.of_tag(&tag);
        if let Some(expected) = expected
            && !item
                .tenants()
                .all(|tenant| tenant.eq_ignore_ascii_case(expected.tenant.as_str()))
        {
            return Verdict::Refused(Refusal::WrongTenant);
        }
        Verdict::Ours(Standing {
            tag,
            expected,
            tenant: tenant_of(item, expected),
            proof: proof_of(item, expected),
        })
    }

    fn verify(&mut self, text: &str) -> Result<KeyTag, ClientStateFault> {
        if let Some((known, outcome)) = &self.last
            && verify_slices_are_equal(known.expose().as_bytes(), text.as_bytes()).is_ok()
        {
            return outcome.clone();
        }
        let verified = self.rules.ring.verify(self.rules.home.fleets(), text);
        let outcome = verified.map(|(tag, _)| tag);
        if text.len() <= ClientState::MAX_CHARS {
            self.last = Some((ClientState::new(text.to_owned()), outcome.clone()));
        }
        outcome
    }
}

fn tenant_of<'r>(item: &Item<'_>, expected: Option<&'r Expected>) -> Option<Cow<'r, TenantId>> {
    match expected {
        Some(expected) => Some(Cow::Borrowed(&expected.tenant)),
        None => {
            let named = item.tenants().next()?;
            TenantId::parse(named).ok().map(Cow::Owned)
        }
    }
}

/// A change without content that comes for a subscription with resource data needs tokens as
/// well, or leaving the content out would be a way around them.
fn proof_of(item: &Item<'_>, expected: Option<&Expected>) -> Proof {
    let asks_for_data = expected.is_some_and(|expected| expected.resource_data);
    if item.sealed.is_some() || (asks_for_data && !item.happening.is_lifecycle()) {
        Proof::Tokens
    } else {
        Proof::ClientState
    }
}

/// What came out of checking one validation token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenCheck {
    /// Genuine, for one of our applications.
    Proven(Proven),
    /// Wrong.
    Wrong(TokenFault),
    /// The keys to check it with could not be had.
    Unchecked,
}

/// What speaks against an item that needs tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Against {
    /// It is forged.
    Refused(Refusal),
    /// It cannot be told yet.
    TryLater(Delay),
}

/// Judges an item by the validation tokens that came with it.
///
/// Every token of the request counts: one that is wrong speaks against everything that leans
/// on tokens, since Graph sends none but genuine ones. One that cannot be checked now delays
/// all, because it might be wrong. Then one must be of the item's tenant.
///
/// # Errors
/// What speaks against the item.
pub fn judge_by_tokens(checks: &[TokenCheck], tenant: Option<&TenantId>) -> Result<(), Against> {
    if checks.is_empty() {
        return Err(Against::Refused(Refusal::NoTokens));
    }
    let wrong = checks.iter().find_map(|check| match check {
        TokenCheck::Wrong(fault) => Some(*fault),
        _ => None,
    });
    if let Some(fault) = wrong {
        return Err(Against::Refused(Refusal::Token(fault)));
    }
    if checks.contains(&TokenCheck::Unchecked) {
        return Err(Against::TryLater(Delay::AuthorityUnreachable));
    }
    let is_of_tenant = |check: &TokenCheck| match check {
        TokenCheck::Proven(proven) => Some(&proven.tenant) == tenant,
        _ => false,
    };
    match checks.iter().any(is_of_tenant) {
        true => Ok(()),
        false => Err(Against::Refused(Refusal::NoTokenOfTenant)),
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

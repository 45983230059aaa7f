//! The subscriptions service itself: one state machine, no I/O, no clock of its own.
//!
//! A create and a renewal come in two halves, before and after the endpoint handshake, because
//! Graph validates in between; both doors (HTTP and in process) walk them in [`super::exchange`].

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::calls::Calls;
use super::checks::{Draft, check_certificate, check_url, draft, has_handshake};
use super::clock::At;
use super::deliveries::Deliveries;
use super::endpoints::Endpoints;
use super::events::Events;
use super::expiry;
use super::faults::Faults;
use super::handshake::Handshake;
use super::limiter::Limiter;
use super::publisher::Publisher;
use super::refusal::Refusal;
use super::request::{moment, object, text};
use super::row::Row;
use super::rules::{check_duplicate, check_permission, check_quota};
use super::settings::{ForeignAnswer, Settings};
use super::store::{Group, Store};
use super::token::Caller;
use crate::domain::ids::{AppId, TenantId};

/// Renew and reauthorize must stay this far apart (lifecycle events page).
const APART: SignedDuration = SignedDuration::from_mins(10);

/// The state machine.
#[derive(Debug)]
pub struct Service {
    /// The switches.
    pub settings: Settings,
    /// The subscriptions.
    pub store: Store,
    /// Log and counters.
    pub calls: Calls,
    /// What goes wrong.
    pub faults: Faults,
    /// Notifications under way.
    pub deliveries: Deliveries,
    /// What was truly sent, item by item.
    pub events: Events,
    /// How well each endpoint answers.
    pub endpoints: Endpoints,
    /// The signing keys of rich notifications.
    pub publisher: Publisher,
    /// The expiry for which each subscription was last asked to reauthorize.
    pub(super) prompted: HashMap<String, Timestamp>,
    pub(super) rng: fastrand::Rng,
    pub(super) limiter: Limiter,
    validated: HashSet<String>,
    consented: HashSet<(TenantId, AppId)>,
}

/// A renewal that passed the first checks.
#[derive(Clone, Debug)]
pub struct Change {
    id: String,
    expires: Option<Timestamp>,
    notification_url: Option<String>,
    certificate: Option<String>,
    certificate_id: Option<String>,
}

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// The `$skiptoken` of the next page.
    pub next: Option<String>,
}

impl Service {
    /// An empty service. All chance comes from the seed.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            store: Store::default(),
            calls: Calls::default(),
            faults: Faults::default(),
            deliveries: Deliveries::default(),
            events: Events::default(),
            endpoints: Endpoints::default(),
            publisher: Publisher::default(),
            prompted: HashMap::new(),
            rng: fastrand::Rng::with_seed(seed),
            limiter: Limiter::default(),
            validated: HashSet::new(),
            consented: HashSet::new(),
        }
    }

    /// A GUID of version 4, from the seed.
    pub fn guid(&mut self) -> String {
        let bytes = self.rng.u128(..).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string()
    }

    /// First half of a create: everything that is checked before the endpoint is validated.
    pub fn begin_create(
        &mut self,
        at: At,
        caller: &Caller,
        body: &[u8],
    ) -> Result<(Draft, Vec<Handshake>), Refusal> {
        let who = (caller.tenant.clone(), caller.app.clone());
        if self.settings.permissions.unauthorized_first && self.consented.insert(who) {
            return Err(Refusal::extension("Create", 401, "Authentication failed"));
        }
        let draft = draft(&object(body)?, at.now, &self.settings)?;
        let mut urls = vec![draft.notification_url.as_str()];
        urls.extend(draft.lifecycle_url.as_deref());
        // The same address twice is validated twice (delivery page).
        let handshakes = self.handshakes(&urls);
        Ok((draft, handshakes))
    }

    /// Second half of a create: permission, quota, duplicate, and the row.
    pub fn finish_create(&mut self, at: At, caller: &Caller, draft: Draft) -> Result<Row, Refusal> {
        self.remember_validated(&draft.notification_url, draft.lifecycle_url.as_deref());
        let row = self.place(at.now, caller, draft);
        check_permission(caller, row.kind, &self.settings.permissions)?;
        check_quota(&self.store, &row, at.now, &self.settings)?;
        check_duplicate(&self.store, &row, at.now, &self.settings)?;
        self.store.insert(row.clone());
        Ok(row)
    }

    /// A row for the draft, not yet stored.
    pub(super) fn place(&mut self, now: Timestamp, caller: &Caller, draft: Draft) -> Row {
        let id = self.guid();
        Row {
            id,
            seq: self.store.next_seq(),
            tenant: caller.tenant.clone(),
            app: caller.app.clone(),
            creator: creator_of(caller),
            resource: draft.resource,
            path: draft.path,
            kind: draft.kind,
            change_type: draft.change_type,
            notification_url: draft.notification_url,
            lifecycle_url: draft.lifecycle_url,
            expires: draft.expires,
            client_state: draft.client_state,
            resource_data: draft.resource_data,
            certificate: draft.certificate,
            certificate_id: draft.certificate_id,
            query_options: draft.query_options,
            tls: draft.tls,
            url_app_id: draft.url_app_id,
            created: now,
            deleted: None,
            hidden: false,
            renewals: 0,
            last_patch: None,
            last_reauthorize: None,
        }
    }

    /// A live row of the caller. App-only callers see their own application's rows (list page).
    pub fn get(&self, at: At, caller: &Caller, id: &str) -> Result<Row, Refusal> {
        let row = self.store.live(id, at.now).ok_or_else(Refusal::not_found)?;
        if row.tenant == caller.tenant && row.app == caller.app {
            return Ok(row.clone());
        }
        Err(match self.settings.answers.foreign {
            ForeignAnswer::NotFound => Refusal::not_found(),
            ForeignAnswer::StorageExtension => Refusal::new(
                400,
                "ExtensionError",
                "There was an error processing a storage extension.",
            ),
        })
    }

    /// One page of the caller's rows.
    pub fn list(
        &mut self,
        at: At,
        caller: &Caller,
        skiptoken: Option<&str>,
    ) -> Result<Page, Refusal> {
        let after = match skiptoken {
            None => {
                self.store.sweep(at.now, &self.settings.listing);
                0
            }
            Some(token) => read_skiptoken(token)
                .ok_or_else(|| Refusal::new(400, "BadRequest", "Skiptoken is not valid."))?,
        };
        let listing = &self.settings.listing;
        let size = listing.page_size.max(1) as usize;
        let owner = Group::Owner(caller.tenant.clone(), caller.app.clone());
        let mut rows = self.store.listed(&owner, after, at.now, listing);
        let page: Vec<Row> = rows.by_ref().take(size).cloned().collect();
        let more = rows.next().is_some();
        let next = page
            .last()
            .filter(|_| more)
            .map(|row| skiptoken_after(row.seq));
        Ok(Page { rows: page, next })
    }

    /// First half of a PATCH.
    pub fn begin_renew(
        &mut self,
        at: At,
        caller: &Caller,
        id: &str,
        body: &[u8],
    ) -> Result<(Change, Vec<Handshake>), Refusal> {
        let row = self.get(at, caller, id)?;
        let fields = object(body)?;
        let change = self.read_change(at, &row, &fields)?;
        let mut urls = Vec::new();
        if self.settings.validation.on_patch || change.notification_url.is_some() {
            urls.push(
                change
                    .notification_url
                    .as_deref()
                    .unwrap_or(&row.notification_url),
            );
        }
        if self.settings.validation.lifecycle_on_patch {
            urls.extend(row.lifecycle_url.as_deref());
        }
        let handshakes = self.handshakes(&urls);
        Ok((change, handshakes))
    }

    /// Only expiry and notification address may change (update page); the certificate by
    /// switch. Other properties are ignored: no source records a refusal.
    fn read_change(
        &self,
        at: At,
        row: &Row,
        fields: &Map<String, Value>,
    ) -> Result<Change, Refusal> {
        let asked = moment(fields, "expirationDateTime")?;
        let notification_url = text(fields, "notificationUrl")?;
        if asked.is_none() && notification_url.is_none() {
            // msgraph-sdk-java#2323
            return Err(Refusal::invalid(
                "Subscription must contain either the 'expirationDateTime' or \
                 'notificationUrl' property and its value.",
            ));
        }
        if let Some(url) = &notification_url {
            check_url(url, "NotificationUrl", &self.settings)?;
        }
        let rich = row.resource_data == Some(true);
        let expires = asked
            .map(|asked| expiry::granted("Update", asked, at.now, row.kind, rich, &self.settings))
            .transpose()?;
        let mut change = Change {
            id: row.id.clone(),
            expires,
            notification_url,
            certificate: text(fields, "encryptionCertificate")?,
            certificate_id: text(fields, "encryptionCertificateId")?,
        };
        if !self.settings.renewals.change_certificate {
            (change.certificate, change.certificate_id) = (None, None);
        }
        if let Some(certificate) = &change.certificate {
            check_certificate(certificate)?;
        }
        Ok(change)
    }

    /// Second half of a PATCH. It also reauthorizes (lifecycle events page).
    pub fn finish_renew(
        &mut self,
        at: At,
        caller: &Caller,
        change: Change,
    ) -> Result<Row, Refusal> {
        // The row may have gone while its endpoint was asked.
        let row = self.get(at, caller, &change.id)?;
        let apart = row
            .last_reauthorize
            .is_none_or(|last| at.now.duration_since(last) >= APART);
        self.calls.ten_minute_violations += u64::from(!apart);
        let url = change
            .notification_url
            .clone()
            .unwrap_or(row.notification_url);
        self.remember_validated(&url, None);
        let row = self
            .store
            .any_mut(&change.id)
            .ok_or_else(Refusal::not_found)?;
        row.notification_url = url;
        row.expires = change.expires.unwrap_or(row.expires);
        row.certificate = change.certificate.or(row.certificate.take());
        row.certificate_id = change.certificate_id.or(row.certificate_id.take());
        row.renewals += 1;
        row.last_patch = Some(at.now);
        Ok(row.clone())
    }

    /// Reauthorizes; the expiry stays.
    pub fn reauthorize(&mut self, at: At, caller: &Caller, id: &str) -> Result<(), Refusal> {
        let row = self.get(at, caller, id)?;
        let apart = row
            .last_patch
            .is_none_or(|last| at.now.duration_since(last) >= APART);
        self.calls.ten_minute_violations += u64::from(!apart);
        if let Some(row) = self.store.any_mut(&row.id) {
            row.last_reauthorize = Some(at.now);
        }
        Ok(())
    }

    /// Deletes; the row may stay in lists as a ghost.
    pub fn delete(&mut self, at: At, caller: &Caller, id: &str) -> Result<(), Refusal> {
        let row = self.get(at, caller, id)?;
        if let Some(row) = self.store.any_mut(&row.id) {
            row.deleted = Some(at.now);
        }
        Ok(())
    }

    /// The handshakes for the addresses, each with its own token.
    pub fn handshakes(&mut self, urls: &[&str]) -> Vec<Handshake> {
        let rules = &self.settings.validation;
        if !rules.enabled {
            return Vec::new();
        }
        let (cache, needs_text_plain) = (rules.cache, rules.needs_text_plain);
        let user_agent = rules.user_agent.clone();
        let asked: Vec<String> = urls
            .iter()
            .filter(|url| has_handshake(url) && !(cache && self.validated.contains(**url)))
            .map(|url| (*url).to_owned())
            .collect();
        asked
            .into_iter()
            .map(|url| Handshake {
                token: format!(
                    "Validation: Testing client application reachability for subscription \
                     Request-Id: {}",
                    self.guid()
                ),
                url,
                user_agent: user_agent.clone(),
                needs_text_plain,
            })
            .collect()
    }

    fn remember_validated(&mut self, url: &str, lifecycle: Option<&str>) {
        if self.settings.validation.cache {
            self.validated.insert(url.to_owned());
            self.validated.extend(lifecycle.map(str::to_owned));
        }
    }
}

/// `creatorId`: the user or service principal. Tokens that name none get a stable one that is
/// made of the application's id.
fn creator_of(caller: &Caller) -> String {
    if let Some(creator) = &caller.creator {
        return creator.clone();
    }
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, caller.app.as_str().as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

fn skiptoken_after(seq: u64) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("after:{seq}"))
}

fn read_skiptoken(token: &str) -> Option<u64> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(token)
        .ok()?;
    std::str::from_utf8(&bytes)
        .ok()?
        .strip_prefix("after:")?
        .parse()
        .ok()
}

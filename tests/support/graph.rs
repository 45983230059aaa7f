//! A toy Graph: rows in a map, with the few habits of the real one that matter to the core.

use std::collections::{BTreeMap, BTreeSet};

use evergraph::domain::client_state::KeyRing;
use evergraph::domain::conflict::{Cause, Verdict};
use evergraph::domain::ids::{AppId, SubscriptionId, TenantId};
use evergraph::domain::ownership::Home;
use evergraph::domain::plan::{Creation, Renewal};
use evergraph::domain::record::Miss;
use evergraph::domain::sight::ById;
use evergraph::domain::subscription::Observed;
use jiff::{SignedDuration, Timestamp};

use super::build::id;

/// A row of the toy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    pub tenant: TenantId,
    pub app: AppId,
    pub row: Observed,
    /// Listings do not show it yet.
    pub lags: bool,
}

/// What a second subscription of one combination meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duplicates {
    Accepted,
    /// 409 with the holder's id.
    RefusedByName,
    /// 409 without one.
    Refused,
}

/// Whether ids of new rows grow or shrink: the survivor is the smallest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ids {
    Rising,
    Falling,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Toy {
    pub rows: BTreeMap<SubscriptionId, Kept>,
    /// The application of the caller's token, by tenant.
    pub app: AppId,
    pub duplicates: Duplicates,
    pub ids: Ids,
    /// New rows stay out of listings until [`Toy::settle`].
    pub lags: bool,
    /// Rows whose clientState is shown nowhere.
    pub hides: BTreeSet<SubscriptionId>,
    /// Listings end before their last page.
    pub incomplete: bool,
    /// What every create is answered with.
    pub refuses_creates: Option<Miss>,
    /// What every renewal is answered with.
    pub refuses_renewals: Option<Miss>,
    /// Lives no longer than this from now, whatever was asked for.
    pub grants: Option<SignedDuration>,
    pub made: u32,
}

impl Toy {
    pub fn new() -> Self {
        Self {
            rows: BTreeMap::new(),
            app: super::build::app("app-1"),
            duplicates: Duplicates::Accepted,
            ids: Ids::Rising,
            lags: false,
            hides: BTreeSet::new(),
            incomplete: false,
            refuses_creates: None,
            refuses_renewals: None,
            grants: None,
            made: 0,
        }
    }

    /// Puts a row there.
    pub fn keep(&mut self, tenant: TenantId, row: Observed) {
        let app = self.app.clone();
        let kept = Kept {
            tenant,
            app,
            row,
            lags: false,
        };
        self.rows.insert(kept.row.id.clone(), kept);
    }

    /// Listings show everything from now on.
    pub fn settle(&mut self) {
        for kept in self.rows.values_mut() {
            kept.lags = false;
        }
    }

    /// Ended rows are gone.
    pub fn expire(&mut self, now: Timestamp) {
        self.rows.retain(|_, kept| kept.row.expires > now);
    }

    pub fn list(&self, tenant: &TenantId) -> Vec<Observed> {
        let of_caller = self
            .rows
            .values()
            .filter(|kept| kept.tenant == *tenant && kept.app == self.app && !kept.lags);
        of_caller
            .map(|kept| Observed {
                client_state: None,
                ..kept.row.clone()
            })
            .collect()
    }

    pub fn get(&self, id: &SubscriptionId) -> ById {
        match self.rows.get(id).filter(|kept| kept.app == self.app) {
            Some(kept) => ById::Found(self.shown(&kept.row)),
            None => ById::Gone,
        }
    }

    fn shown(&self, row: &Observed) -> Observed {
        let mut row = row.clone();
        if self.hides.contains(&row.id) {
            row.client_state = None;
        }
        row
    }

    pub fn create(
        &mut self,
        create: &Creation,
        home: &Home,
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Observed, Miss> {
        if let Some(miss) = &self.refuses_creates {
            return Err(miss.clone());
        }
        let desired = &create.desired;
        let rival = self.rows.values().find(|kept| {
            kept.tenant == desired.key.tenant
                && kept.row.resource == desired.resource.as_str()
                && kept.row.change_types == Some(desired.key.change_types)
        });
        match (self.duplicates, rival) {
            (Duplicates::RefusedByName, Some(rival)) => {
                return Err(already_exists(Some(rival.row.id.as_str())));
            }
            (Duplicates::Refused, Some(_)) => return Err(already_exists(None)),
            _ => {}
        }
        let row = Observed {
            id: self.fresh_id(),
            resource: desired.resource.as_str().to_owned(),
            change_types: Some(desired.key.change_types),
            notification_url: home.current.notifications(),
            lifecycle_url: desired.lifecycle.then(|| home.current.lifecycle()),
            expires: self.granted(create.expires, now),
            client_state: Some(ring.derive(&home.current.fleet, &create.tag)),
            application: None,
            resource_data: desired.key.resource_data,
            certificate_id: desired.certificate.as_ref().map(|one| one.id.clone()),
            query_options: desired.key.query_options.clone(),
        };
        self.keep(desired.key.tenant.clone(), row.clone());
        let kept = self.rows.get_mut(&row.id).unwrap();
        kept.lags = self.lags;
        Ok(row)
    }

    /// What Graph makes of the expiry that was asked for.
    fn granted(&self, asked: Timestamp, now: Timestamp) -> Timestamp {
        self.grants
            .map_or(asked, |longest| asked.min(now + longest))
    }

    fn fresh_id(&mut self) -> SubscriptionId {
        self.made += 1;
        match self.ids {
            Ids::Rising => id(&format!("n{:04}", self.made)),
            Ids::Falling => id(&format!("a{:04}", 9999 - self.made)),
        }
    }

    pub fn renew(
        &mut self,
        renewal: &Renewal,
        certificate: Option<&str>,
        home: &Home,
        now: Timestamp,
    ) -> Result<Observed, Miss> {
        if let Some(miss) = &self.refuses_renewals {
            return Err(miss.clone());
        }
        let (app, granted) = (self.app.clone(), self.granted(renewal.expires, now));
        let kept = self.rows.get_mut(&renewal.id);
        let kept = kept.filter(|kept| kept.app == app).ok_or(Miss::Gone)?;
        kept.row.expires = granted;
        if renewal.moves {
            kept.row.notification_url = home.current.notifications();
        }
        if renewal.certificate {
            kept.row.certificate_id = certificate.map(str::to_owned);
        }
        let row = kept.row.clone();
        Ok(self.shown(&row))
    }

    pub fn delete(&mut self, id: &SubscriptionId) -> Result<(), Miss> {
        self.rows.remove(id).map(drop).ok_or(Miss::Gone)
    }
}

/// Graph's answer to a second subscription of one combination.
pub fn already_exists(holder: Option<&str>) -> Miss {
    Miss::Conflict(verdict(Cause::AlreadyExists, holder))
}

/// A verdict as the classifier gives it.
pub fn verdict(cause: Cause, holder: Option<&str>) -> Verdict {
    use evergraph::domain::conflict::{Automatic, Confidence, Effect, Remedy};
    Verdict {
        cause,
        remedy: Remedy::AdoptExisting,
        automatic: Automatic::AfterCompare,
        may_have_taken_effect: Effect::No,
        wait: None,
        holder: holder.map(str::to_owned),
        rule: "toy",
        confidence: Confidence::Code,
        sources: &[],
        words: String::new(),
    }
}

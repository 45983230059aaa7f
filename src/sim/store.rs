//! All subscriptions, with the indexes that duplicates, quotas and lists need.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use super::kinds::{Family, Kind};
use super::row::Row;
use super::settings::Listing;
use crate::domain::ids::{AppId, TenantId};

/// The rows.
#[derive(Debug, Default)]
pub struct Store {
    rows: BTreeMap<u64, Row>,
    ids: HashMap<String, u64>,
    /// Rows by everything that is counted or compared.
    groups: HashMap<Group, BTreeSet<u64>>,
    last_seq: u64,
}

/// What rows have in common where something is counted or compared.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "each name says what its rows share")]
pub enum Group {
    Owner(TenantId, AppId),
    Path(TenantId, String),
    Mailbox(TenantId, String),
    DirectoryApp(AppId),
    DirectoryTenant(TenantId),
    DirectoryAppTenant(AppId, TenantId),
    TeamsTenant(TenantId),
    TeamsUser(TenantId, String),
    Presence(TenantId),
    CallRecords(TenantId),
    Approvals(TenantId),
    Drive(TenantId, String),
}

/// The groups of a row.
pub fn groups_of(row: &Row) -> Vec<Group> {
    let tenant = || row.tenant.clone();
    let mut groups = vec![
        Group::Owner(tenant(), row.app.clone()),
        Group::Path(tenant(), row.path.joined()),
    ];
    let user = row.path.user().map(str::to_owned);
    match row.kind.facts().family {
        Family::Outlook => groups.extend(user.map(|user| Group::Mailbox(tenant(), user))),
        Family::Directory => groups.extend([
            Group::DirectoryApp(row.app.clone()),
            Group::DirectoryTenant(tenant()),
            Group::DirectoryAppTenant(row.app.clone(), tenant()),
        ]),
        Family::Teams => {
            groups.push(Group::TeamsTenant(tenant()));
            groups.extend(user.map(|user| Group::TeamsUser(tenant(), user)));
        }
        Family::Drive => groups.push(Group::Drive(tenant(), row.path.joined())),
        Family::SharePoint | Family::Other => {}
    }
    match row.kind {
        Kind::Presence => groups.push(Group::Presence(tenant())),
        Kind::CallRecord => groups.push(Group::CallRecords(tenant())),
        Kind::Approvals => groups.push(Group::Approvals(tenant())),
        _ => {}
    }
    groups
}

impl Store {
    /// The number of the next row.
    pub fn next_seq(&mut self) -> u64 {
        self.last_seq += 1;
        self.last_seq
    }

    /// Adds a row.
    pub fn insert(&mut self, row: Row) {
        for group in groups_of(&row) {
            self.groups.entry(group).or_default().insert(row.seq);
        }
        self.ids.insert(row.id.clone(), row.seq);
        self.rows.insert(row.seq, row);
    }

    /// The row of an id, ghosts and expired ones included. GUIDs compare without case.
    pub fn any(&self, id: &str) -> Option<&Row> {
        let seq = self
            .ids
            .get(id)
            .or_else(|| self.ids.get(&id.to_ascii_lowercase()))?;
        self.rows.get(seq)
    }

    /// A live row by id.
    pub fn live(&self, id: &str, now: Timestamp) -> Option<&Row> {
        self.any(id).filter(|row| row.is_live(now))
    }

    /// A row by id, to change what no index goes by.
    pub fn any_mut(&mut self, id: &str) -> Option<&mut Row> {
        let seq = *self
            .ids
            .get(id)
            .or_else(|| self.ids.get(&id.to_ascii_lowercase()))?;
        self.rows.get_mut(&seq)
    }

    /// Every row, in the order of creation.
    pub fn all(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// The live rows of a group.
    pub fn live_of(&self, group: &Group, now: Timestamp) -> impl Iterator<Item = &Row> {
        self.groups
            .get(group)
            .into_iter()
            .flatten()
            .filter_map(|seq| self.rows.get(seq))
            .filter(move |row| row.is_live(now))
    }

    /// What a list shows of an owner, after the row numbered `after`: lagging, deleted and
    /// expired rows by the switches.
    pub fn listed<'s>(
        &'s self,
        owner: &Group,
        after: u64,
        now: Timestamp,
        listing: &'s Listing,
    ) -> impl Iterator<Item = &'s Row> {
        self.groups
            .get(owner)
            .into_iter()
            .flat_map(move |seqs| seqs.range(after + 1..))
            .filter_map(|seq| self.rows.get(seq))
            .filter(move |row| is_listed(row, now, listing))
    }

    /// Forgets rows that no list can show any more.
    pub fn sweep(&mut self, now: Timestamp, listing: &Listing) {
        let gone: Vec<u64> = self
            .rows
            .values()
            .filter(|row| !row.is_live(now) && !is_listed(row, now, listing))
            .map(|row| row.seq)
            .collect();
        for seq in gone {
            self.remove(seq);
        }
    }

    fn remove(&mut self, seq: u64) {
        let Some(row) = self.rows.remove(&seq) else {
            return;
        };
        self.ids.remove(&row.id);
        for group in groups_of(&row) {
            if let Some(members) = self.groups.get_mut(&group) {
                members.remove(&seq);
                if members.is_empty() {
                    self.groups.remove(&group);
                }
            }
        }
    }
}

fn is_listed(row: &Row, now: Timestamp, listing: &Listing) -> bool {
    let within = |since: Timestamp, ms: u64| {
        let lag = Duration::from_millis(ms);
        since.checked_add(lag).is_ok_and(|end| end > now)
    };
    if row.hidden {
        return false;
    }
    if let Some(deleted) = row.deleted {
        return within(deleted, listing.ghost_ms);
    }
    if row.expires <= now {
        return within(row.expires, listing.expired_ms);
    }
    !within(row.created, listing.lag_ms)
}

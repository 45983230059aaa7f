//! One subscription as the simulator keeps it, and its JSON form.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::kinds::Kind;
use super::path::Path;
use super::settings::{Answers, CertificateEcho};
use crate::domain::client_state::ClientState;
use crate::domain::ids::{AppId, TenantId};

/// A subscription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its GUID.
    pub id: String,
    /// Order of creation; lists and page tokens go by it.
    pub seq: u64,
    /// Tenant of the token that created it.
    pub tenant: TenantId,
    /// Application of that token.
    pub app: AppId,
    /// `creatorId`.
    pub creator: String,
    /// As sent.
    pub resource: String,
    /// The resource, taken apart.
    pub path: Path,
    /// What kind of resource it is.
    pub kind: Kind,
    /// As sent: order and blanks are kept.
    pub change_type: String,
    /// Where changes go.
    pub notification_url: String,
    /// Where lifecycle events go.
    pub lifecycle_url: Option<String>,
    /// When it ends.
    pub expires: Timestamp,
    /// The caller's secret.
    pub client_state: Option<ClientState>,
    /// `includeResourceData`, as sent.
    pub resource_data: Option<bool>,
    /// `encryptionCertificate`.
    pub certificate: Option<String>,
    /// `encryptionCertificateId`.
    pub certificate_id: Option<String>,
    /// `notificationQueryOptions`.
    pub query_options: Option<String>,
    /// `latestSupportedTlsVersion`.
    pub tls: String,
    /// `notificationUrlAppId`.
    pub url_app_id: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was deleted; kept as a ghost for a while.
    pub deleted: Option<Timestamp>,
    /// Left out of lists, by order of a test.
    pub hidden: bool,
    /// Successful PATCH calls.
    pub renewals: u32,
    /// The last PATCH.
    pub last_patch: Option<Timestamp>,
    /// The last reauthorize.
    pub last_reauthorize: Option<Timestamp>,
}

/// In which answer a row is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Create and PATCH: clientState as sent.
    Written,
    /// GET by id: by switch.
    Read,
    /// List: never, on purpose (list page; docs#5248).
    Listed,
    /// The control API: everything.
    Inside,
}

impl Row {
    /// Whether it delivers: neither deleted nor expired.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.deleted.is_none() && self.expires > now
    }

    /// Change types, folded and sorted, for comparison.
    pub fn change_set(&self) -> Vec<String> {
        change_set(&self.change_type)
    }

    /// Graph's JSON of the row. Which properties are written without a value, and what stands
    /// in `encryptionCertificate`, differs between the samples, and so by switch here.
    pub fn json(&self, shown: Shown, answers: &Answers) -> Map<String, Value> {
        let secret = match shown {
            Shown::Written | Shown::Inside => true,
            Shown::Read => answers.client_state_on_get,
            Shown::Listed => false,
        };
        let client_state = self.client_state.as_ref().filter(|_| secret);
        let certificate = match answers.certificate {
            CertificateEcho::Whole => self.certificate.clone(),
            CertificateEcho::Omit => None,
            CertificateEcho::Empty => Some(String::new()),
        };
        let whole = json!({
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.app.as_str(),
            "changeType": self.change_type,
            "clientState": client_state.map(ClientState::expose),
            "notificationUrl": self.notification_url,
            "notificationQueryOptions": self.query_options,
            "notificationContentType": null,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": ticks(self.expires),
            "creatorId": self.creator,
            "includeResourceData": self.resource_data,
            "latestSupportedTlsVersion": self.tls,
            "encryptionCertificate": certificate,
            "encryptionCertificateId": self.certificate_id,
            "notificationUrlAppId": self.url_app_id,
        });
        let Value::Object(mut whole) = whole else {
            return Map::new();
        };
        // `clientState` is written as null even where other nulls are left out (list samples).
        whole.retain(|name, value| answers.nulls || name == "clientState" || !value.is_null());
        if answers.certificate == CertificateEcho::Omit {
            whole.remove("encryptionCertificate");
        }
        whole
    }

    /// Everything about the row, for the control API.
    pub fn inside(&self, now: Timestamp) -> Value {
        let mut whole = self.json(Shown::Inside, &Answers::default());
        let extra = json!({
            "tenantId": self.tenant.as_str(),
            "kind": self.kind.facts().name,
            "live": self.is_live(now),
            "created": self.created.to_string(),
            "deleted": self.deleted.map(|at| at.to_string()),
            "hidden": self.hidden,
            "renewals": self.renewals,
        });
        if let Value::Object(extra) = extra {
            whole.extend(extra);
        }
        Value::Object(whole)
    }
}

/// Change types, folded and sorted, for comparison. Whether order, blanks and case matter to
/// Graph is not known; a simulator that finds more duplicates than Graph is the safer one.
pub fn change_set(text: &str) -> Vec<String> {
    let mut set: Vec<String> = text
        .split(',')
        .map(|word| word.trim().to_ascii_lowercase())
        .collect();
    set.sort();
    set.dedup();
    set
}

/// The moment with seven digits, as Graph writes it. Graph keeps ticks of 100 ns.
pub fn ticks(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string()
}

/// The moment as kept: cut to ticks.
pub fn cut_to_ticks(moment: Timestamp) -> Timestamp {
    let rest = i64::from(moment.subsec_nanosecond()) % 100;
    moment
        .checked_sub(SignedDuration::from_nanos(rest))
        .unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_seven_digits() {
        let moment: Timestamp = "2016-11-20T18:23:45.93569139Z".parse().unwrap();
        assert_eq!(ticks(moment), "2016-11-20T18:23:45.9356913Z");
        assert_eq!(ticks(cut_to_ticks(moment)), "2016-11-20T18:23:45.9356913Z");
        let whole: Timestamp = "2016-11-20T18:23:45+02:00".parse().unwrap();
        assert_eq!(ticks(whole), "2016-11-20T16:23:45.0000000Z");
    }

    #[test]
    fn change_types_compare_as_a_set() {
        assert_eq!(
            change_set("updated, Created"),
            change_set("created,updated")
        );
    }
}

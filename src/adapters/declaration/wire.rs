//! The format of `subscriptions.toml`: tables, keys and types. The JSON Schema for editors is
//! generated from these types; their comments are its descriptions.

use toml::de::DeTable;

use super::diagnostic::Findings;
use super::fields::Fields;

pub use super::fields::At;

/// Which Microsoft Graph subscriptions evergraph keeps alive.
#[derive(Debug)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "cli",
    schemars(deny_unknown_fields, title = "subscriptions.toml of evergraph")
)]
pub struct File {
    /// What holds for every subscription that does not say otherwise.
    #[cfg_attr(feature = "cli", schemars(with = "Option<Defaults>"))]
    pub defaults: Defaults,
    /// The Entra tenants whose data is watched, by names of your choice.
    #[cfg_attr(
        feature = "cli",
        schemars(with = "Option<std::collections::BTreeMap<String, Tenant>>")
    )]
    pub tenants: Vec<(At<String>, Tenant)>,
    /// More places for notifications, by names of your choice, beside the one of the setting
    /// EVERGRAPH_SINK, which is called `default`.
    #[cfg_attr(
        feature = "cli",
        schemars(with = "Option<std::collections::BTreeMap<String, Sink>>")
    )]
    pub sinks: Vec<(At<String>, Sink)>,
    /// The subscriptions, each as a table `[[subscriptions]]`.
    #[cfg_attr(feature = "cli", schemars(with = "Option<Vec<Subscription>>"))]
    pub subscriptions: Vec<At<Subscription>>,
}

/// What holds for every subscription that does not say otherwise.
#[derive(Debug, Default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Defaults {
    /// The name of a table under `tenants`.
    pub tenant: Option<At<String>>,
    /// Which changes are reported.
    #[cfg_attr(
        feature = "cli",
        schemars(with = "Option<Vec<schema::Change>>", length(min = 1))
    )]
    pub change_types: Option<At<Vec<At<String>>>>,
    /// How long each subscription lives before it must be renewed: `max` (a margin below the
    /// longest that Graph allows, the default) or a length such as `3d`, `90m`, `1d 12h`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = schema::LIFETIME)))]
    pub lifetime: Option<At<String>>,
    /// Whether Graph also reports lifecycle events (missed, removed, reauthorization
    /// required). On by default.
    pub lifecycle: Option<At<bool>>,
    /// The human decision behind this file: a ticket's address, or words. It stands in the audit
    /// beside every decision whose subscription names no other, and where one is removed.
    #[cfg_attr(feature = "cli", schemars(length(min = 1, max = 300)))]
    pub because: Option<At<String>>,
    /// Where notifications go: the name of a table under `sinks`, or `default` for the place in
    /// EVERGRAPH_SINK.
    pub sink: Option<At<String>>,
}

/// An Entra tenant, and how to get a token for it where that differs from the settings.
#[derive(Debug)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Tenant {
    /// The tenant's id, a GUID. A domain name is refused because it is not stable.
    #[cfg_attr(feature = "cli", schemars(required, with = "String", regex(pattern = schema::GUID)))]
    pub id: Option<At<String>>,
    /// How a token is obtained. The default is the setting EVERGRAPH_CREDENTIAL.
    #[cfg_attr(feature = "cli", schemars(with = "Option<schema::Credential>"))]
    pub credential: Option<At<String>>,
    /// The application's client id. The default is the setting EVERGRAPH_CLIENT_ID.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = schema::GUID)))]
    pub client_id: Option<At<String>>,
    /// The name of the setting that holds the client secret, EVERGRAPH_CLIENT_SECRET_ and
    /// your own ending. The secret itself never stands in this file.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = schema::SECRET_SETTING)))]
    pub secret_setting: Option<At<String>>,
    /// The name of the setting that holds the certificate with its key,
    /// EVERGRAPH_CLIENT_CERTIFICATE_ and your own ending.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = schema::CERTIFICATE_SETTING)))]
    pub certificate_setting: Option<At<String>>,
}

/// A place for notifications.
#[derive(Debug)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Sink {
    /// The https URL of an Azure Storage queue, without a SAS: EVERGRAPH_CREDENTIAL opens it.
    /// On a laptop also `file:DIR`, a folder of JSON lines.
    #[cfg_attr(feature = "cli", schemars(required, with = "String", length(min = 1)))]
    pub location: Option<At<String>>,
    /// With a queue: the https URL of the blob container for the data of events that fill more
    /// than a message. The default is `evergraph-claims` in the account of the queue.
    pub blobs: Option<At<String>>,
    /// With a queue: after this, 1m to 365d, a message that nobody took is gone. The default is
    /// never.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = schema::LENGTH)))]
    pub expires: Option<At<String>>,
}

/// One subscription.
#[derive(Debug)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Subscription {
    /// A name for reports and logs: 1 to 64 of letters, digits, `-`, `_` and `.`. Renaming
    /// changes nothing in Graph.
    #[cfg_attr(feature = "cli", schemars(required, with = "String", regex(pattern = schema::NAME)))]
    pub name: Option<At<String>>,
    /// The name of a table under `tenants`. Not needed with a default, or with one tenant only.
    pub tenant: Option<At<String>>,
    /// The Graph path to watch, with its query options, such as
    /// `users/{id}/mailFolders('inbox')/messages`. No absolute URL, no version.
    #[cfg_attr(feature = "cli", schemars(required, with = "String", length(min = 1)))]
    pub resource: Option<At<String>>,
    /// Which changes are reported. Not every kind of resource knows all of them.
    #[cfg_attr(
        feature = "cli",
        schemars(with = "Option<Vec<schema::Change>>", length(min = 1))
    )]
    pub change_types: Option<At<Vec<At<String>>>>,
    /// How long it lives before it must be renewed: `max` or a length such as `3d` or `90m`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = schema::LIFETIME)))]
    pub lifetime: Option<At<String>>,
    /// Whether Graph also reports lifecycle events. On by default; needed for Teams resources
    /// that live longer than an hour.
    pub lifecycle: Option<At<bool>>,
    /// Where its notifications go: the name of a table under `sinks`, or `default`.
    pub sink: Option<At<String>>,
    /// Asks for notifications that carry the resource itself, encrypted to your certificate.
    pub resource_data: Option<At<ResourceData>>,
    /// `notificationQueryOptions`: a condition that Graph evaluates. Documented for Universal
    /// Print and for health monitoring alerts.
    #[cfg_attr(feature = "cli", schemars(length(min = 1)))]
    pub query_options: Option<At<String>>,
    /// The human decision behind it: a ticket's address, or words. It stands in the audit beside
    /// every decision about this subscription; a change of it changes nothing in Graph.
    #[cfg_attr(feature = "cli", schemars(length(min = 1, max = 300)))]
    pub because: Option<At<String>>,
}

/// The certificate to which Graph encrypts resource data.
#[derive(Debug)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct ResourceData {
    /// The certificate itself, its public part alone: PEM text, or base64 of its DER form.
    #[cfg_attr(feature = "cli", schemars(required, with = "String", length(min = 1)))]
    pub certificate: Option<At<String>>,
    /// Your own id of the certificate, at most 128 characters; Graph sends it back.
    #[cfg_attr(
        feature = "cli",
        schemars(required, with = "String", length(min = 1, max = 128))
    )]
    pub certificate_id: Option<At<String>>,
    /// Whether the content is decrypted here (on by default; `EVERGRAPH_DECRYPTION_KEYS` then
    /// needs the private key under the same id), or passed on encrypted, to consumers that hold
    /// the key.
    pub decrypt: Option<At<bool>>,
}

impl File {
    /// Reads the format. `None` if the text is no TOML; what else is wrong is reported, and
    /// the rest is read all the same.
    pub(super) fn read(text: &str, findings: &mut Findings<'_>) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in errors {
                findings
                    .error("no-toml", error.span(), "", error.message())
                    .help("the file is no valid TOML here");
            }
            return None;
        }
        let mut fields = Fields::new(table.get_ref(), String::new(), findings);
        let file = Self {
            defaults: fields
                .table("defaults", "a table [defaults]", Defaults::read)
                .map(|at| at.value)
                .unwrap_or_default(),
            tenants: fields.tables_by_name(
                "tenants",
                "a table for each tenant, such as [tenants.contoso]",
                Tenant::read,
            ),
            sinks: fields.tables_by_name(
                "sinks",
                "a table for each place, such as [sinks.orders]",
                Sink::read,
            ),
            subscriptions: fields.tables(
                "subscriptions",
                "a table [[subscriptions]] for each subscription",
                Subscription::read,
            ),
        };
        fields.finish();
        Some(file)
    }
}

const CHANGES: &str = "a list such as [\"created\", \"updated\", \"deleted\"]";
const LENGTH: &str = "\"max\" or a length in quotes such as \"3d\", \"90m\" or \"1d 12h\"";
const BECAUSE: &str = "a ticket's address, or words, in quotes";
const SINK: &str = "the name of a table under sinks, in quotes";
const TENANT: &str = "the name of a table under tenants, in quotes";

impl Defaults {
    fn read(mut fields: Fields<'_, '_, '_>) -> Self {
        let defaults = Self {
            tenant: fields.text("tenant", TENANT),
            change_types: fields.texts("change_types", CHANGES),
            lifetime: fields.text("lifetime", LENGTH),
            lifecycle: fields.flag("lifecycle"),
            because: fields.text("because", BECAUSE),
            sink: fields.text("sink", SINK),
        };
        fields.finish();
        defaults
    }
}

impl Tenant {
    fn read(mut fields: Fields<'_, '_, '_>) -> Self {
        let tenant = Self {
            id: fields.text("id", "the tenant's GUID in quotes"),
            credential: fields.text("credential", "a kind of credential in quotes"),
            client_id: fields.text("client_id", "the application's GUID in quotes"),
            secret_setting: fields.text("secret_setting", "the name of a setting in quotes"),
            certificate_setting: fields
                .text("certificate_setting", "the name of a setting in quotes"),
        };
        fields.finish();
        tenant
    }
}

impl Sink {
    fn read(mut fields: Fields<'_, '_, '_>) -> Self {
        let sink = Self {
            location: fields.text("location", "the URL of a queue in quotes"),
            blobs: fields.text("blobs", "the URL of a container in quotes"),
            expires: fields.text("expires", "a length in quotes such as \"14d\""),
        };
        fields.finish();
        sink
    }
}

impl Subscription {
    fn read(mut fields: Fields<'_, '_, '_>) -> Self {
        let subscription = Self {
            name: fields.text("name", "a name in quotes"),
            tenant: fields.text("tenant", TENANT),
            resource: fields.text("resource", "a Graph path in quotes"),
            change_types: fields.texts("change_types", CHANGES),
            lifetime: fields.text("lifetime", LENGTH),
            lifecycle: fields.flag("lifecycle"),
            sink: fields.text("sink", SINK),
            resource_data: fields.table(
                "resource_data",
                "a table { certificate = \"…\", certificate_id = \"…\" }, or leave it away",
                ResourceData::read,
            ),
            query_options: fields.text("query_options", "a condition in quotes"),
            because: fields.text("because", BECAUSE),
        };
        fields.finish();
        subscription
    }
}

impl ResourceData {
    fn read(mut fields: Fields<'_, '_, '_>) -> Self {
        let data = Self {
            certificate: fields.text(
                "certificate",
                "the certificate as PEM text in triple quotes",
            ),
            certificate_id: fields.text("certificate_id", "an id of your choice in quotes"),
            decrypt: fields.flag("decrypt"),
        };
        fields.finish();
        data
    }
}

/// What only the schema needs: words and patterns. The reader has its own, better messages.
#[cfg(feature = "cli")]
mod schema {
    pub(super) const GUID: &str =
        "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";
    pub(super) const NAME: &str = "^[A-Za-z0-9._-]{1,64}$";
    pub(super) const LIFETIME: &str = "^(max| *[0-9]+[dhms]( *[0-9]+[hms])* *)$";
    pub(super) const LENGTH: &str = "^ *[0-9]+[dhms]( *[0-9]+[hms])* *$";
    pub(super) const SECRET_SETTING: &str = "^EVERGRAPH_CLIENT_SECRET_[A-Z0-9_]+$";
    pub(super) const CERTIFICATE_SETTING: &str = "^EVERGRAPH_CLIENT_CERTIFICATE_[A-Z0-9_]+$";

    /// A kind of change.
    #[derive(schemars::JsonSchema)]
    #[schemars(rename_all = "lowercase", inline)]
    #[expect(dead_code, reason = "only its schema is used")]
    pub(super) enum Change {
        Created,
        Updated,
        Deleted,
    }

    /// How a token is obtained.
    #[derive(schemars::JsonSchema)]
    #[schemars(rename_all = "kebab-case", inline)]
    #[expect(dead_code, reason = "only its schema is used")]
    pub(super) enum Credential {
        ManagedIdentity,
        ManagedIdentityFederated,
        WorkloadIdentity,
        ClientSecret,
        ClientCertificate,
        AzureCli,
    }
}

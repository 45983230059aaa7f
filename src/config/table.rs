//! The table of settings.

use std::fmt::Write as _;

use super::Effect;

/// One setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Its name. One that ends with `*` stands for every name that begins so.
    pub name: &'static str,
    /// What it means, one sentence or more.
    pub meaning: &'static str,
    /// Its default, in words; empty if it must be set.
    pub default: &'static str,
    /// An example; for a secret, its form.
    pub example: &'static str,
    /// What happens if it is wrong, or missing without a default.
    pub effect: Effect,
    /// Whether its value is a secret (or may carry one) and is never repeated.
    pub secret: bool,
}

const fn setting(
    name: &'static str,
    effect: Effect,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        meaning,
        default,
        example,
        effect,
        secret: false,
    }
}

const fn secret(
    name: &'static str,
    effect: Effect,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        secret: true,
        ..setting(name, effect, default, example, meaning)
    }
}

/// Names with our prefix that somebody else reads, and who. One that ends with `*` stands for
/// every name that begins so. They are no mistakes, and they mean nothing to the handler.
pub const READ_BY_OTHERS: &[(&str, &str)] = &[
    (
        "EVERGRAPH_SCHEDULE",
        "The Functions host: the timer's schedule, six NCRONTAB fields. It should fit `EVERGRAPH_TICK`.",
    ),
    (
        "EVERGRAPH_HOST_*",
        "The local Functions host, `evergraph host`.",
    ),
    ("EVERGRAPH_TEST_*", "The tests."),
    ("EVERGRAPH_REGENERATE", "The tests of generated pages."),
    ("EVERGRAPH_REQUIRE_NODE", "The tests with official clients."),
];

/// Whether somebody else reads the name.
pub(super) fn is_read_by_others(name: &str) -> bool {
    READ_BY_OTHERS
        .iter()
        .any(|(known, _)| match known.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => *known == name,
        })
}

use Effect::{DefaultUsed, DoesNotStart, NoIntake, NoPasses, NoToken, RenewOnly};

/// Every setting of evergraph, in the order of the reference.
pub const SETTINGS: &[Setting] = &[
    setting(
        "EVERGRAPH_FLEET",
        DoesNotStart,
        "",
        "prod-eu",
        "The name of this deployment's family of subscriptions: 3 to 32 of `a`-`z`, `0`-`9` and `-`. It stands in every notification URL and proves ownership.",
    ),
    secret(
        "EVERGRAPH_CLIENT_STATE_KEYS",
        DoesNotStart,
        "",
        "`2026a:BASE64,2025b:BASE64`",
        "The ring of keys that sign clientState: `kid:base64` entries of at least 32 bytes, separated by commas. The first signs, all verify. Append a new key everywhere before it moves to the front.",
    ),
    setting(
        "EVERGRAPH_PUBLIC_URL",
        NoPasses,
        "`https://$WEBSITE_HOSTNAME`",
        "https://hooks.contoso.com",
        "The origin under which Graph reaches this deployment: no path, no query. `https`, or `http` towards loopback.",
    ),
    setting(
        "EVERGRAPH_FORMER_URLS",
        RenewOnly,
        "none",
        "https://old.contoso.com/api/notifications/prod-eu",
        "Notification URLs that were ours, separated by commas, each `origin/api/notifications/{fleet}`. Subscriptions that carry one are moved.",
    ),
    setting(
        "EVERGRAPH_FORMER_APPS",
        RenewOnly,
        "none",
        "0b7f9c52-2a5c-4a3d-9e6b-6c1d2e3f4a5b",
        "Client ids of applications that owned the subscriptions before, separated by commas.",
    ),
    secret(
        "EVERGRAPH_SUBSCRIPTIONS",
        RenewOnly,
        "`subscriptions.toml`",
        "https://account.blob.core.windows.net/config/subscriptions.toml",
        "The declaration: a file (`file:PATH` or a path) or the URL of a blob (a SAS is allowed).",
    ),
    secret(
        "EVERGRAPH_STATE",
        NoPasses,
        "",
        "https://account.blob.core.windows.net/state",
        "Where the state lies: the URL of a blob container (a SAS is allowed), or `file:DIR` on a laptop.",
    ),
    secret(
        "EVERGRAPH_AUDIT",
        RenewOnly,
        "beside the state: in its container under `audit/`, or in the folder `audit` of its folder",
        "https://account.blob.core.windows.net/audit",
        "Where decisions are kept, as JSON lines: the URL of a blob container (a SAS is allowed), or `file:DIR` on a laptop. While it cannot be written, nothing is deleted.",
    ),
    setting(
        "EVERGRAPH_AUDIT_KEPT",
        DefaultUsed,
        "`400d`",
        "10d",
        "How long decisions are kept, 1d to 3650d; older days of the audit are removed, once a day.",
    ),
    secret(
        "EVERGRAPH_SINK",
        NoIntake,
        "none: notifications are answered 503, and Graph keeps them for up to four hours",
        "https://account.queue.core.windows.net/evergraph-events",
        "Where accepted notifications go: the URL of an Azure Storage queue (a SAS is allowed), or `file:DIR`, a folder of JSON lines on a laptop. `memory:` forgets every event and is for measurements, behind a loopback address only. The declaration may name more (`[sinks.NAME]`), and send the notifications of single subscriptions there; this one takes the rest.",
    ),
    secret(
        "EVERGRAPH_SINK_BLOBS",
        NoIntake,
        "the container `evergraph-claims` in the account of the queue",
        "https://account.blob.core.windows.net/large-events",
        "With a queue: the URL of the blob container (a SAS is allowed) for the data of events that fill more than a message.",
    ),
    setting(
        "EVERGRAPH_SINK_EXPIRES",
        NoIntake,
        "never",
        "14d",
        "With a queue: after this, 1m to 365d, a message that nobody took is gone.",
    ),
    setting(
        "EVERGRAPH_ENDPOINT_RULES",
        DefaultUsed,
        "`3s 10% 10s 15% 10m`",
        "3s 10% 10s 15% 10m",
        "By which rules our own answers are measured: Graph slows an endpoint down where more than a share of answers takes longer than a time, drops its notifications above a second pair, and looks at a window. Graph changed these numbers before.",
    ),
    secret(
        "EVERGRAPH_DECRYPTION_KEYS",
        NoIntake,
        "none",
        "`2026-09=/secrets/2026-09.pem,2027-03=https://contoso.vault.azure.net/secrets/notifications`",
        "Private RSA keys that open resource data: `certificate_id=PATH`, `certificate_id=PEM` or `certificate_id=URL` of a Key Vault secret (`https://VAULT.vault.azure.net/secrets/NAME`, with `/VERSION` or without), separated by commas. With `*=URL`, every `certificate_id` of 32 hex digits is a version of that secret, so that a rotation needs no new setting. Secrets are read with `EVERGRAPH_CREDENTIAL` (role Key Vault Secrets User) beside the start, as often as it takes; PEM, or PKCS#12 that the vault converts. Items for a certificate that is missing here are answered 503, unless their subscription says `decrypt = false`.",
    ),
    setting(
        "EVERGRAPH_GRAPH_URL",
        NoPasses,
        "`https://graph.microsoft.com/v1.0`",
        "https://graph.microsoft.us/v1.0",
        "Microsoft Graph with its version, of any cloud; `http` towards loopback only.",
    ),
    setting(
        "EVERGRAPH_AUTHORITY",
        NoPasses,
        "that of the cloud of `EVERGRAPH_GRAPH_URL`",
        "https://login.microsoftonline.us",
        "Where tokens are issued and the keys of validation tokens are published: an origin; `http` only towards loopback with the credential `none`.",
    ),
    setting(
        "EVERGRAPH_CREDENTIAL",
        NoPasses,
        "`managed-identity`",
        "client-certificate",
        "How tokens are obtained: `managed-identity`, `managed-identity-federated` (for customer tenants), `workload-identity`, `client-secret`, `client-certificate`, `azure-cli`, or `none` (towards loopback only). A tenant may have its own in the declaration.",
    ),
    setting(
        "EVERGRAPH_CLIENT_ID",
        NoPasses,
        "none",
        "0b7f9c52-2a5c-4a3d-9e6b-6c1d2e3f4a5b",
        "The application's client id; with `managed-identity`, that of a user-assigned identity. Needed by every credential but `managed-identity`, `azure-cli` and `none`.",
    ),
    setting(
        "EVERGRAPH_IDENTITY_CLIENT_ID",
        NoPasses,
        "the system-assigned identity",
        "6c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5",
        "With `managed-identity-federated`: the client id of the user-assigned identity that the application trusts.",
    ),
    setting(
        "EVERGRAPH_TENANT_ID",
        NoPasses,
        "none",
        "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "The storage account's tenant, where a client secret, a certificate, a token file or the \
         Azure CLI opens it without a SAS. Tokens for Graph always come from the watched tenant.",
    ),
    secret(
        "EVERGRAPH_CLIENT_SECRET",
        NoPasses,
        "none",
        "a Key Vault reference",
        "With `client-secret`: the secret.",
    ),
    secret(
        "EVERGRAPH_CLIENT_CERTIFICATE",
        NoPasses,
        "none",
        "/certs/evergraph.pem",
        "With `client-certificate`: certificate and private key as PEM, or the path of a PEM file.",
    ),
    secret(
        "EVERGRAPH_CLIENT_SECRET_*",
        NoToken,
        "none",
        "a Key Vault reference",
        "Secrets of single tenants; the declaration names them (`secret_setting`).",
    ),
    secret(
        "EVERGRAPH_CLIENT_CERTIFICATE_*",
        NoToken,
        "none",
        "/certs/fabrikam.pem",
        "Certificates of single tenants; the declaration names them (`certificate_setting`).",
    ),
    setting(
        "EVERGRAPH_FEDERATED_TOKEN_FILE",
        NoPasses,
        "`$AZURE_FEDERATED_TOKEN_FILE`",
        "/var/run/secrets/azure/tokens/azure-identity-token",
        "With `workload-identity`: the file with the platform's token.",
    ),
    setting(
        "EVERGRAPH_MODE",
        RenewOnly,
        "`full`",
        "observe",
        "How far a pass may go: `observe`, `renew-only`, `create-only` (also renews, never deletes) or `full`.",
    ),
    setting(
        "EVERGRAPH_TICK",
        RenewOnly,
        "`5m`",
        "5m",
        "The time between two ticks of the timer, 1s to 1d; it must agree with the schedule of `renew`.",
    ),
    setting(
        "EVERGRAPH_LEASE_S",
        RenewOnly,
        "`60`",
        "30",
        "The term of the lease on the state, in seconds: 15 to 60 in Blob Storage, 1 to 60 with `file:`.",
    ),
    setting(
        "EVERGRAPH_AUDIT_EVERY",
        RenewOnly,
        "`1h`",
        "1h",
        "The time between two audits (full listings) of a tenant, 1m to 7d.",
    ),
    setting(
        "EVERGRAPH_SETTLE",
        RenewOnly,
        "`2m`",
        "2m",
        "The time before a create whose reply was lost may be repeated: 1m to 1h, on a laptop from 1s. It must be longer than a create may take.",
    ),
    setting(
        "EVERGRAPH_CLOCK",
        NoPasses,
        "`system`",
        "http://127.0.0.1:8087/clock",
        "The clock that tells the time of day: `system`, or the simulator's URL on loopback.",
    ),
    secret(
        "EVERGRAPH_HEARTBEAT_URL",
        DefaultUsed,
        "none",
        "https://monitor.example/ping/ID",
        "An address that is called after each good pass.",
    ),
    setting(
        "EVERGRAPH_LOG",
        DefaultUsed,
        "`info`",
        "info,evergraph::app=debug",
        "What is logged: a level, or a filter in the syntax of the crate `tracing-subscriber`.",
    ),
    setting(
        "FUNCTIONS_CUSTOMHANDLER_PORT",
        DoesNotStart,
        "",
        "7071",
        "Set by the Functions host: the port on which it expects the handler.",
    ),
    setting(
        "WEBSITE_HOSTNAME",
        NoPasses,
        "none",
        "contoso.azurewebsites.net",
        "Set by Azure: the host name of the app.",
    ),
    setting(
        "WEBSITE_INSTANCE_ID",
        DefaultUsed,
        "none",
        "5f2b…",
        "Set by Azure. With a public URL that is not loopback it means production: `file:` state and sink, credential `none` and the simulator's clock are refused.",
    ),
    setting(
        "AZURE_FEDERATED_TOKEN_FILE",
        NoPasses,
        "none",
        "/var/run/secrets/azure/tokens/azure-identity-token",
        "Set by Azure Kubernetes Service: the file with the platform's token.",
    ),
];

/// The row of a name, patterns included.
pub(super) fn row(name: &str) -> Option<&'static Setting> {
    SETTINGS
        .iter()
        .find(|one| match one.name.strip_suffix('*') {
            Some(beginning) => name.len() > beginning.len() && name.starts_with(beginning),
            None => one.name == name,
        })
}

/// The reference of all settings, as Markdown.
pub fn reference() -> String {
    let mut out = String::from(
        "# Settings\n\n\
         Generated by `evergraph settings`; do not edit by hand.\n\n\
         Settings are environment variables. An empty value counts as not set. A name that begins with\n\
         `EVERGRAPH_` and stands in no row is refused (passes renew only until it is gone), and so is a value\n\
         that begins with `@Microsoft.KeyVault(`: a Key Vault reference that Azure could not resolve.\n\
         Lengths of time are written like `3d`, `90m`, `1d 12h`, `45s`.\n\n",
    );
    for one in SETTINGS {
        let _ = write!(out, "## `{}`\n\n{}\n\n", one.name, one.meaning);
        let _ = writeln!(
            out,
            "- Default: {}",
            if one.default.is_empty() {
                "none, it must be set"
            } else {
                one.default
            }
        );
        let example = match one.example.contains('`') || one.example.contains(' ') {
            true => one.example.to_owned(),
            false => format!("`{}`", one.example),
        };
        let _ = writeln!(out, "- Example: {example}");
        let _ = writeln!(out, "- If it is wrong: {}", one.effect.as_str());
        if one.secret {
            out.push_str("- Secret, or may carry one: its value is never shown.\n");
        }
        out.push('\n');
    }
    out.push_str("## Names that others read\n\n");
    for (name, who) in READ_BY_OTHERS {
        let _ = writeln!(out, "- `{name}`: {who}");
    }
    out
}

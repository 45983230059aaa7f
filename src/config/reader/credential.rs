//! How tokens are obtained.

use std::collections::BTreeMap;

use url::Url;

use super::super::{ClientCertificate, CredentialSettings};
use super::Reader;
use crate::domain::ids::{AppId, TenantId, is_guid};
use crate::domain::ownership::is_loopback;
use crate::domain::spelling::did_you_mean;
use crate::ports::declaration::CredentialKind;

impl Reader<'_> {
    pub(super) fn credential(
        &mut self,
        production: bool,
        graph: Option<&Url>,
    ) -> Option<CredentialSettings> {
        let kind = match self.is_set("EVERGRAPH_CREDENTIAL") {
            false => Some(CredentialKind::ManagedIdentity),
            true => self.parsed("EVERGRAPH_CREDENTIAL", credential_kind),
        };
        let settings = self.credential_parts(kind.unwrap_or(CredentialKind::None));
        let kind = kind?;
        if let Err(why) = settings.credential(None) {
            self.problem("EVERGRAPH_CREDENTIAL", why);
            return None;
        }
        if kind == CredentialKind::None && (production || !graph.is_some_and(is_loopback)) {
            self.problem(
                "EVERGRAPH_CREDENTIAL",
                "none is accepted only on a laptop, with an EVERGRAPH_GRAPH_URL on loopback; choose another credential",
            );
            return None;
        }
        Some(settings)
    }

    fn credential_parts(&mut self, kind: CredentialKind) -> CredentialSettings {
        let token_file = match self.is_set("EVERGRAPH_FEDERATED_TOKEN_FILE") {
            true => self.get("EVERGRAPH_FEDERATED_TOKEN_FILE"),
            false => self.get("AZURE_FEDERATED_TOKEN_FILE"),
        };
        CredentialSettings {
            kind,
            client_id: self.parsed("EVERGRAPH_CLIENT_ID", client_id),
            identity_client_id: self.parsed("EVERGRAPH_IDENTITY_CLIENT_ID", client_id),
            tenant: self.parsed("EVERGRAPH_TENANT_ID", |text| {
                TenantId::parse(text).map_err(|why| why.to_string())
            }),
            secret: self.get("EVERGRAPH_CLIENT_SECRET").map(Into::into),
            certificate: self.parsed("EVERGRAPH_CLIENT_CERTIFICATE", ClientCertificate::parse),
            token_file: token_file.map(Into::into),
            named_secrets: self.named("EVERGRAPH_CLIENT_SECRET_", |text| {
                Ok(text.to_owned().into())
            }),
            named_certificates: self
                .named("EVERGRAPH_CLIENT_CERTIFICATE_", ClientCertificate::parse),
        }
    }

    fn named<T>(
        &mut self,
        beginning: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> BTreeMap<String, T> {
        let names = self.source.names();
        let ours = names
            .into_iter()
            .filter(|name| name.len() > beginning.len() && name.starts_with(beginning));
        let mut out = BTreeMap::new();
        for name in ours {
            if let Some(value) = self.parsed(&name, &parse) {
                out.insert(name, value);
            }
        }
        out
    }
}

fn client_id(text: &str) -> Result<AppId, String> {
    match is_guid(text) {
        true => AppId::parse(text).map_err(|why| why.to_string()),
        false => Err("a client id is a GUID".to_owned()),
    }
}

fn credential_kind(text: &str) -> Result<CredentialKind, String> {
    let words = CredentialKind::ALL.map(CredentialKind::as_str);
    CredentialKind::parse(text).ok_or_else(|| {
        let guess = did_you_mean(text, words);
        format!("allowed are {}; {guess}", words.join(", "))
            .trim_end_matches("; ")
            .to_owned()
    })
}

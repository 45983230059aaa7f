//! What a pass needs.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use url::Url;

use super::super::locations::{
    ClockChoice, DeclarationLocation, SecretUrl, SinkLocation, StateLocation, url,
};
use super::super::{Effect, PassSettings};
use super::Reader;
use crate::domain::client_state::KeyRing;
use crate::domain::duration;
use crate::domain::governor::GovernorRules;
use crate::domain::ids::{AppId, FleetId};
use crate::domain::ownership::{FleetUrl, Home, Origin};
use crate::domain::policy::Mode;
use crate::domain::spelling::did_you_mean;

impl Reader<'_> {
    /// Reads everything that a pass needs, for the sake of its problems even if the process
    /// cannot start. What comes back makes the settings of a pass from who we are, unless
    /// something is missing that it cannot do without.
    pub(super) fn passes(
        &mut self,
    ) -> impl FnOnce(&FleetId, &[FleetUrl], &Arc<KeyRing>) -> Option<PassSettings> + use<> {
        let origin = self.origin();
        let production =
            self.is_set("WEBSITE_INSTANCE_ID") && !origin.as_ref().is_some_and(Origin::is_loopback);
        let graph = self.graph();
        let authority = self.authority(graph.as_ref());
        let state = self.state(production);
        let audit = self
            .audit(production)
            .or_else(|| Some(state.as_ref()?.beside()));
        let audit_kept = self.length("EVERGRAPH_AUDIT_KEPT", "400d", ("1d", "3650d"));
        let sink = self.sink(production, origin.as_ref());
        let governor = self.governor();
        let decryption_keys = self.get("EVERGRAPH_DECRYPTION_KEYS").map(Into::into);
        let subscriptions = self.subscriptions();
        let credential = self.credential(production, graph.as_ref());
        let clock = self.clock(production);
        let former_apps = self.list("EVERGRAPH_FORMER_APPS", |one| {
            AppId::parse(one).map_err(|why| why.to_string())
        });
        let tick = self.length("EVERGRAPH_TICK", "5m", ("1s", "1d"));
        let audit_every = self.length("EVERGRAPH_AUDIT_EVERY", "1h", ("1m", "7d"));
        let settle_min = if production { "1m" } else { "1s" };
        let settle = self.length("EVERGRAPH_SETTLE", "2m", (settle_min, "1h"));
        let lease = self.lease(state.as_ref());
        let heartbeat = self.parsed("EVERGRAPH_HEARTBEAT_URL", |text| {
            url(text).map(SecretUrl::new)
        });
        let mode = self.mode();
        move |fleet, former, keys| {
            let current = FleetUrl {
                origin: origin?,
                fleet: fleet.clone(),
            };
            Some(PassSettings {
                home: Home {
                    current,
                    former: former.to_vec(),
                },
                former_apps,
                keys: Arc::clone(keys),
                subscriptions,
                state: state?,
                graph: graph?,
                authority: authority?,
                credential: credential?,
                mode,
                tick,
                lease,
                clock: clock?,
                heartbeat,
                audit_every,
                settle,
                sink,
                audit: audit?,
                audit_kept,
                decryption_keys,
                governor,
                production,
            })
        }
    }

    fn origin(&mut self) -> Option<Origin> {
        let read = |text: &str| Origin::parse(text).map_err(|why| why.to_string());
        if self.is_set("EVERGRAPH_PUBLIC_URL") {
            return self.parsed("EVERGRAPH_PUBLIC_URL", read);
        }
        if self.is_set("WEBSITE_HOSTNAME") {
            return self.parsed("WEBSITE_HOSTNAME", |host| read(&format!("https://{host}")));
        }
        self.problem(
            "EVERGRAPH_PUBLIC_URL",
            "it is not set, and neither is WEBSITE_HOSTNAME; set it to the origin under which Graph reaches us",
        );
        None
    }

    pub(super) fn graph(&mut self) -> Option<Url> {
        if !self.is_set("EVERGRAPH_GRAPH_URL") {
            return Url::parse("https://graph.microsoft.com/v1.0").ok();
        }
        self.parsed("EVERGRAPH_GRAPH_URL", |text| {
            let mut graph = url(text)?;
            let version = graph.path().trim_matches('/').to_ascii_lowercase();
            let last = version.rsplit('/').next().unwrap_or("");
            if !matches!(last, "v1.0" | "beta") || graph.query().is_some() {
                return Err("it must end with its version, /v1.0 or /beta".to_owned());
            }
            let path = graph.path().trim_end_matches('/').to_owned();
            graph.set_path(&path);
            Ok(graph)
        })
    }

    pub(super) fn authority(&mut self, graph: Option<&Url>) -> Option<Url> {
        if self.is_set("EVERGRAPH_AUTHORITY") {
            // Secrets are sent there, and Microsoft's library takes nothing but https either; where
            // none are sent, a simulator on this machine may publish the keys of tokens.
            let simulated = self.get("EVERGRAPH_CREDENTIAL").as_deref() == Some("none");
            return self.parsed("EVERGRAPH_AUTHORITY", |text| {
                let authority = url(text)?;
                let plain = authority.path() == "/" && authority.query().is_none();
                match plain && (authority.scheme() == "https" || simulated) {
                    true => Ok(authority),
                    false => Err("it must be an https origin alone, such as \
                         https://login.microsoftonline.us (http: only with the credential none)"
                        .to_owned()),
                }
            });
        }
        // The clouds, from Microsoft's page of national cloud deployments.
        let authority = match graph.and_then(Url::host_str).unwrap_or("") {
            "graph.microsoft.us" | "dod-graph.microsoft.us" => "https://login.microsoftonline.us",
            "microsoftgraph.chinacloudapi.cn" => "https://login.chinacloudapi.cn",
            _ => "https://login.microsoftonline.com",
        };
        Url::parse(authority).ok()
    }

    fn state(&mut self, production: bool) -> Option<StateLocation> {
        let state = self.required("EVERGRAPH_STATE", StateLocation::parse)?;
        if production && matches!(state, StateLocation::Folder(_)) {
            self.problem(
                "EVERGRAPH_STATE",
                "file: is for a laptop; in Azure, name the https URL of a blob container",
            );
            return None;
        }
        Some(state)
    }

    fn sink(&mut self, production: bool, origin: Option<&Origin>) -> Option<SinkLocation> {
        let sink = self.parsed("EVERGRAPH_SINK", SinkLocation::parse);
        let named = self.is_set("EVERGRAPH_SINK_BLOBS");
        let container = self.parsed("EVERGRAPH_SINK_BLOBS", |text| url(text).map(SecretUrl::new));
        let expires = self.is_set("EVERGRAPH_SINK_EXPIRES").then(|| {
            let bounds = ("1m", "365d");
            self.length("EVERGRAPH_SINK_EXPIRES", "365d", bounds)
        });
        match sink? {
            SinkLocation::Folder(_) if production => {
                self.problem(
                    "EVERGRAPH_SINK",
                    "file: is for a laptop; in Azure, name the https URL of a queue",
                );
                None
            }
            SinkLocation::Queue { queue, .. } if !named || container.is_some() => {
                Some(SinkLocation::Queue {
                    queue,
                    blobs: container,
                    expires,
                })
            }
            SinkLocation::Queue { .. } => None,
            folder @ SinkLocation::Folder(_) => Some(folder),
            SinkLocation::Memory { .. } if !origin.is_some_and(Origin::is_loopback) => {
                self.problem(
                    "EVERGRAPH_SINK",
                    "memory: forgets every event; it is accepted only where EVERGRAPH_PUBLIC_URL is loopback",
                );
                None
            }
            memory @ SinkLocation::Memory { .. } => Some(memory),
        }
    }

    pub(super) fn governor(&mut self) -> GovernorRules {
        let rules = self.parsed("EVERGRAPH_ENDPOINT_RULES", |text| {
            GovernorRules::parse(text).map_err(|why| why.to_string())
        });
        rules.unwrap_or_default()
    }

    fn subscriptions(&mut self) -> Option<DeclarationLocation> {
        if !self.is_set("EVERGRAPH_SUBSCRIPTIONS") {
            return Some(DeclarationLocation::File("subscriptions.toml".into()));
        }
        self.parsed("EVERGRAPH_SUBSCRIPTIONS", DeclarationLocation::parse)
    }

    pub(super) fn clock(&mut self, production: bool) -> Option<ClockChoice> {
        if !self.is_set("EVERGRAPH_CLOCK") {
            return Some(ClockChoice::System);
        }
        let clock = self.parsed("EVERGRAPH_CLOCK", ClockChoice::parse)?;
        if production && clock != ClockChoice::System {
            self.problem(
                "EVERGRAPH_CLOCK",
                "the simulator's clock is for a laptop; write system",
            );
            return None;
        }
        Some(clock)
    }

    /// The mode, never beyond renew-only if a setting that matters is wrong. Read last.
    fn mode(&mut self) -> Mode {
        let words = Mode::ALL.map(Mode::as_str);
        let mode = self.parsed("EVERGRAPH_MODE", |text| {
            Mode::parse(text).ok_or_else(|| {
                let guess = did_you_mean(text, words);
                format!("allowed are {}; {guess}", words.join(", "))
                    .trim_end_matches("; ")
                    .to_owned()
            })
        });
        let mode = mode.unwrap_or_default();
        match self.worst() >= Some(Effect::RenewOnly) {
            true => mode.min(Mode::RenewOnly),
            false => mode,
        }
    }

    pub(super) fn length(
        &mut self,
        name: &str,
        default: &str,
        bounds: (&str, &str),
    ) -> SignedDuration {
        let fixed = |text: &str| duration::parse(text).unwrap_or_default();
        let (min, max) = (fixed(bounds.0), fixed(bounds.1));
        self.parsed(name, |text| {
            let length = duration::parse(text).map_err(|why| why.to_string())?;
            match (min..=max).contains(&length) {
                true => Ok(length),
                false => Err(format!("it must be from {} to {}", bounds.0, bounds.1)),
            }
        })
        .unwrap_or_else(|| fixed(default))
    }

    fn lease(&mut self, state: Option<&StateLocation>) -> Duration {
        // Blob Storage leases last 15 to 60 seconds; our files know no lower bound.
        let min = match state {
            Some(StateLocation::Folder(_)) => 1,
            _ => 15,
        };
        let seconds = self.parsed("EVERGRAPH_LEASE_S", |text| {
            text.parse::<u64>()
                .ok()
                .filter(|seconds| (min..=60).contains(seconds))
                .ok_or_else(|| format!("it must be a whole number of seconds from {min} to 60"))
        });
        Duration::from_secs(seconds.unwrap_or(60))
    }
}

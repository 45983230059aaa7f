//! National clouds: which login authority and which scope belong to a Graph address.

use url::Url;

use crate::adapters::loopback::is_loopback;

/// What differs between the clouds. Addresses: Microsoft's page "National cloud deployments";
/// audiences: its page on workload identity federation. Tokens of one cloud mean nothing in
/// another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Cloud {
    /// Where tokens come from, without a path.
    pub authority: Url,
    /// The only scope that the client credentials flow knows: `{graph root}/.default`.
    pub scope: String,
    /// The audience of a managed identity token that serves as a client assertion.
    pub exchange_scope: String,
}

struct Known {
    graph: &'static str,
    authority: &'static str,
    exchange: &'static str,
}

const GLOBAL: Known = Known {
    graph: "graph.microsoft.com",
    authority: "https://login.microsoftonline.com",
    exchange: "api://AzureADTokenExchange",
};

const CLOUDS: [Known; 4] = [
    GLOBAL,
    Known {
        graph: "graph.microsoft.us",
        authority: "https://login.microsoftonline.us",
        exchange: "api://AzureADTokenExchangeUSGov",
    },
    Known {
        graph: "dod-graph.microsoft.us",
        authority: "https://login.microsoftonline.us",
        exchange: "api://AzureADTokenExchangeUSGov",
    },
    Known {
        graph: "microsoftgraph.chinacloudapi.cn",
        authority: "https://login.chinacloudapi.cn",
        exchange: "api://AzureADTokenExchangeChina",
    },
];

/// The cloud of a Graph address. A Graph on this machine is a simulator: tokens for it, where
/// it wants real ones, are those of the global cloud. `None` for an unknown host without an
/// authority of its own.
pub(super) fn of_graph(graph: &Url, authority: Option<&Url>) -> Option<Cloud> {
    let host = graph.host_str()?;
    let known = CLOUDS.iter().find(|known| known.graph == host);
    let known = match known {
        Some(known) => known,
        None if is_loopback(graph) => &GLOBAL,
        None => {
            return Some(Cloud {
                authority: authority?.clone(),
                scope: format!("{}/.default", graph.origin().ascii_serialization()),
                exchange_scope: format!("{}/.default", GLOBAL.exchange),
            });
        }
    };
    Some(Cloud {
        authority: match authority {
            Some(own) => own.clone(),
            None => Url::parse(known.authority).ok()?,
        },
        scope: format!("https://{}/.default", known.graph),
        exchange_scope: format!("{}/.default", known.exchange),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_cloud(graph: &str, authority: &str, scope: &str) {
        let cloud = of_graph(&Url::parse(graph).unwrap(), None).unwrap();
        assert_eq!(cloud.authority.as_str(), authority);
        assert_eq!(cloud.scope, scope);
    }

    #[test]
    fn each_cloud_has_its_authority_and_scope() {
        check_cloud(
            "https://graph.microsoft.com/v1.0",
            "https://login.microsoftonline.com/",
            "https://graph.microsoft.com/.default",
        );
        check_cloud(
            "https://graph.microsoft.us/v1.0",
            "https://login.microsoftonline.us/",
            "https://graph.microsoft.us/.default",
        );
        check_cloud(
            "https://dod-graph.microsoft.us/beta",
            "https://login.microsoftonline.us/",
            "https://dod-graph.microsoft.us/.default",
        );
        check_cloud(
            "https://microsoftgraph.chinacloudapi.cn/v1.0",
            "https://login.chinacloudapi.cn/",
            "https://microsoftgraph.chinacloudapi.cn/.default",
        );
        check_cloud(
            "http://127.0.0.1:8080/v1.0",
            "https://login.microsoftonline.com/",
            "https://graph.microsoft.com/.default",
        );
    }

    #[test]
    fn an_unknown_graph_needs_an_authority_of_its_own() {
        let graph = Url::parse("https://graph.contoso.example/v1.0").unwrap();
        assert_eq!(of_graph(&graph, None), None);
        let own = Url::parse("https://login.contoso.example").unwrap();
        let cloud = of_graph(&graph, Some(&own)).unwrap();
        assert_eq!(cloud.authority, own);
        assert_eq!(cloud.scope, "https://graph.contoso.example/.default");
    }
}

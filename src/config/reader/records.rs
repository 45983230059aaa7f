//! Where decisions are kept, and what it takes to read them.

use super::super::locations::StateLocation;
use super::super::{AccessSettings, Problems, RecordsSettings};
use super::Reader;

impl Reader<'_> {
    pub(super) fn audit(&mut self, production: bool) -> Option<StateLocation> {
        let audit = self.parsed("EVERGRAPH_AUDIT", StateLocation::parse)?;
        if production && matches!(audit, StateLocation::Folder(_)) {
            self.problem(
                "EVERGRAPH_AUDIT",
                "file: is for a laptop; in Azure, name the https URL of a blob container",
            );
            return None;
        }
        Some(audit)
    }

    /// What it takes to ask for tokens, from anywhere.
    pub(in crate::config) fn access(mut self) -> Result<AccessSettings, Problems> {
        let graph = self.graph();
        let authority = self.authority(graph.as_ref());
        let credential = self.credential(false, graph.as_ref());
        match (graph, authority, credential) {
            (Some(graph), Some(authority), Some(credential)) if self.problems.is_empty() => {
                Ok(AccessSettings {
                    credential,
                    graph,
                    authority,
                })
            }
            _ => Err(Problems(self.problems.into_values().collect())),
        }
    }

    /// What it takes to read the audit and the state, from anywhere.
    pub(in crate::config) fn records(
        mut self,
        at: Option<&str>,
    ) -> Result<RecordsSettings, Problems> {
        let state = self.parsed("EVERGRAPH_STATE", StateLocation::parse);
        let audit = match at {
            Some(text) => StateLocation::parse(text)
                .map_err(|why| self.problem("EVERGRAPH_AUDIT", why))
                .ok(),
            None => self.audit(false),
        };
        let audit = audit.or_else(|| Some(state.as_ref()?.beside()));
        if audit.is_none() && self.problems.is_empty() {
            self.problem(
                "EVERGRAPH_AUDIT",
                "nothing says where the audit is; name its folder (file:DIR) or its container, or \
                 set EVERGRAPH_STATE",
            );
        }
        let clock = self.clock(false);
        let graph = self.graph();
        let authority = self.authority(graph.as_ref());
        let credential = self.credential(false, graph.as_ref());
        let governor = self.governor();
        match (audit, clock, graph, authority, credential) {
            (Some(audit), Some(clock), Some(graph), Some(authority), Some(credential))
                if self.problems.is_empty() =>
            {
                Ok(RecordsSettings {
                    audit,
                    state,
                    clock,
                    credential,
                    graph,
                    authority,
                    governor,
                })
            }
            _ => Err(Problems(self.problems.into_values().collect())),
        }
    }
}
